"""From a DataFrame to a plotly figure; the look is that of `upsr_core.export.figure_style`."""

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from upsr_core.export.figure_style import BLUE, GREEN, GREY, ORANGE, PINK, RED, SKY, figure_of, log_axis  # noqa: F401  pages share them

_ATTRIBUTES = {
    "title": BLUE,
    "category": ORANGE,
    "brand": GREEN,
    "price": PINK,
    "description": "#7D7D6B",  # prose: apart from the blue of titles, with which it stands side by side
    "related": RED,
    "salesrank": "#B3A300",
}
_FURTHER = ("#882255", "#44AA99", "#999933", "#6699CC", "#AA4499", "#661100")


def attribute_colour(name: str) -> str:
    """The colour of an attribute, the same on every page and for every dataset."""
    return _ATTRIBUTES.get(name) or _FURTHER[sum(name.encode()) % len(_FURTHER)]


def preparation_steps(steps: pd.DataFrame) -> go.Figure:
    """Interactions left after each step. Columns: name, interactions."""
    bars = go.Bar(
        x=steps.interactions,
        y=steps.name,
        orientation="h",
        marker_color=BLUE,
        text=[f"{count:,}" for count in steps.interactions],
        textposition="auto",
        hovertemplate="%{y}: %{x:,} interactions<extra></extra>",
    )
    figure = figure_of(bars, height=90 + 34 * len(steps), x="interactions left")
    return figure.update_yaxes(autorange="reversed")


def coverage(table: pd.DataFrame) -> go.Figure:
    """Share of items that have each attribute. Columns: attribute, share (0 to 1)."""
    bars = go.Bar(
        x=100 * table.share,
        y=table.attribute,
        orientation="h",
        marker_color=[attribute_colour(name) for name in table.attribute],
        text=[f"{100 * share:.0f} %" for share in table.share],
        textposition="auto",
        hovertemplate="%{y}: %{x:.1f} % of the items<extra></extra>",
    )
    figure = figure_of(bars, height=90 + 30 * len(table), x="items with a value, %")
    return figure.update_yaxes(autorange="reversed").update_xaxes(range=[0, 100])


def distribution(counts: pd.DataFrame, x: str, y: str) -> go.Figure:
    """How often each value occurs. Columns: value, count; wide ranges get a logarithmic value axis."""
    bars = go.Bar(
        x=counts.value,
        y=counts["count"],
        marker_color=BLUE,
        hovertemplate=f"%{{x}} {x}: %{{y:,}} {y}<extra></extra>",
    )
    figure = figure_of(bars, x=x, y=y, bargap=0.05)
    if len(counts) and counts.value.max() > 20 * max(1, counts.value.min()):
        figure.data = []
        figure.add_trace(go.Scatter(x=counts.value, y=counts["count"], mode="markers", marker={"color": BLUE}))
        figure.update_xaxes(**log_axis(counts.value)).update_yaxes(**log_axis(counts["count"]))
    return figure


def popularity(table: pd.DataFrame) -> go.Figure:
    """Interactions of items by their popularity rank. Columns: rank, interactions."""
    line = go.Scatter(
        x=table["rank"],
        y=table.interactions,
        mode="lines",
        line={"color": BLUE, "width": 2},
        hovertemplate="item of rank %{x:,}: %{y:,} interactions<extra></extra>",
    )
    figure = figure_of(line, x="item, by popularity rank", y="interactions")
    return figure.update_xaxes(**log_axis(table["rank"])).update_yaxes(**log_axis(table.interactions))


def token_histogram(counts: pd.DataFrame, cap: int) -> go.Figure:
    """Tokens per item before the caps, with the cap. Columns: full_tokens."""
    top = int(max(cap * 1.5, np.quantile(counts.full_tokens, 0.99))) if len(counts) else cap
    width = max(1, round(top / 60))
    # Counted here: the browser would be sent a number for every item.
    items, edges = np.histogram(counts.full_tokens.clip(upper=top), np.arange(0, top + width + 1, width))
    spans = [f"{low}" if width == 1 else f"{low} to {low + width - 1}" for low in edges[:-1]]
    spans[-1] = f"{edges[-2]} or more"  # the longest texts are counted there
    bars = go.Bar(
        x=edges[:-1] + (width - 1) / 2,
        y=items,
        width=width * 0.95,
        marker_color=SKY,
        customdata=spans,
        hovertemplate="%{customdata} tokens: %{y:,} items<extra></extra>",
    )
    figure = figure_of(bars, height=240, x="tokens of an item before the cap", y="items", bargap=0.05)
    return figure.add_vline(
        x=cap + 0.5, line={"color": RED, "dash": "dash", "width": 2}, annotation_text=f"cap {cap}"
    ).update_xaxes(range=[0, top + width])


def attribute_tokens(stages: pd.DataFrame) -> go.Figure:
    """Mean tokens per item, stacked by attribute. Columns: stage, attribute, tokens, in the design's order."""
    figure = figure_of(height=210, x="tokens per item, mean", barmode="stack")
    order = list(dict.fromkeys(stages.stage))
    for name in dict.fromkeys(stages.attribute):
        part = stages[stages.attribute == name]
        figure.add_bar(
            x=part.tokens,
            y=part.stage,
            name=name,
            orientation="h",
            marker_color=attribute_colour(name),
            text=[f"{tokens:.1f}" for tokens in part.tokens],
            textposition="inside",
            hovertemplate=f"{name}: %{{x:.1f}} tokens<extra></extra>",
        )
    return figure.update_yaxes(categoryorder="array", categoryarray=order[::-1])
