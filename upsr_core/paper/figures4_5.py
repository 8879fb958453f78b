"""Figures 4 and 5: the amount of pre-training data, none, some and more, with tuning on the dataset and without."""

from functools import partial
from typing import Any

from upsr_core.datasets.store import load_dataset
from upsr_core.errors import RunError
from upsr_core.paper.experiment import Cell, Claim, Experiment, ExperimentSpec, Outcome, design_of, planned
from upsr_core.paper.grid import Finished, collected
from upsr_core.paper.tables7_8 import ZERO_SHOT
from upsr_core.paper.text_indicators import letter_notes
from upsr_core.runtime import Progress

AMOUNTS = ("none", "origin", "large")
FAMILIES = ("T5", "FLAN-T5")
COLUMNS = tuple(f"{amount}, {family}" for family in FAMILIES for amount in AMOUNTS)


def domains(spec: ExperimentSpec) -> dict[str, tuple[str, ...]]:
    """The domains of each amount: none, the first half of those named, all. Raises RunError for fewer than two."""
    if len(spec.pretrain_on) < 2:
        raise RunError("The amount of pre-training data needs two domains", how="Name two datasets to pre-train on.")
    return dict(zip(AMOUNTS, ((), spec.pretrain_on[: len(spec.pretrain_on) // 2], spec.pretrain_on), strict=True))


def _cells(options: dict[str, Any], spec: ExperimentSpec) -> list[Cell]:
    made = []
    for dataset in spec.datasets:
        design = design_of(load_dataset(dataset), "CTD", "CT")
        for family, plm in zip(FAMILIES, spec.plms, strict=False):
            for amount, first in domains(spec).items():
                column = planned(spec, dataset, f"{amount}, {family}", design, plm=plm, pretrain_on=first, **options)
                made += column if first or not options else column[:1]  # without any training a seed changes nothing
    return made


def _collect(name: str, spec: ExperimentSpec, finished: Finished, progress: Progress) -> Outcome:
    some = ", ".join(domains(spec)["origin"])
    notes = [
        f"Origin is {some}; large is {', '.join(spec.pretrain_on)}. Both spend the same tokens, large on more domains; "
        "the paper's large is ten times as many interactions.",
        "The paper gives this figure as a picture without numbers.",
    ]
    return collected(FIGURES[name], spec, finished, notes=(*letter_notes(spec), *notes))


CLAIMS = tuple(
    claim
    for family in FAMILIES
    for claim in (
        Claim(f"origin, {family}", f"none, {family}", "NDCG@10", "Instruments, Pantry"),
        Claim(f"large, {family}", f"origin, {family}", "NDCG@10", "Instruments, Pantry; not FLAN-T5 without tuning"),
    )
)
QUESTION = "Does more pre-training help, "
FIGURES = {
    "figure4": Experiment(
        "figure4", "Figure 4: amount of pre-training data", QUESTION + "where the dataset is tuned on?",
        partial(_cells, {}), partial(_collect, "figure4"), COLUMNS, {}, CLAIMS, pretrains="must", plms=2,
    ),
    "figure5": Experiment(
        "figure5", "Figure 5: amount of pre-training data, zero-shot", QUESTION + "where nothing is tuned?",
        partial(_cells, ZERO_SHOT), partial(_collect, "figure5"), COLUMNS, {}, CLAIMS, pretrains="must", plms=2,
    ),
}  # fmt: skip
