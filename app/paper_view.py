"""The sections of the page Paper: cells that fill, and what an experiment leaves."""

from typing import Any
from urllib.parse import urlencode

import pandas as pd
import streamlit as st

from app.components import act, chart, duration, empty_state, plain, section
from upsr_core.comparison.export import zipped
from upsr_core.evaluation.verdicts import interval_text
from upsr_core.paper import background
from upsr_core.paper.experiment import Outcome
from upsr_core.paper.runner import PaperRun

BROKEN = ("failed", "died", "damaged")
MARKS = {"done": "✓", "failed": "✗", "died": "✗", "damaged": "✗", "new": "·", "cancelled": "⏸"}


def cells_table(states: pd.DataFrame) -> pd.DataFrame:
    """One row per dataset and seed, one column per column of the paper's table; each cell says its state."""
    words = [
        f"{MARKS.get(row.state, '▶')} {'waiting' if row.state == 'new' else row.state}"
        + (f", {row.message.lower()} {row.share:.0%}" if row.state == "running" else "")
        for row in states.itertuples()
    ]
    index = ["dataset", "seed"] if states["mode"].nunique() < 2 else ["dataset", "mode", "seed"]
    table = states.assign(words=words).pivot(index=index, columns="column", values="words")
    return table[list(dict.fromkeys(states.column))].reset_index()


def progress(paper_run: PaperRun, was_working: bool) -> None:
    """The cells of the grid, drawn every two seconds while they fill, and the whole page once at the end."""

    @st.fragment(run_every="2s" if was_working else None)
    def draw() -> None:
        working = background.working(paper_run)
        if working != was_working:  # its start is a click in here, its end comes from outside
            st.rerun(scope="app")
        states = paper_run.states()
        _buttons(paper_run, states, working)
        if len(states):
            config: dict[str, Any] = {
                "dataset": "Dataset",
                "mode": "Candidates",
                "seed": st.column_config.NumberColumn("Seed", width="small"),
            }
            st.dataframe(cells_table(states), key="cells", hide_index=True, column_config=config)
        for row in states[states.state.isin(BROKEN)].itertuples():
            st.error(f"**{plain(row.column)}** on {plain(row.dataset)}, seed {row.seed}: {plain(row.message)}")

    draw()


def _buttons(paper_run: PaperRun, states: pd.DataFrame, working: bool) -> None:
    done = int((states.state == "done").sum())
    with st.container(horizontal=True, vertical_alignment="center"):
        if working:
            st.button(
                "Cancel", key="cancel_study", icon=":material/stop:", on_click=act, args=(background.cancel, paper_run)
            )
            st.markdown(f"Working: {done} of {len(states)} runs done." if len(states) else "Working…")
            return
        finished = paper_run.outcome() is not None
        broken = states.state.isin(BROKEN).any()
        label = (
            "Try again" if broken else "Go on" if done and not finished else "Make it again" if finished else "Start"
        )
        st.button(
            label, key="start_study", type="secondary" if finished else "primary", icon=":material/play_arrow:",
            on_click=act, args=(background.start, paper_run),
            help="Runs that are done are kept; only what is missing is worked on.",
        )  # fmt: skip
        if not finished:
            _forecast(paper_run)
            said = background.last_words(paper_run)
            if said and not broken and (paper_run.folder / background.PROCESS).exists():
                st.caption(f"Last said: {plain(said)}")


def _forecast(paper_run: PaperRun) -> None:
    with st.spinner("Predicting the time…"):
        found = paper_run.forecast()
    if not found.cells:
        st.caption("No runs: it is measured on the data directly.")
        return
    memory = f"{found.memory_mib:,.0f} MiB of memory" if found.memory_mib else "memory unknown until a first run"
    st.markdown(f"{found.to_do} of {found.cells} runs to do: **{duration(found.seconds)}**, {memory}")


def outcome(paper_run: PaperRun, made: Outcome) -> None:
    section("Result", paper_run.experiment.question)
    chart(made.figure, "paper_figure")
    section("Beside the paper" if paper_run.experiment.paper else "Values")
    st.dataframe(
        shown(made.beside), key="beside", hide_index=True, height="content",
        column_config={"dataset": "Dataset", "row": "Row"},
    )  # fmt: skip
    for note in made.notes:
        st.caption(plain(note))
    if len(made.claims):
        section("Claims, and what is found here", "Differences in percentage points, paired over users.")
        table = made.claims.assign(difference=[
            interval_text(row.difference, row.low, row.high, row.why, "+.2f") for row in made.claims.itertuples()
        ])  # fmt: skip
        st.dataframe(
            table, key="claims", hide_index=True,
            column_order=["dataset", "claim", "verdict", "difference", "p", "on", "paper"],
            column_config={
                "dataset": "Dataset", "claim": st.column_config.TextColumn("Claim", width=330), "verdict": "Here",
                "difference": "Difference [95 %]", "on": "Verdict on", "paper": "Found by the paper on",
                "p": st.column_config.NumberColumn("p (Holm)", format="%.3f"),
            },
        )  # fmt: skip
    take_away(paper_run)


def shown(table: pd.DataFrame) -> pd.DataFrame:
    """Numbers as the paper prints them, – where there is none; a column of counts has no decimals."""

    def words(column: pd.Series) -> list[str]:
        numbers = [value for value in column if isinstance(value, (int, float)) and value == value]
        form = ",.0f" if all(value == int(value) for value in numbers) else ",.2f"
        return [
            value if isinstance(value, str) else "–" if value is None or value != value else f"{value:{form}}"
            for value in column
        ]

    return pd.DataFrame({name: words(table[name]) for name in table})


def take_away(paper_run: PaperRun) -> None:
    section("Take it away")
    st.code(paper_run.spec.command, language="bash")
    states = paper_run.states()
    with st.container(horizontal=True):
        if len(states):
            one = states[states.dataset == states.dataset.iloc[0]]
            address = "compare?" + urlencode([("run", run) for run in one.run])
            st.link_button("Compare its runs", address, icon=":material/compare_arrows:")
        st.download_button(
            "Download the folder", lambda: zipped(paper_run.folder).read_bytes(), f"{paper_run.spec.name}.zip",
            "application/zip", key="download_study", icon=":material/download:", on_click="ignore",
        )  # fmt: skip
    st.caption("Figure, tables, specifications, versions, and this command. The address opens this very view.")


def nothing_yet(paper_run: PaperRun) -> None:
    runs = "cells fill as runs finish, and it goes on when you leave" if paper_run.cells() else "it takes a moment"
    empty_state(f"Not made yet. Start it: {runs}.")
