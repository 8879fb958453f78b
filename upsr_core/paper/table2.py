"""Table 2: the statistics of the datasets."""

import pandas as pd

from upsr_core.datasets.store import load_dataset
from upsr_core.export.figure_style import figure_of, log_axis, looks
from upsr_core.paper.experiment import Cell, Experiment, ExperimentSpec, Outcome, published
from upsr_core.paper.grid import Finished
from upsr_core.paper.published_values import block
from upsr_core.runtime import Progress

COLUMNS = ("Users", "Items", "Interactions", "Mean length")


def cells(spec: ExperimentSpec) -> list[Cell]:
    return []


def collect(spec: ExperimentSpec, finished: Finished, progress: Progress) -> Outcome:
    rows, notes = [], []
    for dataset in spec.datasets:
        data = load_dataset(dataset)
        counts = (len(data.users), len(data.items), len(data.sequence))
        values = dict(zip(COLUMNS, (*counts, counts[2] / counts[0]), strict=True))
        rows.append({"dataset": dataset, "row": "all", **values})
        if data.synthetic:
            notes.append(f"{dataset} is synthetic: its size was chosen, not found.")
    table = pd.DataFrame(rows)
    beside = pd.concat([table, published(EXPERIMENT)], ignore_index=True)
    figure, styles = figure_of(height=380, x="users", y="interactions of a user, mean"), looks(["ours", "paper"])
    for name, part in (("ours", table), ("paper", published(EXPERIMENT))):
        figure.add_scatter(
            x=part["Users"], y=part["Mean length"], text=part.dataset, name=name, mode="markers+text",
            textposition="top center", marker={"size": 10, **styles[name]},
        )  # fmt: skip
    figure.update_xaxes(**log_axis(beside["Users"])).update_yaxes(rangemode="tozero")
    return Outcome(table, beside, figure, notes=tuple(notes))


EXPERIMENT = Experiment(
    "table2",
    "Table 2: datasets",
    "How large are these data beside the paper's?",
    cells,
    collect,
    COLUMNS,
    block("Table 2", COLUMNS),
)
