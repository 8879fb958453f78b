"""The result of a run: metrics, and the gaps to what they must be compared with. Reading it needs no torch."""

from typing import Any

import pandas as pd
from pydantic import BaseModel, ConfigDict

from upsr_core.evaluation.candidates import Candidates
from upsr_core.evaluation.metrics import HEADLINE, METRICS, named
from upsr_core.evaluation.statistics import by_user, mean_interval
from upsr_core.models.base import Evaluated
from upsr_core.runs.text_cuts import TextCuts

BORROWED = "{}, another user's history"  # names the score of another user's history in `per_user.parquet`
CONTROL = "another user's history, in uni100 without the candidates"


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Interval(_Record):
    """A mean over users with its 95 % interval."""

    mean: float
    low: float
    high: float
    users: int

    def __str__(self) -> str:
        """
        >>> str(Interval(mean=0.1, low=0.05, high=0.15, users=3))
        '+0.100 [+0.050, +0.150]'
        """
        return f"{self.mean:+.3f} [{self.low:+.3f}, {self.high:+.3f}]"


class UserDependence(Interval):
    """What the right history gains over another user's on the same candidates, in `metric`."""

    metric: str
    control: str = CONTROL


class ScoreResult(_Record):
    """What one named score reached: metrics by name, and its user dependence in the headline metric."""

    metrics: dict[str, float]
    user_dependence: Interval


class RunResult(_Record):
    """What a finished run says. Metrics are named with their mode, such as `NDCG@10 (uni100)`.

    `score` is the run's own score, of which `metrics`, `intervals`, `gaps` (to each reference), `user_dependence` and
    `personal` (its interval is above zero) speak; `scores` has all named scores, `references` popularity and random
    order. `users` of `of_users` instances were evaluated, `cold_targets` were in no training event, `taken_before`
    were left out because their user had taken them before; `unscorable_targets` the model could not score,
    `identical_texts` items share their text with another (None where that says nothing of the model). `cuts` is what
    the caps left of the texts that the model read (None where it reads none).

    `seconds` were spent since the last start; `resumed` says that there was an earlier one. Where the weights are
    another run's, `trained_by` is its id and `training_seconds` what it took, which `seconds` do not hold then.
    """

    run: str
    title: str
    score: str
    metrics: dict[str, float]
    intervals: dict[str, Interval]
    gaps: dict[str, dict[str, Interval]]
    user_dependence: UserDependence
    personal: bool
    scores: dict[str, ScoreResult]
    references: dict[str, dict[str, float]]
    users: int
    of_users: int
    cold_targets: int
    taken_before: int = 0
    unscorable_targets: int | None = None
    identical_texts: int | None = None
    cuts: TextCuts | None = None
    candidates: str
    trained_by: str | None = None
    training_seconds: float | None = None
    seconds: float
    peak_memory_mib: float
    resumed: bool
    finished: float

    @property
    def headline(self) -> str:
        """The name of the metric that stands for the run, with its mode."""
        return self.user_dependence.metric

    @property
    def value(self) -> float:
        """What the run reached in it."""
        return self.metrics[self.headline]

    def gap(self, reference: str) -> Interval:
        """What the run gains over a reference in the headline metric."""
        return self.gaps[reference][self.headline]


def measured(evaluated: Evaluated, references: dict[str, pd.DataFrame], test: Candidates, own: str) -> dict[str, Any]:
    """The part of a result that follows from the ranks: metrics, gaps and user dependence of the score `own`."""
    right, borrowed = evaluated.right, evaluated.borrowed
    mode, users = test.mode, test.instances.user.to_numpy()
    headline = named(HEADLINE, mode)

    def gaps(frame: pd.DataFrame, other: pd.DataFrame) -> dict[str, dict]:
        return {named(m, mode): mean_interval(by_user((frame[m] - other[m]).to_numpy(), users)) for m in METRICS}

    def means(frame: pd.DataFrame) -> dict[str, float]:
        return {named(metric, mode): float(frame[metric].mean()) for metric in METRICS}

    dependence = {name: gaps(right[name], borrowed[name])[headline] for name in right}
    return {
        "score": own,
        "metrics": means(right[own]),
        "intervals": {named(m, mode): mean_interval(by_user(right[own][m].to_numpy(), users)) for m in METRICS},
        "gaps": {name: gaps(right[own], frame) for name, frame in references.items()},
        "user_dependence": {**dependence[own], "metric": headline},
        "personal": dependence[own]["low"] > 0,
        "scores": {name: {"metrics": means(right[name]), "user_dependence": dependence[name]} for name in right},
        "references": {name: means(frame) for name, frame in references.items()},
        "users": len(test),
        "of_users": test.of,
        "cold_targets": int(test.instances.cold.sum()),
        "candidates": test.digest,
        **evaluated.counts,
    }


def per_user_table(evaluated: Evaluated, references: dict[str, pd.DataFrame], test: Candidates) -> pd.DataFrame:
    """One row per instance and score, that of another user's history and of references among them."""
    frames = evaluated.right | {BORROWED.format(name): frame for name, frame in evaluated.borrowed.items()}
    parts = [
        test.instances.assign(row=range(len(test)), score=name, **frame)
        for name, frame in (frames | references).items()
    ]
    return pd.concat(parts, ignore_index=True)
