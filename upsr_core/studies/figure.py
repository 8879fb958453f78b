"""The figure of a study: every indicator against the quality of the designs, side by side."""

from pathlib import Path

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from upsr_core.evaluation.correlation import Correlation
from upsr_core.export.figure_style import BLUE, GREY, log_axis
from upsr_core.indicators.result import INDICATORS
from upsr_core.studies.results import StudyOutcome

SHOWN, UNCLEAR = BLUE, GREY  # a correlation beyond chance, and one that is not
COLUMNS = 3
LOGARITHMIC = ("naturalness", "length")


def figure(found: StudyOutcome) -> go.Figure:
    """Small multiples: a point per design, its mean over seeds and the range over them.

    A point is open where a trial of the design is not shown to use the history.
    """
    names = list(found.correlations)
    rows = -(-len(names) // COLUMNS)
    made = make_subplots(
        rows, COLUMNS, shared_yaxes=True, horizontal_spacing=0.03, vertical_spacing=0.5 / rows if rows > 1 else 0,
        subplot_titles=[f"{INDICATORS[name][0]}<br><sub>{_words(found.correlations[name])}</sub>" for name in names],
    )  # fmt: skip
    for number, name in enumerate(names):
        place = {"row": number // COLUMNS + 1, "col": number % COLUMNS + 1}
        part = found.designs.dropna(subset=name)
        several = part.high > part.low
        colour = SHOWN if found.correlations[name].shown else UNCLEAR
        made.add_scatter(
            x=part[name], y=part.ndcg10, mode="markers", showlegend=False, **place,
            marker={
                "color": colour, "size": 9, "line": {"width": 2, "color": colour},
                "symbol": ["circle-open" if weak else "circle" for weak in part.unshown],
            },
            error_y={
                "type": "data", "symmetric": False, "array": (part.high - part.ndcg10).where(several),
                "arrayminus": (part.ndcg10 - part.low).where(several), "thickness": 1.2, "width": 3,
            },
            customdata=part[["design", "low", "high", "seeds"]],
            hovertemplate="%{customdata[0]}<br>%{x:.3g}: %{y:.3f}<br>%{customdata[3]} seeds, "
            "%{customdata[1]:.3f} to %{customdata[2]:.3f}<extra></extra>",
        )  # fmt: skip
        made.update_xaxes(title=INDICATORS[name][1], automargin=True, **place)
        if name in LOGARITHMIC and part[name].max() > 10 * part[name].min():
            made.update_xaxes(**log_axis(part[name]), **place)
        if place["col"] == 1:
            made.update_yaxes(title=found.metric, automargin=True, **place)
    return made.update_layout(height=90 + 290 * rows, margin={"l": 10, "r": 10, "t": 60, "b": 10})


def _words(found: Correlation) -> str:
    if found.rho is None:
        return "no correlation"
    interval = "no interval" if found.low is None else f"95 %: {found.low:+.2f} to {found.high:+.2f}"
    return f"rho {found.rho:+.2f}, {interval}, {found.n} designs"


def write_figure(found: StudyOutcome, title: str, file: Path) -> None:
    """The figure as a page that needs no network."""
    made = figure(found).update_layout(title=title, margin={"t": 110}, height=None)
    made.write_html(file, include_plotlyjs=True)
