"""Runs and their results as tables and plain sentences."""

import pandas as pd

from upsr_core.datasets.splits import split
from upsr_core.datasets.store import Dataset
from upsr_core.evaluation.candidates import candidates_for
from upsr_core.evaluation.metrics import HEADLINE
from upsr_core.evaluation.verdicts import NO, NOT_SHOWN
from upsr_core.models.budgets import BUDGETS
from upsr_core.models.popularity import PopularityRanker, RandomRanker
from upsr_core.runs.health import Health
from upsr_core.runs.results import RunResult
from upsr_core.runs.run import Run
from upsr_core.runs.status import Status


def runs_table(runs: list[Run]) -> pd.DataFrame:
    """One row per run: what it is, its state, its headline metric, gaps with 95 % intervals, and the verdict."""
    rows = []
    for run in runs:
        status, result = run.status(), run.result()
        row = {
            "trial": run.title.replace(f" · {run.budget} ", " ", 1) if run.budget else run.title,
            "budget": BUDGETS[run.budget].title if run.budget in BUDGETS else run.budget,
            "state": status.state,
            "value": f"{result.value:.3f} ({run.spec.candidates.mode})" if result else "",
            "popularity": str(result.gap("popularity")) if result else "",
            "random": str(result.gap("random")) if result else "",
            "dependence": str(result.user_dependence) if result else "",
            "verdict": result.uses_history if result else "",
            "text": "; ".join(line for line, _ in result.cuts.lines) if result and result.cuts else "",
            "started": pd.to_datetime(status.started or status.queued or None, unit="s"),
            "run": run.id,
        }
        rows.append(row)
    return pd.DataFrame(rows)


def metrics_table(result: RunResult) -> pd.DataFrame:
    """One row per metric: this run with its interval, the references, and the gaps to them."""
    rows = [
        {
            "metric": name,
            "value": value,
            "interval": ends(result.intervals[name].low, result.intervals[name].high, result.intervals[name].why),
            "popularity": result.references["popularity"][name],
            "random": result.references["random"][name],
            "gap_popularity": str(result.gaps["popularity"][name]),
            "gap_random": str(result.gaps["random"][name]),
        }
        for name, value in result.metrics.items()
    ]
    return pd.DataFrame(rows)


def scores_table(result: RunResult) -> pd.DataFrame:
    """One row per named score: the headline metric, its user dependence, and the verdict."""
    rows = []
    for score, figures in result.scores.items():
        row = {"score": score, "value": figures.metrics[result.headline], "dependence": str(figures.user_dependence)}
        rows.append(row | {"verdict": figures.uses_history})
    return pd.DataFrame(rows)


def ends(low: float | None, high: float | None, why: str) -> str:
    """The ends of an interval, or why there is none.

    >>> ends(0.1, 0.25, ""), ends(None, None, "only 2 of 20 users decide it")
    ('0.100 to 0.250', 'none: only 2 of 20 users decide it')
    """
    return f"none: {why}" if low is None or high is None or low != low else f"{low:.3f} to {high:.3f}"


def gaps_table(result: RunResult) -> pd.DataFrame:
    """What the run gains over each reference in the headline metric: columns reference, mean, low, high (NaN where no
    interval holds), why, and the side of zero on which it lies for certain (1, -1, or 0)."""
    gaps = {
        "random order": result.gap("random"),
        "popularity": result.gap("popularity"),
        "another user's history": result.user_dependence,
    }
    rows = [{"reference": name, **gap.model_dump(), "side": gap.side} for name, gap in gaps.items()]
    columns = ["reference", "mean", "low", "high", "why", "side"]
    return pd.DataFrame(rows)[columns].astype({"low": float, "high": float})


def verdict(result: RunResult) -> str:
    """One plain sentence: does it use the history, or has it only learned what is common?"""
    name, gain, ahead = result.headline, result.user_dependence, result.gap("popularity")
    popular = (
        "What the ranking gains over random order may be popularity alone: which texts are common, not which user it "
        "looks at."
    )
    if result.uses_history == NO:
        return f"Uses the history: no. The right one gains hardly more than another user's ({gain} {name}). {popular}"
    if result.uses_history == NOT_SHOWN:
        return f"Uses the history: {result.history_line}: {gain} {name} over another user's history. {popular}"
    beside = {
        1: f"and the ranking beats popularity by {ahead}.",
        0: f"but cannot be told apart from popularity alone ({ahead}).",
        -1: f"but popularity alone still ranks better ({ahead}).",
    }[ahead.side]
    return f"Uses the history: yes. The right history gains {gain} {name} over another user's, {beside}"


def health_table(records: list[Health]) -> pd.DataFrame:
    """One row per run and measure of its band: what was reached, where it is healthy, what is known.

    Beside it what the training used of its budget, its time, and whether its curve still rises.
    """
    rows = []
    for record in records:
        band, used = record.band, record.training
        for name in band.low if band else [""]:
            known = [each for each in band.known if name in each.figures] if band else []
            published = [each.figures[name] for each in known if not each.ours]
            rows.append(
                {
                    "trial": record.title,
                    "verdict": record.verdict,
                    "measure": name,
                    "budget": f"{used.used:,.0f} of {used.most:,.0f} {used.unit}" if used else "",
                    "minutes": record.seconds / 60 if record.seconds else None,
                    "curve": {None: "", True: "converged", False: "still rising"}[record.converged],
                    "reached": record.metrics.get(name),
                    "healthy_from": band.low[name] if band else None,
                    "healthy_to": band.high[name] if band else None,
                    "published": max(published, default=None),
                    "reason": record.reason,
                    "source": "; ".join(f"{each.source} (ours)" if each.ours else each.source for each in known),
                }
            )
    return pd.DataFrame(rows)


def evaluation_line(result: RunResult) -> str:
    """What was evaluated, in words: instances, targets that were never trained on, what the model could not tell."""
    text = f"{result.users:,} of {result.of_users:,} test instances; {result.cold_targets:,} targets never trained on"
    if result.taken_before:
        text += f"; {result.taken_before:,} more left out, as their user had taken the target before"
    if result.unscorable_targets is not None:
        text += f", {result.unscorable_targets:,} of them unknown to this model and ranked last"
    if result.identical_texts is not None:
        text += f"; {result.identical_texts:,} items share their text with another"
    return text


def progress_line(status: Status, left: str) -> str:
    """What an active run is doing, in words."""
    if status.state == "queued":
        return status.message or "Queued."
    if status.state == "cancelling":
        return "Cancelling: it stops within ten steps, where it can be resumed."
    if not status.total:
        return f"{status.phase.capitalize()}…"
    line = f"{status.phase.capitalize()}: {status.step:,.0f} of {status.total:,.0f}"
    return line if status.seconds_left is None else f"{line}, {left} left in this phase"


def validation_references(run: Run, data: Dataset) -> dict[str, float]:
    """NDCG@10 of popularity and random order on the validation instances of the run's learning curve."""
    parts = split(data, run.spec.split)
    instances = candidates_for(data, parts, run.spec.validation)
    rankers = {"popularity": PopularityRanker(data, parts), "random": RandomRanker(data)}
    return {name: float(ranker.metrics(instances)[HEADLINE].mean()) for name, ranker in rankers.items()}
