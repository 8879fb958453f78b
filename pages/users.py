"""Users: one user's history, the item to predict, how runs rank the candidates, and why."""

from pathlib import Path

import numpy as np
import pandas as pd
import streamlit as st

from app import cache, run_charts, state
from app.components import chart, empty_state, errors_shown, page_head, plain, section
from app.counterfactual_view import what_if
from app.explain_view import pair_of_address, why
from app.model_agreement_view import sides
from app.short_texts import visible
from app.user_choice import choose_user
from app.user_list import find_users
from upsr_core.datasets.store import Dataset
from upsr_core.runs.run import Run, list_runs

MOST = 3
ROWS_SHOWN = 200
BEST = 10
LONGEST = 500  # characters of a text in a table
VIEWS = {"ranking": "Ranking", "why": "Why A above B", "what-if": "What if", "sides": "Side by side"}


def choose_runs(done: list[Run]) -> list[Run]:
    """Up to three finished runs of one dataset; the choice stands in the address."""
    titles = {run.id: run.title for run in done}
    if "runs_choice" not in st.session_state:
        wanted = st.query_params.get("runs", st.session_state.get("run_choice") or "").split(",")
        missing = [run_id for run_id in wanted if run_id and run_id not in titles]
        if missing and "runs" in st.query_params:
            state.not_here("Trials", missing)
        st.session_state["runs_choice"] = [run_id for run_id in wanted if run_id in titles][:MOST] or [
            state.of_dataset_first(done)[0].id
        ]
    st.session_state["runs_choice"] = [run_id for run_id in st.session_state["runs_choice"] if run_id in titles]
    chosen = st.multiselect(
        "Trials", list(titles), key="runs_choice", persist_state="session", max_selections=MOST,
        format_func=lambda run_id: titles[run_id], placeholder="up to three finished trials",
    )  # fmt: skip
    state.keep("runs", ",".join(chosen) or None)
    runs = [run for run_id in chosen for run in done if run.id == run_id]
    same = [run for run in runs if run.spec.dataset == runs[0].spec.dataset]
    if len(same) < len(runs):
        others = ", ".join(plain(run.spec.dataset.name) for run in runs if run not in same)
        st.warning(f"Only trials of one dataset can stand side by side; left out here: those of {others}.")
    return same


def history(data: Dataset, end: int, user: int, target: int) -> None:
    events = data.history(user)[:end]
    left, right = st.columns([3, 2], gap="large")
    with left:
        section(f"History, {len(events)} items", "The newest last.")
        shown = data.items.iloc[events]
        names = [name for name in ("title", "category", "brand") if name in shown]
        table = shown[[*names, "item_id"]].map(visible, most=LONGEST)
        table.insert(0, "place", np.arange(1, len(events) + 1))
        config = {
            "place": st.column_config.NumberColumn("Place", width=55),
            "title": st.column_config.TextColumn(width=250),
        }
        st.dataframe(table, hide_index=True, column_config=config, height=min(320, 40 + 35 * len(events)))
    with right:
        section("Item to predict", "What the user took next; no prompt contains it.")
        item = data.items.iloc[target]
        with st.container(border=True):
            st.markdown(f"**{plain(visible(item.get('title', '') or item.item_id, 200))}**")
            for name in data.attributes:
                if name != "title" and item[name]:
                    st.markdown(f":gray[{plain(name)}]  {plain(visible(item[name], 200))}")
            st.caption(plain(item.item_id))


def tint(row: pd.Series) -> list[str]:
    """The target's row stands out, in light and dark themes."""
    return ["background-color: rgba(213,94,0,0.22)" if row.target else ""] * len(row)


def ranking(run: Run, user: int, score: str, alone: bool) -> None:
    own = run.spec.kind.scores
    score = score if score in (*own, "popularity") else run.spec.model.own_score
    table = cache.ranked_candidates(run, user, score)
    target = table[table.target].iloc[0]
    tied = int((table.score == target.score).sum()) - 1
    st.markdown(f"**{plain(run.title)}**")
    with st.container(horizontal=True):
        st.metric("Rank of the target", f"{target['rank']:g} of {target.of:,}")
        if "perplexity" in table:
            st.metric("Perplexity of the target", f"{target.perplexity:.1f}")
        else:
            st.metric(f"{score.capitalize()} of the target", f"{target.score:.3f}")
        st.metric("Tied with the target", f"{tied}", help="Candidates with the very same score; ranks are their mean.")
    shown = table[(table.index < ROWS_SHOWN) | table.target].copy()
    shown.insert(0, "mark", np.where(shown.target, "◆", ""))
    shown["text"] = [visible(text, LONGEST) for text in shown.text]
    columns = [name for name in (*own, "popularity", "tokens", "identical") if name in table]
    st.dataframe(
        shown.style.apply(tint, axis=1),
        hide_index=True,
        height=430,
        column_order=["mark", "rank", "text", *columns, "item_id"],
        column_config={
            "mark": st.column_config.TextColumn("", width=30, help="The target"),
            "rank": st.column_config.NumberColumn("Rank", format="%g", width=55),
            "text": st.column_config.TextColumn("Item text", width=560 if alone else 240),
            "perplexity": st.column_config.NumberColumn("Perplexity", format="%.1f", help="Lower is better"),
            "conditional": st.column_config.NumberColumn(
                "Conditional", format="%.3f", help="Gain of the history in nats per token; higher is better"
            ),
            "posterior": st.column_config.NumberColumn(
                "Posterior", format="%.3f", help="The conditional score with how popular the item is; higher is better"
            ),
            "score": st.column_config.NumberColumn("Score", format="%.3f", help="Higher is better"),
            "popularity": st.column_config.NumberColumn("Popularity", width="small", help="Training interactions"),
            "tokens": st.column_config.NumberColumn("Tokens", width="small"),
            "identical": st.column_config.CheckboxColumn("Identical", help="Shares its text with another candidate"),
            "item_id": "Item",
        },
    )  # fmt: skip
    if len(shown) < target.of:
        st.caption(f"{len(shown):,} of {target.of:,} candidates: the best, and the target.")
    chart(run_charts.score_popularity(table, score), f"scores_{run.id}")


def best_of_catalogue(run: Run, user: int, alone: bool) -> None:
    table, note = cache.best_of_catalogue(run, user, BEST)
    table.insert(0, "mark", np.where(table.target, "◆", ""))
    table["text"] = [visible(text, LONGEST) for text in table.text]
    likelihood = [] if table.perplexity.isna().all() else ["perplexity"]
    st.dataframe(
        table.style.apply(tint, axis=1),
        hide_index=True,
        column_order=["mark", "rank", "text", "score", *likelihood, "item_id"],
        column_config={
            "mark": st.column_config.TextColumn("", width=30, help="The target"),
            "rank": st.column_config.NumberColumn("Rank", width=55),
            "text": st.column_config.TextColumn("Item text", width=560 if alone else 240),
            "score": st.column_config.NumberColumn(
                "Score", format="%.3f", help=run_charts.AXES.get(run.spec.model.own_score)
            ),
            "perplexity": st.column_config.NumberColumn("Perplexity", format="%.2f", help="Lower is better"),
            "item_id": "Item",
        },
    )
    st.caption(note if table.target.any() else f"{note} The target is not among the best {BEST}.")


def rankings(runs: list[Run], user: int) -> None:
    names = [*dict.fromkeys(name for run in runs for name in run.spec.kind.scores), "popularity"]
    section("Ranked candidates")
    score = st.segmented_control(
        "Rank by",
        names,
        default=runs[0].spec.model.own_score,
        required=True,
        key="rank_by",
        help="A trial that has no such score is ranked by its own.",
    )
    for column, run in zip(st.columns(len(runs), gap="medium"), runs, strict=True):
        with column:
            ranking(run, user, score or run.spec.model.own_score, alone=len(runs) == 1)
    if st.toggle(
        f"The best {BEST} of the whole catalogue", key="whole_catalogue", persist_state="session",
        help="Exact, without the items of the history, by each trial's own score. Loads the trained model.",
    ):  # fmt: skip
        for column, run in zip(st.columns(len(runs), gap="medium"), runs, strict=True):
            with column:
                st.markdown(f"**{plain(run.title)}**")
                best_of_catalogue(run, user, alone=len(runs) == 1)


def one_of(runs: list[Run]) -> Run:
    """The trial that is explained or questioned."""
    if len(runs) == 1:
        state.keep("why", None)
        return runs[0]
    titles = {run.id: run.title for run in runs}
    chosen = state.choose("Trial explained", "why", list(titles), format_func=titles.__getitem__)
    return next(run for run in runs if run.id == chosen)


page_head("Users", "Open one user: what came before, what came next, and where each trial ranks it and why.")
done = [run for run in list_runs() if run.status().state == "done"]
if not done:
    empty_state("No finished trial yet. Start one on the page Trials; its evaluated users can be opened here.")
    st.page_link(Path(__file__).with_name("trials.py"), label="Go to Trials", icon=":material/science:")
    st.stop()
runs = choose_runs(done)
if not runs:
    empty_state("Choose at least one trial above.")
    st.stop()
data = cache.dataset(runs[0].spec.dataset.name)
table = find_users(runs, data)
if table.empty:
    empty_state("No user is left. Choose another order, fewer filters, or trials that evaluated users in common.")
    st.stop()
user = choose_user(data.users, table.user.to_numpy())
instance = table.set_index("user").loc[user]
pair_of_address(runs[0], user)
if "view" not in st.session_state:
    st.session_state["view"] = state.asked("View", "view", VIEWS, "ranking")
view = st.segmented_control(
    "View", list(VIEWS), required=True, key="view", persist_state="session", format_func=VIEWS.__getitem__,
    label_visibility="collapsed",
)  # fmt: skip
state.keep("view", view if view != "ranking" else None)
if view != "why":
    state.keep("a", None)
    state.keep("b", None)
with errors_shown():
    if view == "ranking":
        history(data, int(instance["items"]), user, int(instance.target))
        rankings(runs, user)
    else:
        with st.expander("History and item to predict", icon=":material/history:"):
            history(data, int(instance["items"]), user, int(instance.target))
    if view == "sides":
        sides(runs, user)
    elif view == "why":
        why(one_of(runs), user, str(data.users[user]))
    elif view == "what-if":
        what_if(one_of(runs), data, user)
