"""The posterior score against rankings whose order is known."""

import numpy as np
import pandas as pd
import pytest

from upsr_core.evaluation.metrics import target_rank
from upsr_core.likelihood.scores import TEMPERATURE
from upsr_core.models.registry import MODELS


def table(ratios, counts):
    """One user's candidates, the target first, with these ratios of likelihoods a token and training events."""
    count, tokens = len(ratios), 4
    logprob = np.array(ratios) * tokens - 20.0
    return pd.DataFrame(
        {
            "row": 0, "item": range(count), "target": [True] + [False] * (count - 1), "tokens": tokens,
            "unconditional": -20.0, "logprob": logprob, "borrowed": logprob, "popularity": counts,
        }
    )  # fmt: skip


def ranks(mode, ratios, counts):
    scored = MODELS["upsr"].with_scores(table(ratios, counts), mode)
    return {name: target_rank(scored[name].to_numpy())[0] for name in MODELS["upsr"].scores}


@pytest.mark.parametrize(("events", "first"), [(100, True), (1, False)])
def test_popularity_and_the_history_are_weighed_on_one_scale(events, first):
    """A ratio that is worse by one nat of the scale is made good by more than e times the events."""
    worse = 1.0 - TEMPERATURE
    found = ranks("uni100", [worse, 1.0], [(events + 1) * 3 - 1 if first else events, events])
    assert found["conditional"] == 2 and found["posterior"] == (1 if first else 2)


def test_among_popular_candidates_popularity_says_nothing():
    found = ranks("pop100", [0.5, 0.4, 0.6], [1, 1000, 1])
    assert found["posterior"] == found["conditional"] == 2
