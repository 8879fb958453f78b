"""Compare: trials beside each other on the same users and candidates, with statistics that stand up."""

from pathlib import Path

import streamlit as st

from app import cache, compare_view, state
from app.components import empty_state, errors_shown, page_head, plain
from upsr_core.comparison.compare import leaderboard, pairs, seeds
from upsr_core.comparison.entries import comparable
from upsr_core.evaluation.metrics import METRICS
from upsr_core.runs.run import Run, list_runs

MOST_AT_FIRST = 6


def choose(done: list[Run]) -> list[Run]:
    """The chosen finished trials; the choice stands in the address, one `run` each."""
    titles = {run.id: run.title for run in done}
    if "compare_choice" not in st.session_state:
        wanted = state.asked_all("Trials", "run", titles)
        here = state.of_dataset_first(done)
        st.session_state["compare_choice"] = wanted or [run.id for run in comparable(here)[0][:MOST_AT_FIRST]]
    st.session_state["compare_choice"] = [name for name in st.session_state["compare_choice"] if name in titles]
    chosen = st.multiselect(
        "Trials", list(titles), key="compare_choice", persist_state="session", format_func=titles.__getitem__,
        placeholder="finished trials; the first one says what can be compared with it",
    )  # fmt: skip
    if chosen != st.query_params.get_all("run"):
        st.query_params["run"] = chosen
    return [next(run for run in done if run.id == name) for name in chosen]


page_head(
    "Compare", "Trials on the same users and candidates: which is better, for whom, how surely, and at what cost."
)
done = [run for run in list_runs() if run.status().state == "done"]
if not done:
    empty_state("No finished trial yet. Start two on the page Trials; they can be compared here.")
    st.page_link(Path(__file__).with_name("trials.py"), label="Go to Trials", icon=":material/science:")
    st.stop()
runs = choose(done)
if not runs:
    empty_state("Choose at least one trial above.")
    st.stop()
metric = st.segmented_control(
    "Metric", METRICS, default=state.asked("Metric", "metric", METRICS, "NDCG@10"), required=True, key="compare_metric",
    help="Pairs are tested by this one. With one target HR@k is Recall@k, and NDCG@1 is HR@1.",
)  # fmt: skip
state.keep("metric", metric)
kept, refused = comparable(runs)
titles = {run.id: run.title for run in runs}
for run_id, reason in refused.items():
    st.warning(f"**{plain(titles[run_id])}** cannot be compared with the first trial: {plain(reason)}.")
with errors_shown():
    compared = cache.compared(kept)
    board = cache.comparison_part(compared, "board", metric, lambda: leaderboard(compared, metric))
    tested = cache.comparison_part(compared, "pairs", metric, lambda: pairs(compared, metric))
    compare_view.leaderboard(compared, board, metric, len(runs))
    compare_view.as_cut(compared)
    compare_view.every_pair(compared, tested, metric)
    if len(compared.entries) > 1:
        compare_view.who_moved(compared, board[~board.reference].id.iloc[0], metric)
    compare_view.by_slice(compared, metric)
    compare_view.over_seeds(compared, seeds(compared, metric), metric)
    compare_view.learning(compared)
    compare_view.designs(compared, board, metric)
    compare_view.costs(compared)
    compare_view.take_away(compared, metric)
