"""Figure 3: the last three items of every user, predicted from what came before them all."""

from typing import Any

import numpy as np
import pandas as pd

from upsr_core.comparison.compare import TRAININGS, mean_of
from upsr_core.datasets.splits import SplitSpec
from upsr_core.datasets.store import load_dataset
from upsr_core.evaluation.statistics import mean_interval, randomisation_test
from upsr_core.export.figure_style import grouped
from upsr_core.models.registry import model_named
from upsr_core.paper.experiment import Cell, Experiment, ExperimentSpec, Outcome, design_of, planned, published
from upsr_core.paper.grid import Finished, by_dataset, judged, scale_notes, wide
from upsr_core.paper.published_values import LOSSES, block
from upsr_core.runtime import Progress

MODELS = {"UPSR": "upsr", "SASRec": "sasrec-ce", "BERT4Rec": "bert4rec"}
STEPS = (1, 2, 3)
DRAWN = (
    "The paper draws the values, on Movies alone, and its text says that NDCG@1 drops over time by nearly so many "
    "percent; whether of the first step or in points, and until which step, it does not say. Here it is the share of "
    "next-1 that next-3 lacks."
)
LOSS = "NDCG@1 lost from next-1 to next-3, % of it"
PAPER = block(LOSSES, tuple(MODELS), {"NDCG@1 lost over time": LOSS})


def cells(spec: ExperimentSpec) -> list[Cell]:
    last = SplitSpec(kind="leave-last-k", k=len(STEPS))
    return [
        cell
        for dataset in spec.datasets
        for column, model in MODELS.items()
        for cell in planned(
            spec,
            dataset,
            column,
            design_of(load_dataset(dataset), "CTD") if model_named(model).reads_text else None,
            model=model,
            split=last,
        )
    ]


def collect(spec: ExperimentSpec, finished: Finished, progress: Progress) -> Outcome:
    long, losses, claims = [], [], []
    for dataset, (compared, columns) in by_dataset(finished).items():
        step = compared.instances.step.to_numpy()
        values = {columns[entry.id]: 100 * entry.metrics["NDCG@1"] for entry in compared.entries}  # (seeds, instances)
        for column, each in values.items():
            for number in STEPS:
                found = mean_of(each[:, step == number])
                long.append({"dataset": dataset, "row": f"NDCG@1 (uni100), next-{number}", "column": column, **found})
        of_users = {
            name: compared.instances.assign(value=each.mean(axis=0))
            .pivot(index="user", columns="step", values="value")
            .dropna()
            for name, each in values.items()
        }
        losses.append({"dataset": dataset, "row": LOSS, **{name: _lost(*_ends(of_users[name])) for name in values}})
        for other in ("SASRec", "BERT4Rec"):
            claims.append(_loses_less(of_users["UPSR"], of_users[other]) | {
                "dataset": dataset, "claim": f"UPSR loses less than {other}, NDCG@1 from next-1 to next-3",
                "paper": ", ".join(PAPER), "on": TRAININGS,
            })  # fmt: skip
    means = pd.DataFrame(long).rename(columns={"mean": "value"}).astype({"low": float, "high": float})
    table = pd.concat([wide(means, EXPERIMENT.columns), pd.DataFrame(losses)], ignore_index=True)
    table = table.sort_values("dataset", kind="stable", ignore_index=True)
    several = len(spec.datasets) > 1
    at = means.row.str.rsplit(" ", n=1).str[1]
    shown = means.assign(at=means.dataset + "<br>" + at if several else at, label=means.column)
    figure = grouped(shown, "", "NDCG@1 (uni100), %, 95 % interval", height=380, lines=not several)
    beside = pd.concat([table, published(EXPERIMENT)], ignore_index=True)
    notes = (*scale_notes(spec, finished), DRAWN)
    return Outcome(table, beside, figure, judged(claims), notes)


def _ends(of_user: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    return of_user[1].to_numpy(), of_user[3].to_numpy()


def _lost(first: np.ndarray, third: np.ndarray) -> float:
    """Percent of the first step's sum over users that the third lacks; NaN where there is nothing to lose."""
    return float(100 * (1 - third.sum() / first.sum())) if first.sum() > 0 else np.nan


def _lost_by_user(first: np.ndarray, third: np.ndarray) -> np.ndarray:
    """The loss as one value a user, with the loss as their mean and the spread of a ratio of sums."""
    lost = _lost(first, third)
    return lost + ((100 - lost) * first - 100 * third) / first.mean() if first.sum() > 0 else np.full(len(first), lost)


def _loses_less(ours: pd.DataFrame, theirs: pd.DataFrame) -> dict[str, Any]:
    """By how many percent more they lose than we do, over the same users: difference, low, high, why, p.

    A loss is a ratio of sums, so each user counts by what it adds to the loss (Taylor linearisation; Cochran, Sampling
    Techniques, 1977).
    """
    more = _lost_by_user(*_ends(theirs)) - _lost_by_user(*_ends(ours))
    if np.isnan(more).any():
        return {"difference": np.nan, "low": np.nan, "high": np.nan, "why": "nothing to lose at first", "p": 1.0}
    found = mean_interval(more)
    ends = {name: found[name] for name in ("low", "high", "why")}
    return {"difference": found["mean"], **ends, "p": randomisation_test(more)}


EXPERIMENT = Experiment(
    "figure3",
    "Figure 3: next-1, next-2, next-3",
    "Does the quality of language hold longer than that of item ids?",
    cells,
    collect,
    tuple(MODELS),
    PAPER,
)
