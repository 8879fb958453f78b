"""The sections of the page Compare."""

import shutil
import tempfile
from pathlib import Path
from typing import Any

import pandas as pd
import streamlit as st

from app import state
from app.compare_tables import (
    MOVED,
    board_table,
    cost_table,
    evaluated_line,
    indicators_table,
    movers_table,
    pairs_table,
)
from app.components import chart, cut_lines, duration, empty_state, plain, section
from upsr_core.comparison import figures
from upsr_core.comparison.compare import ALPHA, DIFFERENT
from upsr_core.comparison.cost import cost, curves, cuts, indicators
from upsr_core.comparison.entries import Compared
from upsr_core.comparison.export import export, zipped
from upsr_core.comparison.who_differs import SLICES, movers, slices
from upsr_core.evaluation.metrics import METRICS, named
from upsr_core.evaluation.verdicts import NOT_SHOWN
from upsr_core.export.figure_style import grouped
from upsr_core.indicators.result import INDICATORS

NUMBER: dict[str, Any] = {"format": "%.3f", "width": "small"}


def leaderboard(compared: Compared, board: pd.DataFrame, metric: str, asked: int) -> None:
    section("Leaderboard", evaluated_line(compared, asked))
    name = named(metric, compared.mode)
    chart(figures.board(board, name), "board")
    config: dict[str, Any] = {
        "label": st.column_config.TextColumn("Trial", width=250),
        "seeds": st.column_config.TextColumn("Seeds", width="small"),
    }
    config |= {other: st.column_config.NumberColumn(other, **NUMBER) for other in METRICS}
    config |= {"value": st.column_config.NumberColumn(name, format="%.3f", width=130), "interval": "95 % interval"}
    config |= {
        "dependence": st.column_config.TextColumn("User dependence", help="Gain over another user's history, NDCG@10"),
        "verdict": "Uses the history",
    }
    st.dataframe(board_table(board, metric), key="board_table", hide_index=True, column_config=config)
    if compared.runs and all(run.finished_result().gaps["popularity"][name].side < 0 for run in compared.runs):
        st.markdown(
            "**Popularity alone ranks better than every trial here.** A larger budget or another start (language "
            "model) may change that; what stands below compares how far they are behind."
        )
    if any(run.budget == "smoke" for run in compared.runs):
        st.caption("**Smoke** only shows that everything fits together: so few users say nothing of quality.")
    if len(reasons := dict.fromkeys(board.why_not[board.uses_history == NOT_SHOWN])):
        st.caption(
            "Uses the history, not shown: the right history cannot be shown to rank better than another user's "
            f"({'; '.join(reasons)}), so what such a line gains may be popularity alone."
        )


def as_cut(compared: Compared) -> None:
    """What the caps left of the text of every line that reads one: a difference may be that of what was cut."""
    for entry_id, left in cuts(compared).items():
        st.markdown(f"**{plain(compared.entry(entry_id).label)}**")
        cut_lines(left)


def every_pair(compared: Compared, pairs: pd.DataFrame, metric: str) -> None:
    tests = f"{len(pairs)} pair{'s' if len(pairs) != 1 else ''}"
    section(
        "Every pair",
        f"Paired over the same instances: interval and randomisation test, corrected for {tests} (Holm). "
        f"Called different below {ALPHA:.0%}. Where both sides have several seeds, or have none to draw, seeds count "
        "as a sample too; otherwise the verdict is on these trainings, not on the designs.",
    )
    if pairs.empty:
        empty_state("One line only. Choose a second trial to compare it with.")
        return
    apart = int((pairs.verdict == DIFFERENT).sum())
    st.markdown(f"**{apart} of {tests} told apart.**")
    if ((pairs.verdict != DIFFERENT) & ((pairs.low > 0) | (pairs.high < 0))).any():
        st.caption(
            "An interval may be clear of zero where the pair is not told apart: it is of this pair alone, and the "
            "verdict is the test's, corrected for all pairs."
        )
    if len(pairs) <= 15:
        chart(figures.differences(pairs, named(metric, compared.mode)), "pairs")
    st.dataframe(
        pairs_table(pairs), key="pairs_table", hide_index=True,
        column_order=["label_a", "label_b", "difference", "p", "verdict", "better", "worse", "on"],
        column_config={
            "label_a": st.column_config.TextColumn("Better", width=230),
            "label_b": st.column_config.TextColumn("Worse", width=230),
            "difference": "Difference [95 %]", "p": st.column_config.TextColumn("p (Holm)", width="small"),
            "verdict": "Verdict", "better": st.column_config.NumberColumn("Users better", width="small"),
            "worse": st.column_config.NumberColumn("Users worse", width="small"), "on": "Verdict on",
        },
    )  # fmt: skip


def who_moved(compared: Compared, best: str, metric: str) -> None:
    """Two entries, user by user; at first the `best` and another."""
    section("Who got better, who got worse")
    labels = {entry.id: entry.label for entry in compared.entries}
    left, right = st.columns(2)
    ids = list(labels)
    with left:
        a = state.choose("Look at", "a", ids, best, format_func=labels.__getitem__)
    with right:
        others = [name for name in ids if name != a]
        b = state.choose("instead of", "b", others, others[0], format_func=labels.__getitem__)
    first, second = compared.entry(a), compared.entry(b)
    table = movers(compared, first, second, metric)
    counts = int((table.change > 0).sum()), int((table.change < 0).sum())
    picture, numbers = st.columns([3, 2], gap="large")
    with picture:
        chart(figures.ranks(table, labels[a], labels[b]), "ranks")
    with numbers, st.container(horizontal=True):
        st.metric("Better", f"{counts[0]:,}")
        st.metric("Worse", f"{counts[1]:,}")
        st.metric("The same", f"{len(table) - sum(counts):,}")
    with numbers:
        st.caption(
            f"By {named(metric, compared.mode)}, seeds averaged. Below the dashed line the target stands higher under "
            f"{plain(labels[a])}."
        )
    for column, gained, title in zip(
        st.columns(2, gap="medium"), (True, False), ("Gains most", "Loses most"), strict=True
    ):
        with column:
            st.markdown(f"**{title}**")
            _movers(movers_table(table, first, second, gained), gained)


def _movers(table: pd.DataFrame, gained: bool) -> None:
    if table.empty:
        empty_state("Nobody.")
        return
    st.dataframe(
        table, key=f"movers_{gained}", hide_index=True, height=min(300, 38 + 35 * len(table)),
        column_order=["link", "rank_a", "rank_b", "change", "target", "cold"],
        column_config={
            "link": st.column_config.LinkColumn("User", display_text=r"user=(.*)$", help="Opens the page Users"),
            "rank_a": st.column_config.NumberColumn("Rank", format="%.4g", width=55),
            "rank_b": st.column_config.NumberColumn("instead of", format="%.4g", width=70),
            "change": st.column_config.NumberColumn("Change", format="%+.3f", width=70),
            "target": st.column_config.TextColumn("Item to predict", width=165),
            "cold": st.column_config.CheckboxColumn("Cold", width="small"),
        },
    )  # fmt: skip
    if len(table) == MOVED:
        st.caption(f"The first {MOVED}; the export has all.")


def by_slice(compared: Compared, metric: str) -> None:
    section("Slices", "Where a line is strong, and for whom it does nothing.")
    with st.container(horizontal=True, vertical_alignment="bottom"):
        by = st.segmented_control(
            "By", list(SLICES), default=state.asked("Slices", "by", SLICES, "history"), required=True, key="slice_by",
            format_func=SLICES.__getitem__,
        )  # fmt: skip
        gain = len(compared.entries) > 1 and st.toggle(
            f"Gain over {plain(compared.entries[0].label)}", key="slice_gain", persist_state="session"
        )
    state.keep("by", by)
    table, what = slices(compared, by, metric)
    chart(figures.sliced(table, what, named(metric, compared.mode), gain), "slices")
    with st.expander("As a table"):
        st.dataframe(table.drop(columns="id"), key="slices_table", hide_index=True)


def over_seeds(compared: Compared, seeds: pd.DataFrame, metric: str) -> None:
    if not any(len(entry.runs) > 1 for entry in compared.entries):
        return
    section("Seeds", "Every training by itself; the spread within a line is luck, not design.")
    table = seeds.rename(columns={"label": "at"}).assign(label="seed " + seeds.seed.astype(str))
    table = table.assign(low=table.value, high=table.value)
    chart(grouped(table, "", named(metric, compared.mode), height=300, lines=False), "seeds")


def learning(compared: Compared) -> None:
    section("Learning curves", "On the instances of the validation, not those of the test.")
    table = curves(compared)
    if table.empty:
        empty_state("None of these trials learns anything.")
        return
    modes = list(dict.fromkeys(table["mode"]))
    if len(modes) > 1:
        st.caption(
            "Trials of different models validate on different candidates, so their curves stand apart: only compare "
            "lines of one picture."
        )
    for mode in modes:
        part = table[table["mode"] == mode]
        left, right = st.columns(2, gap="medium")
        with left:
            chart(figures.learning(part, "ndcg10", f"validation {named('NDCG@10', mode)}"), f"learning_{mode}")
        with right:
            chart(figures.learning(part, "user_dependence", f"user dependence ({mode})"), f"dependence_{mode}")


def designs(compared: Compared, board: pd.DataFrame, metric: str) -> None:
    section("Texts beside results", "The indicators of every text that is read, measured before any training.")
    found = indicators(compared)  # kept by themselves, and more of them may have been measured since
    if not found:
        empty_state("None of these trials reads item texts.")
        return
    table = indicators_table(compared, board, found, metric)
    missing = [INDICATORS[name][0].lower() for name in INDICATORS if table[name].isna().any()]
    config = {
        name: st.column_config.NumberColumn(title, help=unit, format="percent" if "share" in unit else "%.3g", width=95)
        for name, (title, unit) in INDICATORS.items()
    }
    config |= {
        "label": st.column_config.TextColumn("Trial", width=250),
        "value": st.column_config.NumberColumn(named(metric, compared.mode), format="%.3f", width=130),
        "dependence": st.column_config.NumberColumn("User dependence", format="%+.3f", width=95),
    }
    st.dataframe(table.dropna(axis=1, how="all"), key="designs_table", hide_index=True, column_config=config)
    if missing:
        st.caption(
            f"Not measured yet, or not of every trial: {', '.join(missing)}. The page Indicators measures them with "
            "the language model."
        )


def costs(compared: Compared) -> None:
    section("Cost")
    table = cost_table(cost(compared))
    table["time"] = table.seconds.map(duration)
    table["parameters"] = [f"{value:,.0f}" if value == value else "not stored" for value in table.parameters]
    table["memory"] = [f"{value:,.0f} MiB" if value == value else "not recorded" for value in table.peak_mib]
    st.dataframe(
        table, key="cost_table", hide_index=True,
        column_order=["label", "runs", "time", "memory", "parameters", "instances"],
        column_config={
            "label": st.column_config.TextColumn("Trial", width=330), "runs": "Trainings",
            "time": st.column_config.TextColumn("Time", help="Training and evaluation, mean over seeds"),
            "memory": st.column_config.TextColumn("Peak memory", help="Of the whole process"),
            "parameters": "Parameters", "instances": "Instances evaluated",
        },
    )  # fmt: skip
    if table.resumed.any():
        st.caption("A trial that was resumed counts its last start alone.")


def take_away(compared: Compared, metric: str) -> None:
    section("Take it away")
    command = f"upsr compare {' '.join(run.id for run in compared.runs)} --metric {metric}"
    st.code(command, language="bash")
    st.caption(
        "The address of this page opens this very view. The folder has the figure (a page with buttons for PNG and "
        "SVG, and both as files where this machine has a Chromium), tables, specifications, versions, and the command "
        "that makes it again, trainings and all."
    )
    key = f"export_{[run.id for run in compared.runs]}_{metric}"
    if st.session_state.get("export_key") != key:
        if not st.button("Pack the folder", key="pack", icon=":material/folder_zip:"):
            return
        with st.spinner("Packing…"):
            st.session_state["export_bytes"], st.session_state["export_key"] = _packed(compared, metric), key
    st.download_button(
        "Download", st.session_state["export_bytes"], f"{_name(compared)}.zip", "application/zip", key="download",
        type="primary", icon=":material/download:", on_click="ignore",
    )  # fmt: skip


def _name(compared: Compared) -> str:
    name = compared.first.spec.dataset.name.replace(":", "-")
    return f"comparison-{name}-{len(compared.runs)}-runs"


def _packed(compared: Compared, metric: str) -> bytes:
    folder = Path(tempfile.mkdtemp(prefix="upsr-export-"))
    try:
        return zipped(export(compared, folder / _name(compared), metric)).read_bytes()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
