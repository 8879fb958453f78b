"""Table 5: which attributes? Title, title and category, all of them, with the informativeness of each."""

from upsr_core.datasets.store import load_dataset
from upsr_core.paper.experiment import Cell, Claim, Experiment, ExperimentSpec, Outcome, design_of, planned
from upsr_core.paper.grid import Finished, collected
from upsr_core.paper.text_indicators import indicator_rows, letter_notes
from upsr_core.runtime import Progress

# The order is coarse to fine: the paper's T+C+D here is its C -> T -> D of Table 6.
COLUMNS = {"T": "T", "T+C": "CT", "T+C+D": "CTD"}


def cells(spec: ExperimentSpec) -> list[Cell]:
    return [
        cell
        for dataset in spec.datasets
        for column, code in COLUMNS.items()
        for cell in planned(spec, dataset, column, design_of(load_dataset(dataset), code))
    ]


def collect(spec: ExperimentSpec, finished: Finished, progress: Progress) -> Outcome:
    rows = indicator_rows(spec, COLUMNS, ("informativeness",), progress)
    return collected(EXPERIMENT, spec, finished, rows, letter_notes(spec))


EXPERIMENT = Experiment(
    "table5",
    "Table 5: attribute combinations",
    "Does more text help, and does informativeness say so beforehand?",
    cells,
    collect,
    tuple(COLUMNS),
    {
        "Sports": {
            "NDCG@1": (22.23, 25.74, 26.00), "NDCG@5": (30.70, 34.91, 35.13), "NDCG@10": (34.44, 38.14, 38.23),
            "HR@5": (39.46, 43.62, 43.76), "HR@10": (50.60, 53.30, 53.43), "Informativeness, bits": (3.94, 4.79, 4.83),
        },
        "Movies": {
            "NDCG@1": (30.20, 33.46, 40.53), "NDCG@5": (40.01, 45.19, 51.56), "NDCG@10": (43.51, 48.97, 54.80),
            "HR@5": (49.33, 56.21, 61.96), "HR@10": (60.73, 67.85, 72.00), "Informativeness, bits": (2.77, 4.12, 4.68),
        },
    },
    (
        Claim("T+C", "T", "NDCG@10", "Sports, Movies"),
        Claim("T+C+D", "T+C", "NDCG@10", "Movies; hardly on Sports"),
        Claim("T+C+D", "T", "NDCG@10", "Sports, Movies"),
    ),
)  # fmt: skip
