"""Figures of explanations: what speaks for one candidate or the other, ranks before and after, models side by side.

Blue and to the right is for A, orange, hatched and to the left for B; every bar says its value with its sign.
"""

import html

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from app.charts import BLUE, GREEN, GREY, ORANGE, PINK, RED, SKY, figure_of
from app.short_texts import label
from upsr_core.explain.instance import PRIOR

FOR_A, FOR_B = BLUE, ORANGE
MODELS = ((BLUE, "circle"), (ORANGE, "square"), (GREEN, "diamond"), (PINK, "cross"), (SKY, "x"))


def diverging(
    names: list[str], values: np.ndarray, hover: list[str], unit: str, last_is_sum: bool = False
) -> go.Figure:
    """Horizontal bars from zero to both sides. `names` are written as they are: escape what comes from the data."""
    values = np.asarray(values, dtype=float)
    colours = [FOR_A if value >= 0 else FOR_B for value in values]
    lines = [0.0] * len(values)
    if last_is_sum:
        lines[-1] = 2.5
    bars = go.Bar(
        x=values,
        y=list(range(len(values))),
        orientation="h",
        marker={
            "color": colours,
            "pattern": {"shape": ["" if value >= 0 else "/" for value in values], "fgcolor": "white", "size": 7},
            "line": {"width": lines, "color": "#555555"},
        },
        text=[f"{value:+.3f}" for value in values],
        textposition="outside",
        cliponaxis=False,
        customdata=hover,
        hovertemplate="%{customdata}<extra></extra>",
    )
    figure = figure_of(bars, height=96 + 30 * len(values), x=f"← for B      {unit}      for A →", showlegend=False)
    most = max(1e-9, float(np.abs(values).max(initial=0)))
    figure.update_xaxes(range=[-1.28 * most, 1.28 * most], zeroline=True, zerolinewidth=2, zerolinecolor=GREY)
    return figure.update_yaxes(
        tickmode="array", tickvals=list(range(len(values))), ticktext=names, autorange="reversed", showgrid=False
    )


def lead_by_attribute(table: pd.DataFrame, lead: float) -> go.Figure:
    """Why A leads B, attribute by attribute. Columns as `explain.parts.difference` gives them."""
    hover = [
        f"{row.attribute}: {row.difference:+.4f}"
        + (
            ", from the training interactions alone"
            if row.attribute == PRIOR
            else f"<br>wording {row.wording:+.4f}, length {row.length:+.4f}<br>"
            f"{row.tokens_a} tokens in A, {row.tokens_b} in B"
        )
        for row in table.itertuples()
    ]
    names = [*map(html.escape, table.attribute), "<b>A's lead</b>"]
    values = np.append(table.difference.to_numpy(), lead)
    return diverging(names, values, [*hover, f"all attributes together: {lead:+.4f}"], "nats per token", True)


def history_effects(items: pd.DataFrame, unit: str) -> go.Figure:
    """What each history item does to A's lead, the newest on top. Columns: place, name, effect, rank_a, rank_b."""
    table = items.iloc[::-1]
    without = "rank_a" in table
    hover = [
        f"{row.place}. {label(row.name)}<br>lifts A by {row.effect_a:+.4f}, B by {row.effect_b:+.4f}"
        + (f"<br>without it A is at rank {row.rank_a:g}, B at {row.rank_b:g}" if without else "")
        for row in table.itertuples(index=False)
    ]
    names = [f"{row.place}. {label(row.name, 38)}" for row in table.itertuples(index=False)]
    return diverging(names, table.effect.to_numpy(), hover, unit)


def attribute_effects(attributes: pd.DataFrame) -> go.Figure:
    """What each attribute of all history items does to A's lead. Columns: attribute, effect."""
    hover = [f"{row.attribute} of the history: {row.effect:+.4f}" for row in attributes.itertuples()]
    return diverging([html.escape(name) for name in attributes.attribute], attributes.effect, hover, "nats per token")


def before_after(table: pd.DataFrame) -> go.Figure:
    """Ranks before and after a what-if, one line a candidate. Columns: name, before, after, target; best first."""
    figure = figure_of(height=96 + 26 * len(table), x="rank, the best on the left")
    for row, y in zip(table.itertuples(), range(len(table)), strict=True):
        figure.add_scatter(
            x=[row.before, row.after], y=[y, y], mode="lines", line={"color": GREY, "width": 2}, showlegend=False,
            hoverinfo="skip",
        )  # fmt: skip
    for column, symbol, colour in (("before", "circle-open", GREY), ("after", "diamond", BLUE)):
        figure.add_scatter(
            x=table[column],
            y=list(range(len(table))),
            mode="markers" if column == "before" else "markers+text",
            name=column,
            text=[f"{_arrow(row.before, row.after)}" for row in table.itertuples()],
            textposition=["middle right" if row.after >= row.before else "middle left" for row in table.itertuples()],
            marker={"symbol": symbol, "color": colour, "size": 11, "line": {"width": 2}},
            customdata=[label(name) for name in table.name],
            hovertemplate=f"%{{customdata}}: rank %{{x:g}} {column}<extra></extra>",
        )
    names = [("◆ " if row.target else "") + label(row.name, 38) for row in table.itertuples()]
    figure.update_yaxes(
        tickmode="array", tickvals=list(range(len(table))), ticktext=names, autorange="reversed", showgrid=False
    )
    most = float(table[["before", "after"]].max().max())
    return figure.update_xaxes(range=[1 - 0.12 * most, 1.14 * most])


def _arrow(before: float, after: float) -> str:
    return "=" if before == after else f"{'▲' if after < before else '▼'} {abs(before - after):g}"


def rank_against_rank(table: pd.DataFrame, one: str, two: str, names: dict[str, str]) -> go.Figure:
    """Every candidate by its rank under two models. Columns: name, target, and both models' ranks."""
    figure = figure_of(height=430, x=f"rank, {label(names[one])}", y=f"rank, {label(names[two])}")
    most = float(table[[one, two]].max().max())
    figure.add_scatter(
        x=[1, most], y=[1, most], mode="lines", line={"color": GREY, "dash": "dot"}, name="the same rank",
        hoverinfo="skip",
    )  # fmt: skip
    for is_target, name, marker in (
        (False, "candidates", {"color": BLUE, "size": 8, "opacity": 0.6}),
        (True, "target", {"color": RED, "size": 14, "symbol": "diamond", "line": {"width": 1.5, "color": "white"}}),
    ):
        part = table[table.target == is_target]
        figure.add_scatter(
            x=part[one], y=part[two], mode="markers", name=name, marker=marker,
            customdata=[label(name) for name in part.name],
            hovertemplate="%{customdata}<br>ranks %{x:g} and %{y:g}<extra></extra>",
        )  # fmt: skip
    return figure


def leanings(table: pd.DataFrame) -> go.Figure:
    """Rank correlations of scores with popularity and text length. Columns: trial, property, mean, low, high, users."""
    properties = list(dict.fromkeys(table.property))
    trials = list(dict.fromkeys(table.trial))
    figure = figure_of(height=120 + 34 * len(trials) * len(properties), x="rank correlation with the score")
    for number, trial in enumerate(trials):
        part = table[table.trial == trial]
        colour, symbol = MODELS[number % len(MODELS)]
        offset = 0.22 * (number - (len(trials) - 1) / 2)
        figure.add_scatter(
            x=part["mean"],
            y=[properties.index(name) + offset for name in part.property],
            mode="markers+text",
            name=f"{label(trial)}, {part.users.max():,} users",
            text=[f"{value:+.2f}" for value in part["mean"]],
            textposition="top center",
            marker={"color": colour, "symbol": symbol, "size": 11},
            error_x={
                "type": "data",
                "symmetric": False,
                "array": part.high - part["mean"],
                "arrayminus": part["mean"] - part.low,
                "thickness": 2.5,
                "width": 6,
            },
            hovertemplate="%{x:+.3f}<extra></extra>",
        )
    figure.add_vline(x=0, line={"color": GREY, "width": 1.5})
    figure.update_yaxes(
        tickmode="array", tickvals=list(range(len(properties))), ticktext=properties,
        range=[len(properties) - 0.4, -0.6], showgrid=False,
    )  # fmt: skip
    return figure.update_xaxes(range=[-1.2, 1.2])


def score_length(table: pd.DataFrame, score: str) -> go.Figure:
    """Candidates of one user by the length of their text and their score. Columns: tokens, score, name, target."""
    figure = figure_of(height=300, x="tokens of the candidate's text", y=score)
    for is_target, name, marker in (
        (False, "candidates", {"color": BLUE, "size": 7, "opacity": 0.55}),
        (True, "target", {"color": RED, "size": 14, "symbol": "diamond", "line": {"width": 1.5, "color": "white"}}),
    ):
        part = table[table.target == is_target]
        figure.add_scatter(
            x=part.tokens, y=part.score, mode="markers", name=name, marker=marker,
            customdata=[label(name) for name in part.name],
            hovertemplate="%{customdata}<br>%{x} tokens, score %{y:.3f}<extra></extra>",
        )  # fmt: skip
    return figure
