"""Table 6: which order? Three orders of the same attributes, with the naturalness and informativeness of each."""

from upsr_core.datasets.store import load_dataset
from upsr_core.paper.experiment import Cell, Claim, Experiment, ExperimentSpec, Outcome, design_of, planned
from upsr_core.paper.grid import Finished, collected
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
    {
        "Sports": {
            "NDCG@1": (25.30, 25.68, 26.00), "NDCG@5": (34.09, 34.58, 35.13), "NDCG@10": (37.54, 37.74, 38.23),
            "HR@5": (42.57, 43.34, 43.76), "HR@10": (53.40, 53.22, 53.43),
        },
        "Movies": {
            "NDCG@1": (40.45, 37.53, 40.53), "NDCG@5": (51.60, 49.37, 51.56), "NDCG@10": (54.65, 52.79, 54.80),
            "HR@5": (61.78, 60.37, 61.96), "HR@10": (71.96, 70.93, 72.00),
        },
    },
    (
        Claim("C → T → D", "T → C → D", "NDCG@1", "Sports; hardly on Movies"),
        Claim("C → T → D", "D → C → T", "NDCG@1", "Sports, Movies"),
    ),
)  # fmt: skip
