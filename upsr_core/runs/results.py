"""The result of a run: metrics, and the gaps to what they must be compared with. Reading it needs no torch."""

from typing import Any

import pandas as pd
from pydantic import BaseModel, ConfigDict

from upsr_core.evaluation.candidates import Candidates
from upsr_core.evaluation.metrics import HEADLINE, METRICS, named
from upsr_core.evaluation.statistics import by_user, mean_interval
from upsr_core.evaluation.verdicts import (
    NOT_SHOWN,
    UsesHistory,
    interval_text,
    told_from_zero,
    uses_history,
    why_not_shown,
)
from upsr_core.models.base import Evaluated
from upsr_core.runs.text_cuts import TextCuts

# Names of a score in `per_user.parquet` on the candidates that stand in neither history.
SHARED, BORROWED = "{}, candidates in neither history", "{}, another user's history"
HISTORY_KEPT = "full, history kept"  # in the names of metrics
CONTROL = "another user's history, on candidates that stand in neither"


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Interval(_Record):
    """A mean over users with its 95 % interval, as `mean_interval` gives it.

    Where fewer users than an interval needs are `deciding`, `low` and `high` are None and `why` says so.
    """

    mean: float
    low: float | None = None
    high: float | None = None
    users: int
    deciding: float
    why: str = ""

    def __str__(self) -> str:
        """
        >>> str(Interval(mean=0.1, low=0.05, high=0.15, users=30, deciding=9))
        '+0.100 [+0.050, +0.150]'
        """
        return self.text("+.3f")

    def text(self, form: str) -> str:
        """The mean in a number format, with its interval or why there is none."""
        return interval_text(self.mean, self.low, self.high, self.why, form)

    @property
    def side(self) -> int:
        """1 above zero, -1 below, 0 where that cannot be told."""
        return told_from_zero(self.model_dump())


class UserDependence(Interval):
    """What the right history gains over another user's on the same candidates, in `metric`."""

    metric: str
    control: str = CONTROL


class ScoreResult(_Record):
    """What one named score reached: metrics by name, its user dependence in the headline metric, and the verdict."""

    metrics: dict[str, float]
    user_dependence: Interval
    uses_history: UsesHistory


class RunResult(_Record):
    """What a finished run says. Metrics are named with their mode, such as `NDCG@10 (uni100)`.

    `score` is the run's own score, of which `metrics`, `intervals`, `gaps` (to each reference), `user_dependence` and
    `uses_history` (see `verdicts.uses_history`) speak; `scores` has all named scores, `references` popularity and
    random order. `users` of `of_users` instances were evaluated, `cold_targets` were in no training event,
    `taken_before` were left out because their user had taken them before; `unscorable_targets` the model could not
    score, `identical_texts` items share their text with another (None where that says nothing of the model). `cuts` is
    what the caps left of the texts that the model read (None where it reads none).

    `seconds` were spent since the last start; `resumed` says that there was an earlier one. Where the weights are
    another run's, `trained_by` is its id and `training_seconds` what it took, which `seconds` do not hold then.

    `history_kept` are metrics of mode `full` with the items of the history among the candidates, for published tables
    that keep them there; other models than those that score their whole catalogue at once have none.
    """

    run: str
    title: str
    score: str
    metrics: dict[str, float]
    history_kept: dict[str, float] = {}
    intervals: dict[str, Interval]
    gaps: dict[str, dict[str, Interval]]
    user_dependence: UserDependence
    uses_history: UsesHistory
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

    @property
    def history_line(self) -> str:
        """Whether the run uses the history, and why that is not shown, in words."""
        why = f" ({why_not_shown(self.user_dependence.model_dump())})" if self.uses_history == NOT_SHOWN else ""
        return self.uses_history + why

    def gap(self, reference: str) -> Interval:
        """What the run gains over a reference in the headline metric."""
        return self.gaps[reference][self.headline]


def measured(evaluated: Evaluated, references: dict[str, pd.DataFrame], test: Candidates, own: str) -> dict[str, Any]:
    """The part of a result that follows from the ranks: metrics, gaps and user dependence of the score `own`."""
    right, kept = evaluated.right, evaluated.history_kept
    mode, users = test.mode, test.instances.user.to_numpy()
    headline = named(HEADLINE, mode)

    def gaps(frame: pd.DataFrame, other: pd.DataFrame) -> dict[str, dict]:
        return {named(m, mode): mean_interval(by_user((frame[m] - other[m]).to_numpy(), users)) for m in METRICS}

    def means(frame: pd.DataFrame) -> dict[str, float]:
        return {named(metric, mode): float(frame[metric].mean()) for metric in METRICS}

    dependence = {name: gaps(evaluated.shared[name], evaluated.borrowed[name])[headline] for name in right}

    def verdict(name: str) -> UsesHistory:
        return uses_history(dependence[name], float(right[name][HEADLINE].mean()))

    return {
        "score": own,
        "metrics": means(right[own]),
        "history_kept": {} if kept is None else {f"{m} ({HISTORY_KEPT})": float(kept[m].mean()) for m in METRICS},
        "intervals": {named(m, mode): mean_interval(by_user(right[own][m].to_numpy(), users)) for m in METRICS},
        "gaps": {name: gaps(right[own], frame) for name, frame in references.items()},
        "user_dependence": {**dependence[own], "metric": headline},
        "uses_history": verdict(own),
        "scores": {
            name: {"metrics": means(right[name]), "user_dependence": dependence[name], "uses_history": verdict(name)}
            for name in right
        },
        "references": {name: means(frame) for name, frame in references.items()},
        "users": len(test),
        "of_users": test.of,
        "cold_targets": int(test.instances.cold.sum()),
        "candidates": test.digest,
        **evaluated.counts,
    }


def per_user_table(evaluated: Evaluated, references: dict[str, pd.DataFrame], test: Candidates) -> pd.DataFrame:
    """One row per instance and score: also of both histories on the candidates in neither, and of references."""
    frames = dict(evaluated.right)
    for name in evaluated.right:
        frames |= {SHARED.format(name): evaluated.shared[name], BORROWED.format(name): evaluated.borrowed[name]}
    parts = [
        test.instances.assign(row=range(len(test)), score=name, **frame)
        for name, frame in (frames | references).items()
    ]
    return pd.concat(parts, ignore_index=True)
