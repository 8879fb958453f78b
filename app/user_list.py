"""Finding the user worth looking at: an order with a reason, filters, and the list itself."""

import numpy as np
import pandas as pd
import streamlit as st

from app import cache
from upsr_core.comparison.entries import why_not
from upsr_core.datasets.store import Dataset
from upsr_core.explain.item_search import users_with
from upsr_core.explain.users_to_inspect import ORDERS, in_order
from upsr_core.runs.run import Run

LISTED = 200


def find_users(runs: list[Run], data: Dataset) -> pd.DataFrame:
    """The users that all runs evaluated, filtered and in the chosen order, see `users_worth_looking_at`.

    Gains and losses are those of the first run over the second.
    """
    table = cache.users_worth_looking_at(runs[0], runs[1] if len(runs) > 1 else None)
    for run in runs[2:]:
        table = table[table.user.isin(cache.users_worth_looking_at(run, None).user)]
    pair = len(runs) > 1 and not why_not(runs[0], runs[1])  # a rank among others than the second's is no gain over it
    orders = [name for name, order in ORDERS.items() if pair or not order.pair]
    if st.session_state.get("user_order") not in orders:
        st.session_state["user_order"] = orders[0]
    order = st.segmented_control(
        "Users", orders, required=True, key="user_order", format_func=lambda name: ORDERS[name].title,
        help="; ".join(f"{ORDERS[name].title}: {ORDERS[name].note}" for name in orders),
        on_change=lambda: st.session_state.update(user_id=""),  # a new order begins at its first user
    )  # fmt: skip
    with st.expander("Filter and list", icon=":material/filter_list:"):
        table = in_order(filtered(table, data), order or orders[0])
        listing(table, pair)
    return table


def filtered(table: pd.DataFrame, data: Dataset) -> pd.DataFrame:
    with st.container(horizontal=True, vertical_alignment="bottom"):
        words = st.text_input(
            "With an item about", key="user_words", icon=":material/search:", width=280,
            placeholder="in the history or as the target", help="Full-text search over all attributes of all items.",
        )  # fmt: skip
        if len(table) and table["items"].min() < table["items"].max():
            low, high = int(table["items"].min()), int(table["items"].max())
            held = st.session_state.get("user_lengths")
            if held and not (low <= held[0] and held[1] <= high):
                del st.session_state["user_lengths"]
            first, last = st.slider("Items in the history", low, high, (low, high), key="user_lengths", width=280)
            table = table[table["items"].between(first, last)]
        if st.checkbox("Only cold targets", key="user_cold", help="Targets that are in no training event."):
            table = table[table.cold]
    if words.strip():
        items = cache.item_index(data).find(words)
        histories = [data.history(user)[:end] for user, end in zip(table.user, table["items"], strict=True)]
        table = table[users_with(histories, items) | table.target.isin(items).to_numpy()]
        st.caption(f"{len(items):,} items match; {len(table):,} users have one of them.")
    return table


def listing(table: pd.DataFrame, pair: bool) -> None:
    """The first users as a table; one row can be opened."""
    columns = ["user_id", "rank", *(["other_rank", "gain"] if pair else []), "ties", "margin", "items", "cold"]
    shown = table[columns].head(LISTED).replace(np.inf, np.nan)
    event = st.dataframe(
        shown,
        key="users_table",
        hide_index=True,
        height=min(300, 40 + 35 * max(1, len(shown))),
        on_select="rerun",
        selection_mode="single-row",
        column_config={
            "user_id": st.column_config.TextColumn("User", width=180),
            "rank": st.column_config.NumberColumn("Rank", format="%g", help="Of the target, first trial"),
            "other_rank": st.column_config.NumberColumn("Rank, second", format="%g"),
            "gain": st.column_config.NumberColumn("Gain", format="%+.3f", help="In reciprocal rank, first over second"),
            "ties": st.column_config.NumberColumn("Ties", help="Candidates with the very score of the target"),
            "margin": st.column_config.NumberColumn("Margin", format="%.4f", help="Score apart from the nearest other"),
            "items": st.column_config.NumberColumn("History", help="Items"),
            "cold": st.column_config.CheckboxColumn("Cold", help="The target is in no training event"),
        },
    )
    if len(table) > LISTED:
        st.caption(f"The first {LISTED} of {len(table):,} users.")
    picked = event.selection.rows
    # A click counts once: afterwards the buttons may go on to another user.
    if picked and st.session_state.get("picked_user") != (picked[0], str(shown.user_id.iloc[picked[0]])):
        st.session_state["user_id"] = str(shown.user_id.iloc[picked[0]])
        st.session_state["picked_user"] = (picked[0], st.session_state["user_id"])
    if not picked:
        st.session_state.pop("picked_user", None)
