"""The posterior score against rankings whose order is known."""

import numpy as np
import pytest

from upsr_core.evaluation.metrics import rank_table
from upsr_core.likelihood.scores import SCORES, TEMPERATURE, ScoreSpec, prior_of


def ranks(mode, ratios, counts):
    """The target's rank by every score: it is the first of candidates with these log ratios of likelihoods a token,
    and these training events."""
    tokens, prior = np.full(len(ratios), 4), prior_of(np.array(counts), mode)
    unconditional = np.full(len(ratios), -20.0)
    logprob = np.array(ratios) * tokens + unconditional
    scored = {name: ScoreSpec(name=name).apply(logprob, tokens, unconditional, prior) for name in SCORES}
    return {name: float(rank_table([scores])["rank"].iloc[0]) for name, scores in scored.items()}


@pytest.mark.parametrize(("events", "first"), [(100, True), (1, False)])
def test_popularity_and_the_history_are_weighed_on_one_scale(events, first):
    """A ratio that is worse by one nat of the scale is made good by more than e times the events."""
    worse = 1.0 - TEMPERATURE
    found = ranks("uni100", [worse, 1.0], [(events + 1) * 3 - 1 if first else events, events])
    assert found["conditional"] == 2 and found["posterior"] == (1 if first else 2)


def test_among_popular_candidates_popularity_says_nothing():
    found = ranks("pop100", [0.5, 0.4, 0.6], [1, 1000, 1])
    assert found["posterior"] == found["conditional"] == 2
