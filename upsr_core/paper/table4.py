"""Table 4: zero-shot on new domains: every behaviour but the first is predicted, nothing is tuned on the domain."""

from upsr_core.datasets.store import load_dataset
from upsr_core.paper.experiment import Cell, Claim, Experiment, ExperimentSpec, Outcome, design_of, planned
from upsr_core.paper.grid import Finished, collected
from upsr_core.paper.published_values import block, found_on
from upsr_core.paper.tables7_8 import ZERO_SHOT
from upsr_core.paper.text_indicators import letter_notes
from upsr_core.runtime import Progress

RIVAL, PLAIN, LEARNED = "UniSRec (pre-training)", "UPSR (w/o pre-training)", "UPSR (pre-training)"
COLUMNS = (RIVAL, PLAIN, LEARNED)


def cells(spec: ExperimentSpec) -> list[Cell]:
    made: list[Cell] = []
    for dataset in spec.datasets:
        design, first = design_of(load_dataset(dataset), "CTD", "CT"), spec.pretrain_on
        made += planned(
            spec, dataset, RIVAL, design, model="unisrec", pretrain_on=first, split=ZERO_SHOT["split"],
            training={"epochs": 0},
        )  # fmt: skip
        made += planned(spec, dataset, PLAIN, design, **ZERO_SHOT)[:1]  # nothing is drawn, so one seed is all of them
        made += planned(spec, dataset, LEARNED, design, pretrain_on=first, **ZERO_SHOT)
    return made


def collect(spec: ExperimentSpec, finished: Finished, progress: Progress) -> Outcome:
    return collected(EXPERIMENT, spec, finished, notes=letter_notes(spec))


EXPERIMENT = Experiment(
    "table4",
    "Table 4: zero-shot on new domains",
    "What does a model know of a domain that it has never seen?",
    cells,
    collect,
    COLUMNS,
    block("Table 4", COLUMNS),
    tuple(
        Claim(better, worse, metric, found_on("Table 4", better, worse, metric))
        for better, worse, metric in (
            (LEARNED, RIVAL, "NDCG@1"), (PLAIN, RIVAL, "NDCG@1"), (LEARNED, PLAIN, "NDCG@10")
        )
    ),
    pretrains="must",
)  # fmt: skip
