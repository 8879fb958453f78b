"""Indicators of the texts of an experiment's columns."""

import pandas as pd

from upsr_core.datasets.store import load_dataset
from upsr_core.indicators.profile import Setting, measure
from upsr_core.indicators.result import INDICATORS
from upsr_core.paper.experiment import DPT, ExperimentSpec, letters
from upsr_core.runtime import Progress


def indicator_rows(
    spec: ExperimentSpec, columns: dict[str, str], names: tuple[str, ...], progress: Progress
) -> pd.DataFrame:
    """One row per dataset and indicator: dataset, row (title and unit), a value for the text of each column."""
    rows = []
    for dataset in spec.datasets:
        data = load_dataset(dataset)
        setting = Setting(data, spec.plms[0], sample=spec.size.items)
        for name in names:
            title, unit = INDICATORS[name]
            row: dict[str, str | float | None] = {"dataset": dataset, "row": f"{title}, {unit}"}
            for column, code in columns.items():
                row[column] = measure(name, setting, letters(data, code), progress).value
            rows.append(row)
    return pd.DataFrame(rows)


def letter_notes(spec: ExperimentSpec) -> tuple[str, ...]:
    """Which attributes D stands for, where a dataset lacks some of the paper's."""
    notes = []
    for dataset in spec.datasets:
        there = [name for name in DPT if name in load_dataset(dataset).attributes]
        if len(there) < len(DPT):
            notes.append(f"{dataset}: D is {', '.join(there)}; the paper's is {', '.join(DPT)}.")
    return tuple(notes)
