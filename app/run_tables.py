"""Runs and their results as tables and plain sentences."""

import pandas as pd

from upsr_core.datasets.splits import split
from upsr_core.datasets.store import Dataset
from upsr_core.evaluation.candidates import candidates_for
from upsr_core.evaluation.metrics import named
from upsr_core.models.base import evaluate
from upsr_core.models.popularity import Popularity, Random
from upsr_core.models.registry import ModelInfo
from upsr_core.runs.budgets import BUDGETS, training_of
from upsr_core.runs.run import Run
from upsr_core.runs.status import Status

HEADLINE = "NDCG@10"
NOT_PERSONAL = "not personal yet"
OLDER = (
    "This is an older version's result, in which the other user's history could hold the candidates: its user "
    "dependence can be some hundredths too low where few items are taken by many. Delete the run and start it again "
    "to measure it anew."
)


REPEATED = (
    "This is an older version's result, in which users were evaluated too whose target stands in their history: that "
    "gives it away, so its figures are too high. Delete the run and start it again to measure it anew."
)


def interval(gap: dict[str, float]) -> str:
    """
    >>> interval({"mean": 0.1, "low": 0.05, "high": 0.15})
    '+0.100 [+0.050, +0.150]'
    """
    return f"{gap['mean']:+.3f} [{gap['low']:+.3f}, {gap['high']:+.3f}]"


def headline(run: Run) -> str:
    """The name of the metric that stands for a run, with its mode."""
    return named(HEADLINE, run.spec.candidates.mode)


def runs_table(runs: list[Run]) -> pd.DataFrame:
    """One row per run: what it is, its state, its headline metric, gaps with 95 % intervals, and the verdict."""
    rows = []
    for run in runs:
        status, result, name = run.status(), run.result(), headline(run)
        row = {
            "trial": run.title.replace(f" · {run.budget} ", " ", 1) if run.budget else run.title,
            "budget": BUDGETS[run.budget].title if run.budget in BUDGETS else run.budget,
            "state": status.state,
            "value": f"{result['metrics'][name]:.3f} ({run.spec.candidates.mode})" if result else "",
            "popularity": interval(result["gaps"]["popularity"][name]) if result else "",
            "random": interval(result["gaps"]["random"][name]) if result else "",
            "dependence": interval(result["user_dependence"]) if result else "",
            "verdict": ("personal" if result["personal"] else NOT_PERSONAL) if result else "",
            "started": pd.to_datetime(status.started or status.queued or None, unit="s"),
            "run": run.id,
        }
        rows.append(row)
    return pd.DataFrame(rows)


def metrics_table(result: dict) -> pd.DataFrame:
    """One row per metric: this run with its interval, the references, and the gaps to them."""
    rows = [
        {
            "metric": name,
            "value": value,
            "interval": f"{result['intervals'][name]['low']:.3f} to {result['intervals'][name]['high']:.3f}",
            "popularity": result["references"]["popularity"][name],
            "random": result["references"]["random"][name],
            "gap_popularity": interval(result["gaps"]["popularity"][name]),
            "gap_random": interval(result["gaps"]["random"][name]),
        }
        for name, value in result["metrics"].items()
    ]
    return pd.DataFrame(rows)


def scores_table(result: dict) -> pd.DataFrame:
    """One row per named score: the headline metric, its user dependence, and the verdict."""
    name = result["user_dependence"]["metric"]
    rows = []
    for score, figures in result["scores"].items():
        gain = figures["user_dependence"]
        verdict = "personal" if gain["low"] > 0 else NOT_PERSONAL
        rows.append({"score": score, "value": figures[name], "dependence": interval(gain), "verdict": verdict})
    return pd.DataFrame(rows)


def gaps_table(result: dict) -> pd.DataFrame:
    """What the run gains over each reference in the headline metric: columns reference, mean, low, high."""
    name = result["user_dependence"]["metric"]
    gaps = {
        "random order": result["gaps"]["random"][name],
        "popularity": result["gaps"]["popularity"][name],
        "another user's history": result["user_dependence"],
    }
    table = pd.DataFrame.from_dict(gaps, orient="index")[["mean", "low", "high"]]
    return table.rename_axis("reference").reset_index()


def verdict(result: dict) -> str:
    """One plain sentence: is it personal, or has it only learned what is common?"""
    older = "control" not in result["user_dependence"] and result["user_dependence"]["metric"].endswith("(uni100)")
    return _verdict(result) + (f" {OLDER}" if older else "")


def _verdict(result: dict) -> str:
    name = result["user_dependence"]["metric"]
    gain, ahead = result["user_dependence"], result["gaps"]["popularity"][name]
    if gain["low"] <= 0:
        return (
            f"Not personal yet: the right history cannot be shown to rank better than another user's "
            f"({interval(gain)} {name}; the interval reaches zero). What the ranking gains over random order may be "
            f"popularity alone: which texts are common, not which user it looks at."
        )
    personal = f"the right history gains {interval(gain)} {name} over another user's history"
    if ahead["low"] > 0:
        return f"Personal: {personal}, and the ranking beats popularity by {interval(ahead)}."
    if ahead["high"] < 0:
        return f"It looks at the user, {personal}, but popularity alone still ranks better ({interval(ahead)})."
    return f"It looks at the user, {personal}, but cannot be told apart from popularity alone ({interval(ahead)})."


def budgets_of(info: ModelInfo) -> list[str]:
    """The names of the budgets that a model has a use for."""
    return [name for name, budget in BUDGETS.items() if info.training is None or budget.share]


def budget_line(info: ModelInfo, budget: str) -> str:
    """What a budget means for a model, in words."""
    if info.task == "likelihood":
        return BUDGETS[budget].description
    if info.training is None:
        return "Nothing is trained."
    spec = training_of(info, budget)
    return (
        f"At most {spec.epochs} epochs; training stops after {spec.patience} validations without a gain, one every "
        f"{spec.evaluate_every} epochs. All test users are evaluated."
    )


def health_table(records: list[dict]) -> pd.DataFrame:
    """One row per run and published measure: what was reached, from where it is healthy, what was published.

    Beside it what the training used of its budget, its time, and whether its curve still rises.
    """
    rows = []
    for record in records:
        band = record["band"] or {"low": {}, "published": {}, "source": ""}
        for name in [name for name in band["low"] if name in record["metrics"]] or [""]:
            row = {"trial": record["title"], "verdict": record["verdict"], "measure": name}
            used = record["training"]
            row["budget"] = f"{used['used']:,.0f} of {used['most']:,.0f} {used['unit']}" if used else ""
            row["minutes"] = used["seconds"] / 60 if used and used["seconds"] else None
            row["curve"] = {None: "", True: "converged", False: "still rising"}[record["converged"]]
            row |= {"reached": record["metrics"].get(name), "healthy_from": band["low"].get(name)}
            row |= {"published": band["published"].get(name), "reason": record["reason"], "source": band["source"]}
            rows.append(row)
    return pd.DataFrame(rows)


def evaluation_line(result: dict) -> str:
    """What was evaluated, in words: instances, targets that were never trained on, what the model could not tell."""
    text = (
        f"{result['users']:,} of {result['of_users']:,} test instances; {result['cold_targets']:,} targets never "
        f"trained on"
    )
    if result.get("taken_before"):
        text += f"; {result['taken_before']:,} more left out, as their user had taken the target before"
    if "unscorable_targets" in result:
        text += f", {result['unscorable_targets']:,} of them unknown to this model and ranked last"
    if "identical_texts" in result:
        text += f"; {result['identical_texts']:,} items share their text with another"
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
    rankers = {"popularity": Popularity(data, parts), "random": Random(data)}
    return {name: float(evaluate(ranker, instances)[HEADLINE].mean()) for name, ranker in rankers.items()}
