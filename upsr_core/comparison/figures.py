"""Figures of comparisons, the same on the page and in an export."""

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from upsr_core.comparison.compare import DIFFERENT
from upsr_core.export.figure_style import BLUE, GREEN, GREY, figure_of, grouped, log_axis, looks, whiskers

CROWD = 1500


def board(leaderboard: pd.DataFrame, metric: str) -> go.Figure:
    """Entries by one metric with intervals. `leaderboard` as `compare.leaderboard` gives it; `metric` says its mode."""
    name = metric.split(" ")[0]
    table = pd.DataFrame({"label": leaderboard.label, "value": leaderboard[name]})
    for part in ("low", "high", "why"):
        table[part] = leaderboard[f"{name}_{part}"]
    colours = [GREY if reference else BLUE for reference in leaderboard.reference]
    figure = whiskers(table, f"{metric}, 95 % interval", colours)
    return figure.update_xaxes(rangemode="tozero")


def differences(pairs: pd.DataFrame, metric: str) -> go.Figure:
    """Every pair's difference with its interval, green where it is called different."""
    names = [f"{row.label_a}<br>over {row.label_b}" for row in pairs.itertuples()]
    table = pd.DataFrame({"label": names, "value": pairs.difference})
    table[["low", "high", "why"]] = pairs[["low", "high", "why"]]
    colours = [GREEN if verdict == DIFFERENT else GREY for verdict in pairs.verdict]
    figure = whiskers(table, f"difference in {metric}, 95 % interval", colours, zero=True)
    return figure.update_layout(height=90 + 44 * len(pairs))


def sliced(slices: pd.DataFrame, what: str, metric: str, gain: bool = False) -> go.Figure:
    """Every entry over the slices, with intervals, or what each gains over the first."""
    table = slices.rename(columns={"slice": "at"})
    table["at"] = table["at"] + "<br>" + table.instances.map("n = {:,}".format)
    if gain:
        table = table[table.id != table.id.iloc[0]]
        shown = table.assign(value=table.difference, low=table.difference_low, high=table.difference_high)
        return grouped(shown, what, f"gain in {metric}", lines=False, zero=True)
    return grouped(table.assign(low=table.value_low, high=table.value_high), what, metric, lines=False)


def learning(curves: pd.DataFrame, column: str, y: str) -> go.Figure:
    """A column of the learning curves of all runs; seeds of an entry share its colour."""
    figure, styles = figure_of(height=300, x="share of what the run saw in training, %", y=y), looks(curves.label)
    for number, ((label, _), part) in enumerate(curves.groupby(["label", "run"], sort=False)):
        shown = label not in {trace.name for trace in figure.data}
        figure.add_scatter(
            x=100 * part.share, y=part[column], name=label, legendgroup=label, showlegend=shown, mode="lines+markers",
            line={"color": styles[label]["color"]}, marker=styles[label], uid=str(number),
            customdata=np.stack([part.seed, part.tokens], axis=1),
            hovertemplate=f"seed %{{customdata[0]}}, %{{customdata[1]:,}} seen: %{{y:.4f}}<extra>{label}</extra>",
        )  # fmt: skip
    return figure.update_xaxes(range=[0, 104]).update_yaxes(rangemode="tozero")


def ranks(movers: pd.DataFrame, a: str, b: str) -> go.Figure:
    """Rank of every target under two entries; below the diagonal the first is better. At most 1,500 dots."""
    shown = movers if len(movers) <= CROWD else movers.sample(CROWD, random_state=0)
    figure = figure_of(height=380, x=f"rank of the target, {b}", y=f"rank of the target, {a}", showlegend=False)
    figure.add_scatter(
        x=shown.rank_b, y=shown.rank_a, mode="markers", marker={"color": BLUE, "opacity": 0.7, "size": 8},
        customdata=np.stack([shown.user_id, shown.target], axis=1) if len(shown) else None,
        hovertemplate="user %{customdata[0]}: rank %{y:g} and %{x:g}<br>%{customdata[1]}<extra></extra>",
    )  # fmt: skip
    top = float(max(movers.rank_a.max(), movers.rank_b.max(), 2))
    figure.add_scatter(x=[1, top], y=[1, top], mode="lines", line={"color": GREY, "dash": "dash"}, hoverinfo="skip")
    axis = log_axis(pd.Series([1.0, top]))
    return figure.update_xaxes(**axis).update_yaxes(**axis)
