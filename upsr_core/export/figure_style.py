"""The look of every figure: colours that every common colour blindness tells apart, and figures that files share.

Okabe and Ito's palette, the blue lifted so that it reads in dark themes too.
"""

import math
from collections.abc import Sequence

import pandas as pd
import plotly.graph_objects as go

from upsr_core.evaluation.verdicts import interval_text

BLUE, ORANGE, GREEN, PINK, SKY, RED, GREY = "#2E86C1", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#8C8C8C"
SEQUENCE = (BLUE, ORANGE, GREEN, PINK, RED, SKY, "#B3A300", "#882255", "#44AA99", GREY)
SYMBOLS = ("circle", "square", "diamond", "triangle-up", "cross", "star", "x", "pentagon", "hexagram", "triangle-down")


def figure_of(*traces, height: int = 300, x: str = "", y: str = "", **layout) -> go.Figure:
    figure = go.Figure(list(traces))
    figure.update_layout(
        height=height,
        margin={"l": 10, "r": 10, "t": 28, "b": 10},
        xaxis={"title": x, "automargin": True},
        yaxis={"title": y, "automargin": True},
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0, "traceorder": "normal"},
        **layout,
    )
    return figure


def looks(names: Sequence[str]) -> dict[str, dict]:
    """Colour and symbol of each of several names, the same wherever they come in the same order."""
    return {
        name: {"color": SEQUENCE[place % len(SEQUENCE)], "symbol": SYMBOLS[place % len(SYMBOLS)]}
        for place, name in enumerate(dict.fromkeys(names))
    }


def whiskers(table: pd.DataFrame, x: str, colours: Sequence[str], zero: bool = False) -> go.Figure:
    """One row per dot with its 95 % whisker, the first row on top. Columns: label, value, low, high, why.

    Where no interval holds, `low` and `high` are NaN, the dot has no whisker, and `why` stands beside its value.
    """
    figure = figure_of(height=90 + 34 * len(table), x=x, showlegend=False)
    for row, colour in zip(table.itertuples(), colours, strict=True):
        figure.add_scatter(
            x=[row.value], y=[row.label], mode="markers", marker={"size": 11, "color": colour},
            error_x=_error(row.low, row.value, row.high),
            hovertemplate=f"%{{y}}<br>{interval_text(row.value, row.low, row.high, row.why, '.4f')}<extra></extra>",
        )  # fmt: skip
    if zero:
        figure.add_vline(x=0, line={"color": GREY, "width": 1.5})
    return figure.update_yaxes(autorange="reversed", type="category")


def _error(low, value, high) -> dict:
    array, minus = ([high - value], [value - low]) if not hasattr(value, "__len__") else (high - value, value - low)
    return {"type": "data", "symmetric": False, "array": array, "arrayminus": minus, "thickness": 2, "width": 5}


def grouped(
    table: pd.DataFrame, x: str, y: str, height: int = 340, lines: bool = True, zero: bool = False
) -> go.Figure:
    """One series per label over places of `at`, with 95 % whiskers where there are any. Columns: at, label, value, low,
    high.

    Where `at` is text the places are categories and the series stand a little apart, so that whiskers do not cover
    each other.
    """
    figure, styles = figure_of(height=height, x=x, y=y), looks(table.label)
    places = list(dict.fromkeys(table["at"]))
    numeric = pd.api.types.is_numeric_dtype(table["at"])
    for number, (label, part) in enumerate(table.groupby("label", sort=False)):
        shift = 0 if numeric else 0.5 * ((number + 0.5) / len(styles) - 0.5)
        spots = part["at"] if numeric else [places.index(place) + shift for place in part["at"]]
        figure.add_scatter(
            x=spots, y=part.value, name=label, mode="lines+markers" if lines else "markers",
            marker={"size": 9, **styles[label]}, line={"color": styles[label]["color"], "width": 1.5},
            error_y=_error(part.low, part.value, part.high), text=part["at"].astype(str),
            hovertemplate=f"%{{text}}: %{{y:.4f}}<extra>{label}</extra>",
        )  # fmt: skip
    if not numeric:
        figure.update_xaxes(
            tickmode="array", tickvals=list(range(len(places))), ticktext=places, range=[-0.5, len(places) - 0.5]
        )
    if zero:
        figure.add_hline(y=0, line={"color": GREY, "width": 1.5})
    return figure


def log_axis(values: pd.Series) -> dict:
    """A logarithmic axis over positive values, its ticks all of one size: 1, 2, 5, 10, 20 and so on.

    >>> log_axis(pd.Series([30.0, 250.0]))
    {'type': 'log', 'tickvals': [20.0, 50.0, 100.0, 200.0, 500.0], 'ticktext': ['20', '50', '100', '200', '500']}
    """
    values = values[values > 0]
    if values.empty:
        return {"type": "log"}
    powers = range(math.floor(math.log10(values.min())), math.ceil(math.log10(values.max())) + 1)
    steps = (1, 2, 5) if len(powers) < 5 else (1,)
    ticks = [float(step * 10**power) for power in powers for step in steps]
    ticks = [tick for tick in ticks if values.min() / 2 <= tick <= values.max() * 2]
    return {"type": "log", "tickvals": ticks, "ticktext": [f"{tick:,.10g}" for tick in ticks]}
