"""Table 9: a smaller and a larger language model, all else alike."""

from upsr_core.datasets.store import load_dataset
from upsr_core.paper.experiment import Cell, Claim, Experiment, ExperimentSpec, Outcome, design_of, planned
from upsr_core.paper.grid import Finished, collected
from upsr_core.paper.published_values import block, found_on
from upsr_core.paper.text_indicators import letter_notes
from upsr_core.runtime import Progress

COLUMNS = ("T5-small", "T5-base")


def cells(spec: ExperimentSpec) -> list[Cell]:
    made = []
    for dataset in spec.datasets:
        design = design_of(load_dataset(dataset), "CTD")
        for column, plm in zip(COLUMNS, spec.plms, strict=True):
            made += planned(spec, dataset, column, design, plm=plm)
    return made


def collect(spec: ExperimentSpec, finished: Finished, progress: Progress) -> Outcome:
    note = f"{spec.plms[0]} stands where the paper has {COLUMNS[0]}, {spec.plms[1]} where it has {COLUMNS[1]}."
    return collected(EXPERIMENT, spec, finished, notes=(*letter_notes(spec), note))


EXPERIMENT = Experiment(
    "table9",
    "Table 9: model sizes",
    "Is a larger language model worth its cost?",
    cells,
    collect,
    COLUMNS,
    block("Table 9", COLUMNS),
    (Claim(COLUMNS[1], COLUMNS[0], "NDCG@10", found_on("Table 9", COLUMNS[1], COLUMNS[0], "NDCG@10")),),
    plms=2,
    smaller="small",
)
