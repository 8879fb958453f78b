"""Table 1: every attribute alone under the five indicators, in bands."""

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from upsr_core.datasets.store import load_dataset
from upsr_core.errors import RunError
from upsr_core.export.figure_style import figure_of
from upsr_core.indicators.attribute_table import JUDGED, PAPER, RULE, TITLES, attribute_table
from upsr_core.indicators.attribute_use import USE_RULE
from upsr_core.indicators.profile import Setting
from upsr_core.paper.experiment import Cell, Experiment, ExperimentSpec, Outcome, published
from upsr_core.paper.grid import Finished
from upsr_core.paper.published_tables import BANDS
from upsr_core.paper.published_tables import INDICATORS as PRINTED
from upsr_core.paper.published_values import block
from upsr_core.runtime import Progress

PAPERS = ("Naturalness", "Domain consistency", "Informativeness", "Noise and ambiguity", "Text length")
# What stands for each of the paper's five; the perplexity that the paper names is shown beside them.
COLUMNS = (*(f"{theirs}: {TITLES[name].lower()}" if theirs.lower() != TITLES[name].lower() else theirs
             for theirs, name in zip(PAPERS, JUDGED, strict=True)), "Use")  # fmt: skip
LEVELS = ("low", "medium", "high")


def cells(spec: ExperimentSpec) -> list[Cell]:
    return []


def collect(spec: ExperimentSpec, finished: Finished, progress: Progress) -> Outcome:
    data = [load_dataset(name) for name in spec.datasets]
    rows, bands = [], []
    for one in data:
        setting = Setting(
            one, spec.plms[0], domains=tuple(other for other in data if other is not one), sample=spec.size.items
        )
        attributes = tuple(name for name in PAPER if name in one.attributes)
        if not attributes:
            raise RunError(
                f"The dataset {one.name!r} has none of the paper's attributes",
                f"it has {', '.join(one.attributes)}",
                "The page Indicators makes such a table of any attributes.",
            )
        made = attribute_table(setting, attributes, progress).bands
        for row in made.to_dict("records"):
            shown = [_cell(row[name], row[f"{name}_band"]) for name in JUDGED]
            rows.append(
                {"dataset": one.name, "row": row["attribute"], **dict(zip(COLUMNS, (*shown, row["use"]), strict=True))}
            )
            bands.append([LEVELS.index(band) if (band := row[f"{name}_band"]) else np.nan for name in JUDGED])
    table = pd.DataFrame(rows)
    beside = pd.concat([table, published(EXPERIMENT)], ignore_index=True)
    notes = [
        RULE,
        USE_RULE,
        "The paper gives bands alone, without numbers behind them; its 'very high' counts as high, 'very low' as low.",
    ]
    if len(data) == 1:
        notes.append("Domain consistency needs a second dataset.")
    return Outcome(table, beside, _picture(table, np.array(bands)), notes=tuple(notes))


def _cell(value: float, band: str) -> str:
    return "–" if value != value else f"{value:,.3g}  {band}".rstrip()


def _picture(table: pd.DataFrame, bands: np.ndarray) -> go.Figure:
    """Bands as colours, numbers as text; a frame of bold text where the paper has another band."""
    text = table[list(COLUMNS[:-1])].to_numpy(dtype=object)
    for number, attribute in enumerate(table.row):
        for place in range(len(JUDGED)):
            known = bands[number, place] == bands[number, place]
            if known and LEVELS[int(bands[number, place])] != PAPER[attribute][place]:
                text[number, place] = f"<b>{text[number, place]}</b><br>paper: {PAPER[attribute][place]}"
    several = table.dataset.nunique() > 1
    names = table.dataset + ": " + table.row if several else table.row
    heat = go.Heatmap(
        z=bands, x=list(COLUMNS[:-1]), y=names, text=text, texttemplate="%{text}", colorscale="Blues", zmin=0, zmax=4,
        showscale=False, hoverinfo="skip", xgap=2, ygap=2,
    )  # fmt: skip
    return figure_of(heat, height=80 + 52 * len(table)).update_yaxes(autorange="reversed")


EXPERIMENT = Experiment(
    "table1",
    "Table 1: attributes under the indicators",
    "Which attributes are worth their tokens, and at which stage?",
    cells,
    collect,
    COLUMNS,
    block("Table 1", (*PRINTED, "Use"), {name: name.lower() for name in BANDS}),
)
