"""Table 5: which attributes? Title, title and category, all of them, with the informativeness of each."""

from upsr_core.datasets.store import load_dataset
from upsr_core.paper.experiment import Cell, Claim, Experiment, ExperimentSpec, Outcome, design_of, planned
from upsr_core.paper.grid import Finished, collected
from upsr_core.paper.published_values import block, found_on
from upsr_core.paper.text_indicators import indicator_rows, letter_notes
from upsr_core.runtime import Progress

# The order is coarse to fine: the paper's T+C+D here is its C -> T -> D of Table 6.
COLUMNS = {"T": "T", "T+C": "CT", "T+C+D": "CTD"}
PAPER_BITS = block("Section 4.5.1", tuple(COLUMNS), {"informativeness": "Informativeness, bits"})
NO_UNIT = (
    "The paper calls informativeness an entropy and names no unit; bits of the tokens inside one item's text, as here, "
    "have the size of its values."
)


def cells(spec: ExperimentSpec) -> list[Cell]:
    return [
        cell
        for dataset in spec.datasets
        for column, code in COLUMNS.items()
        for cell in planned(spec, dataset, column, design_of(load_dataset(dataset), code))
    ]


def collect(spec: ExperimentSpec, finished: Finished, progress: Progress) -> Outcome:
    rows = indicator_rows(spec, COLUMNS, ("informativeness",), progress)
    return collected(EXPERIMENT, spec, finished, rows, (*letter_notes(spec), NO_UNIT))


EXPERIMENT = Experiment(
    "table5",
    "Table 5: attribute combinations",
    "Does more text help, and does informativeness say so beforehand?",
    cells,
    collect,
    tuple(COLUMNS),
    {dataset: rows | PAPER_BITS[dataset] for dataset, rows in block("Table 5", tuple(COLUMNS)).items()},
    tuple(
        Claim(better, worse, "NDCG@10", found_on("Table 5", better, worse, "NDCG@10"))
        for better, worse in (("T+C", "T"), ("T+C+D", "T+C"), ("T+C+D", "T"))
    ),
)
