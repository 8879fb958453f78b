"""Table 6: which order? Three orders of the same attributes, with the naturalness and informativeness of each."""

from upsr_core.datasets.store import load_dataset
from upsr_core.paper.experiment import Cell, Claim, Experiment, ExperimentSpec, Outcome, design_of, planned
from upsr_core.paper.grid import Finished, collected
from upsr_core.paper.published_values import block, found_on
from upsr_core.paper.text_indicators import indicator_rows, letter_notes
from upsr_core.runtime import Progress

COLUMNS = {"T → C → D": "TCD", "D → C → T": "DCT", "C → T → D": "CTD"}


def cells(spec: ExperimentSpec) -> list[Cell]:
    return [
        cell
        for dataset in spec.datasets
        for column, code in COLUMNS.items()
        # The pre-training text plays no part here; one for all, so that the order is all that differs.
        for cell in planned(spec, dataset, column, design_of(load_dataset(dataset), code, "CT"))
    ]


def collect(spec: ExperimentSpec, finished: Finished, progress: Progress) -> Outcome:
    rows = indicator_rows(spec, COLUMNS, ("naturalness", "informativeness"), progress)
    note = "The paper says that C → T → D has the lowest perplexity and that informativeness is about the same."
    return collected(EXPERIMENT, spec, finished, rows, (*letter_notes(spec), note))


EXPERIMENT = Experiment(
    "table6",
    "Table 6: orders of attributes",
    "Is coarse to fine the best order, and is it the most natural one?",
    cells,
    collect,
    tuple(COLUMNS),
    block("Table 6", tuple(COLUMNS)),
    tuple(
        Claim("C → T → D", other, "NDCG@1", found_on("Table 6", "C → T → D", other, "NDCG@1"))
        for other in ("T → C → D", "D → C → T")
    ),
)
