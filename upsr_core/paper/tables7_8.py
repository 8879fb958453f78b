"""Tables 7 and 8: which attributes at which stage, with tuning on the dataset and without."""

from functools import partial
from typing import Any

from upsr_core.datasets.splits import SplitSpec
from upsr_core.datasets.store import load_dataset
from upsr_core.paper.experiment import Cell, Claim, Experiment, ExperimentSpec, Outcome, design_of, planned
from upsr_core.paper.grid import Finished, collected
from upsr_core.paper.published_values import block, found_on
from upsr_core.paper.text_indicators import letter_notes
from upsr_core.runtime import Progress

# Pre-training / tuning, or ranking.
COLUMNS = {
    "T/T": ("T", "T"), "C+T/C+T": ("CT", "CT"), "C+T+D/C+T+D": ("CTD", "CTD"), "C+T/C+T+D": ("CT", "CTD"),
}  # fmt: skip
ZERO_SHOT: dict[str, Any] = {"split": SplitSpec(kind="zero-shot"), "training": {"tokens": 0}}


def _cells(options: dict[str, Any], spec: ExperimentSpec) -> list[Cell]:
    made = []
    for dataset in spec.datasets:
        for column, (first, then) in COLUMNS.items():
            design = design_of(load_dataset(dataset), then, first)
            made += planned(spec, dataset, column, design, pretrain_on=spec.pretrain_on, **options)
    return made


def _collect(name: str, spec: ExperimentSpec, finished: Finished, progress: Progress) -> Outcome:
    return collected(STAGES[name], spec, finished, notes=letter_notes(spec))


def _claims(table: str, *pairs: tuple[str, str, str]) -> tuple[Claim, ...]:
    return tuple(Claim(*pair, found_on(table, *pair)) for pair in pairs)


TABLE7_CLAIMS = _claims(
    "Table 7", ("C+T/C+T+D", "T/T", "NDCG@10"), ("C+T/C+T+D", "C+T/C+T", "NDCG@10"),
    ("C+T/C+T+D", "C+T+D/C+T+D", "HR@10"),
)  # fmt: skip
TABLE8_CLAIMS = _claims(
    "Table 8", ("T/T", "C+T+D/C+T+D", "NDCG@10"), ("C+T/C+T+D", "C+T/C+T", "NDCG@10"),
    ("C+T/C+T+D", "C+T+D/C+T+D", "NDCG@10"),
)  # fmt: skip
QUESTION = "Should the pre-training see other attributes than the "
STAGES = {
    "table7": Experiment(
        "table7", "Table 7: attributes per stage", QUESTION + "tuning?",
        partial(_cells, {}), partial(_collect, "table7"), tuple(COLUMNS), block("Table 7", tuple(COLUMNS)),
        TABLE7_CLAIMS, pretrains="must",
    ),
    "table8": Experiment(
        "table8", "Table 8: attributes per stage, zero-shot", QUESTION + "ranking, where nothing is tuned?",
        partial(_cells, ZERO_SHOT), partial(_collect, "table8"), tuple(COLUMNS), block("Table 8", tuple(COLUMNS)),
        TABLE8_CLAIMS, pretrains="must",
    ),
}  # fmt: skip
