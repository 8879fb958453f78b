"""Figures of runs: learning curves, gaps with intervals, scores against popularity."""

import pandas as pd
import plotly.graph_objects as go

from app.charts import BLUE, GREEN, GREY, ORANGE, RED, figure_of
from app.short_texts import label
from upsr_core.evaluation.verdicts import interval_text

AXES = {
    "perplexity": "mean log-likelihood, nats per token",
    "conditional": "gain of the history, nats per token",
    "posterior": "history and log popularity, nats per token",
    "popularity": "training interactions",
    "score": "score of the model",
}


def loss_curve(curve: pd.DataFrame, end: int, seen: str) -> go.Figure:
    """Training loss. Columns: tokens, loss; the axis says what was `seen`, up to `end`."""
    known = curve.dropna(subset=["loss"])
    figure = figure_of(
        go.Scatter(
            x=known.tokens,
            y=known.loss,
            mode="lines+markers",
            line={"color": BLUE},
            hovertemplate="%{x:,} seen: loss %{y:.3f}<extra></extra>",
        ),
        height=260,
        x=seen,
        y="loss",
    )
    return figure.update_xaxes(range=[0, end * 1.02])


def quality_curve(curve: pd.DataFrame, end: int, references: dict[str, float], metric: str, seen: str) -> go.Figure:
    """Validation quality with the references as lines. Columns: tokens, ndcg10."""
    known = curve.dropna(subset=["ndcg10"])
    figure = figure_of(
        go.Scatter(
            x=known.tokens,
            y=known.ndcg10,
            mode="lines+markers",
            line={"color": GREEN},
            hovertemplate="%{x:,} seen: %{y:.3f}<extra></extra>",
        ),
        height=260,
        x=seen,
        y=f"validation {metric}",
    )
    # The two lines are often close, so one label goes above and one below.
    for (name, value), colour, side in zip(references.items(), (ORANGE, GREY), ("top", "bottom"), strict=True):
        figure.add_hline(
            y=value, line={"color": colour, "dash": "dash"}, annotation_text=name, annotation_position=f"{side} left"
        )
    top = max([*references.values(), *known.ndcg10], default=1)
    return figure.update_yaxes(range=[0, top * 1.15]).update_xaxes(range=[0, end * 1.02])


def dependence_curve(curve: pd.DataFrame, end: int, metric: str, seen: str) -> go.Figure:
    """User dependence with its 95 % band, where enough users decide for one. Columns: tokens, user_dependence, low,
    high."""
    known = curve.dropna(subset=["user_dependence"])
    sure = known.dropna(subset=["low"])
    band = go.Scatter(
        x=pd.concat([sure.tokens, sure.tokens[::-1]]),
        y=pd.concat([sure.high, sure.low[::-1]]),
        fill="toself",
        fillcolor="rgba(0,158,115,0.18)",
        mode="lines",
        line={"width": 0},
        hoverinfo="skip",
    )
    line = go.Scatter(
        x=known.tokens,
        y=known.user_dependence,
        mode="lines+markers",
        line={"color": GREEN},
        text=[
            interval_text(row.user_dependence, row.low, row.high, "too few users decide it")
            for row in known.itertuples()
        ],
        hovertemplate="%{text}<extra></extra>",
    )
    figure = figure_of(band, line, height=260, x=seen, y=f"gain in {metric}", showlegend=False)
    if known.empty:
        figure.update_yaxes(range=[-0.1, 0.3])
    figure.add_hline(
        y=0, line={"color": GREY, "width": 1.5}, annotation_text="no use of the user", annotation_position="bottom left"
    )
    return figure.update_xaxes(range=[0, end * 1.02])


def gaps(table: pd.DataFrame, metric: str) -> go.Figure:
    """Gains over references as dot and 95 % whisker, as `run_tables.gaps_table` gives them."""
    colours = table.side.map({1: GREEN, 0: GREY, -1: RED})
    figure = figure_of(height=220, x=f"gain in {metric}, 95 % interval", showlegend=False)
    for row, colour in zip(table.itertuples(), colours, strict=True):
        figure.add_scatter(
            x=[row.mean],
            y=[f"over {row.reference}"],
            mode="markers",
            marker={"size": 12, "color": colour},
            error_x={
                "type": "data",
                "symmetric": False,
                "array": [row.high - row.mean],
                "arrayminus": [row.mean - row.low],
                "thickness": 2.5,
                "width": 7,
            },
            hovertemplate=f"{interval_text(row.mean, row.low, row.high, row.why)}<extra></extra>",
        )
    figure.add_vline(x=0, line={"color": GREY, "width": 1.5})
    return figure.update_yaxes(autorange="reversed")


def score_popularity(table: pd.DataFrame, score: str) -> go.Figure:
    """Candidates by popularity and score, the target marked. Columns: popularity, score, target, title, rank."""
    figure = figure_of(height=300, x="training interactions of the candidate", y=AXES[score])
    for is_target, name, marker in (
        (False, "candidates", {"color": BLUE, "size": 7, "opacity": 0.55}),
        (True, "target", {"color": RED, "size": 14, "symbol": "diamond", "line": {"width": 1.5, "color": "white"}}),
    ):
        part = table[table.target == is_target]
        figure.add_scatter(
            x=part.popularity,
            y=part.score,
            mode="markers",
            name=name,
            marker=marker,
            customdata=list(zip(map(label, part.title), part["rank"], strict=True)),
            hovertemplate="%{customdata[0]}<br>rank %{customdata[1]}, score %{y:.3f}<extra></extra>",
        )
    return figure
