"""A model of one's own on stored candidates: the same metrics, intervals and control that every run has."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from upsr_core.evaluation.borrowed import own_and_borrowed
from upsr_core.evaluation.candidates import Candidates
from upsr_core.evaluation.metrics import HEADLINE, METRICS, named, rank_table
from upsr_core.evaluation.statistics import by_user, mean_interval
from upsr_core.evaluation.verdicts import UsesHistory, uses_history

Scores = Callable[[np.ndarray, np.ndarray], np.ndarray]


@dataclass(frozen=True)
class OwnEvaluation:
    """What scores of one's own reached.

    `per_user` has a row per instance: user, end, target, cold, rank, ties and the metrics. `metrics` are means over
    users with 95 % intervals (what `mean_interval` gives) by name with their mode, such as `NDCG@10 (uni100)`;
    `user_dependence` is what the right history gains over another user's in NDCG@10, on candidates of neither, and
    `uses_history` the verdict on it.
    """

    per_user: pd.DataFrame
    metrics: dict[str, dict[str, Any]]
    user_dependence: dict[str, Any]
    uses_history: UsesHistory


def evaluate_scores(candidates: Candidates, scores: Scores) -> OwnEvaluation:
    """Judge any scores as runs are judged.

    Parameters
    ----------
    candidates
        What `candidates_for` gives: the same users, targets and negatives as those of runs.
    scores
        Called with a history (item indices, oldest first) and items (c,): scores (c,) of these, higher is better.
        Equal scores share their rank in expectation.

    Raises
    ------
    RunError
        A score is not a number.
    """
    users = candidates.instances.user.to_numpy()

    def scored(seen: Candidates) -> list[np.ndarray]:
        return [np.asarray(scores(seen.history(row), seen.items(row))) for row in range(len(seen))]

    own, borrowed = own_and_borrowed(candidates)
    found = scored(candidates)
    right = rank_table(found)
    shared = rank_table([values[own.stays(row, candidates.items(row))] for row, values in enumerate(found)])
    gain = (shared[HEADLINE] - rank_table(scored(borrowed))[HEADLINE]).to_numpy()
    intervals = {name: mean_interval(by_user(right[name].to_numpy(), users)) for name in METRICS}
    dependence = mean_interval(by_user(gain, users))
    return OwnEvaluation(
        per_user=candidates.instances.assign(**right),
        metrics={named(name, candidates.mode): interval for name, interval in intervals.items()},
        user_dependence=dependence,
        uses_history=uses_history(dependence, intervals[HEADLINE]["mean"]),
    )
