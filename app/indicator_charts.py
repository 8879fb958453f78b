"""Figures of the indicators: a DataFrame in, a figure out."""

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from app.charts import BLUE, GREEN, GREY, ORANGE, RED, SKY, attribute_colour, figure_of
from upsr_core.export.figure_style import log_axis


def added_bits(steps: pd.DataFrame) -> go.Figure:
    """What each attribute adds to the bits of an item. Columns: added, bits, gain."""
    bars = go.Bar(
        x=steps.gain,
        base=steps.bits - steps.gain,
        y=steps.added,
        orientation="h",
        marker_color=[attribute_colour(name) for name in steps.added],
        text=[f"{gain:+.2f} → {bits:.2f}" for gain, bits in zip(steps.gain, steps.bits, strict=True)],
        textposition="auto",
        cliponaxis=False,
        hovertemplate="%{y}: %{text} bits<extra></extra>",
    )
    figure = figure_of(bars, height=90 + 40 * len(steps), x="bits per item, mean").update_yaxes(autorange="reversed")
    return figure.update_xaxes(range=[0, 1.3 * steps.bits.max()])  # room for what stands beside short bars


def told_apart(steps: pd.DataFrame) -> go.Figure:
    """Share of items whose text no other item has. Columns: added, distinguishable."""
    bars = go.Bar(
        x=100 * steps.distinguishable,
        y=steps.added,
        orientation="h",
        marker_color=[attribute_colour(name) for name in steps.added],
        text=[f"{100 * share:.1f} %" for share in steps.distinguishable],
        textposition="auto",
        hovertemplate="with %{y}: %{x:.1f} %<extra></extra>",
    )
    figure = figure_of(bars, height=90 + 40 * len(steps), x="items told apart, %")
    return figure.update_yaxes(autorange="reversed").update_xaxes(range=[0, 100])


def defects(parts: pd.DataFrame) -> go.Figure:
    """Share of items with each defect. Columns: part, share."""
    bars = go.Bar(
        x=100 * parts.share,
        y=parts.part,
        orientation="h",
        marker_color=RED,
        text=[f"{100 * share:.2f} %" for share in parts.share],
        textposition="outside",
        cliponaxis=False,
        hovertemplate="%{y}: %{x:.2f} % of the items<extra></extra>",
    )
    figure = figure_of(bars, height=90 + 34 * len(parts), x="items, %").update_yaxes(autorange="reversed")
    return figure.update_xaxes(range=[0, max(1.0, 118 * float(parts.share.max()))])


def perplexities(items: pd.DataFrame, value: float) -> go.Figure:
    """How perplexity is spread over items. Columns: perplexity."""
    logs = np.log10(items.perplexity)
    counts, edges = np.histogram(logs, bins=40)
    bars = go.Bar(
        x=10 ** ((edges[:-1] + edges[1:]) / 2),
        y=counts,
        width=10 ** edges[1:] - 10 ** edges[:-1],
        marker_color=SKY,
        hovertemplate="perplexity about %{x:,.0f}: %{y:,} items<extra></extra>",
    )
    figure = figure_of(bars, height=260, x="perplexity of an item's text", y="items", bargap=0)
    figure.update_xaxes(**log_axis(items.perplexity)).add_vline(x=value, line={"color": RED, "dash": "dash"})
    # Plotly places a line on a logarithmic axis by its value, but words by its logarithm.
    return figure.add_annotation(
        x=np.log10(value), y=1, yref="paper", yanchor="bottom", showarrow=False, text=f"mean {value:,.0f}"
    )


def correlations(items: pd.DataFrame, value: float) -> go.Figure:
    """How the rank correlation is spread over items. Columns: correlation."""
    bars = go.Histogram(x=items.correlation, nbinsx=40, marker_color=GREEN, hovertemplate="%{x}: %{y:,}<extra></extra>")
    figure = figure_of(bars, height=260, x="rank correlation of one item's text and behaviour", y="items", bargap=0.05)
    return figure.update_xaxes(range=[-1, 1]).add_vline(
        x=value, line={"color": RED, "dash": "dash"}, annotation_text=f"mean {value:.2f}", annotation_yshift=16
    )


def domain_matrix(pairs: pd.DataFrame, column: str) -> go.Figure:
    """Domain by domain. Columns: a, b and `column`."""
    names = list(dict.fromkeys([*pairs.a, *pairs.b]))
    cells = pd.DataFrame(np.nan, index=names, columns=names)
    for row in pairs.itertuples():
        cells.loc[row.a, row.b] = cells.loc[row.b, row.a] = getattr(row, column)
    labels = cells.map(lambda value: "" if pd.isna(value) else f"{value:.2f}")
    top = 2 if column == "a_distance" else 1
    heat = go.Heatmap(
        z=cells.to_numpy(), x=names, y=names, text=labels.to_numpy(), texttemplate="%{text}", zmin=0, zmax=top,
        colorscale="Blues" if column == "score" else "Oranges", showscale=False, xgap=2, ygap=2,
        hovertemplate="%{y} and %{x}: %{text}<extra></extra>",
    )  # fmt: skip
    return figure_of(heat, height=130 + 46 * len(names)).update_yaxes(autorange="reversed")


def shifts(units: pd.DataFrame) -> go.Figure:
    """The words that shift most, a bar for each pair of domains. Columns: unit, attribute, shift, a, b."""
    bars = go.Bar(
        x=units["shift"],
        y=[f"{row.unit} ({row.attribute}), {row.a} – {row.b}" for row in units.itertuples()],
        orientation="h",
        marker_color=[attribute_colour(name) for name in units.attribute],
        hovertemplate="%{y}: %{x:.2f}<extra></extra>",
    )
    figure = figure_of(bars, height=90 + 26 * len(units), x="shift (1: as far apart as two different words)")
    return figure.update_yaxes(autorange="reversed", type="category")


def designs(table: pd.DataFrame) -> go.Figure:
    """Every searched design. Columns: design, perplexity, bits, distinguishable, stopped, front, pretrain, finetune."""
    figure = figure_of(height=440, x="perplexity (natural to the left)", y="informativeness, bits", hovermode="closest")
    hover = "%{customdata[0]}<br>perplexity %{x:,.0f}, %{y:.2f} bits, %{customdata[1]:.0%} told apart<extra></extra>"
    best = (table.pretrain > 0) | (table.finetune > 0)
    groups = (
        ("stopped early", table.stopped, GREY, 5, "circle"),
        ("searched", ~table.stopped & ~best, SKY, 6, "circle"),
        ("among the ten best for pre-training", table.pretrain > 0, BLUE, 10, "circle"),
        ("among the ten best for tuning", table.finetune > 0, ORANGE, 10, "diamond"),
    )
    for name, chosen, colour, size, symbol in groups:
        part = table[chosen]
        figure.add_scatter(
            x=part.perplexity, y=part.bits, mode="markers", name=name,
            marker={"color": colour, "size": size, "symbol": symbol},
            customdata=np.stack([part.design, part.distinguishable], axis=1) if len(part) else None,
            hovertemplate=hover,
        )  # fmt: skip
    front = table[table.front]
    figure.add_scatter(
        x=front.perplexity, y=front.bits, mode="markers", name="on the front", hoverinfo="skip",
        marker={"color": RED, "size": 15, "symbol": "circle-open", "line": {"width": 2}},
    )  # fmt: skip
    return figure.update_xaxes(**log_axis(table.perplexity))
