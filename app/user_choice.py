"""Choosing one user: step, random, or search by id. The choice stands in the address and stays over pages."""

import numpy as np
import pandas as pd
import streamlit as st

from app import state
from app.components import plain
from upsr_core.errors import DataError


def choose_user(users: pd.Series, pool: np.ndarray) -> int:
    """The chosen user's index. `users` are all user ids, `pool` (n,) the indices to choose from, in display order."""
    ids = users.to_numpy()
    wanted = st.session_state.get("user_id", st.query_params.get("user"))
    places = np.flatnonzero(ids[pool] == wanted)
    place = int(places[0]) if len(places) else 0
    if wanted and not len(places) and "user_id" not in st.session_state:
        state.not_here("User", [wanted])
    with st.container(horizontal=True, vertical_alignment="bottom"):
        for label, icon, target in (
            ("Previous", ":material/chevron_left:", max(place - 1, 0)),
            ("Next", ":material/chevron_right:", min(place + 1, len(pool) - 1)),
        ):
            st.button(
                label, icon=icon, key=f"user_{label.lower()}", disabled=target == place,
                on_click=_take, args=(str(ids[pool[target]]),),
            )  # fmt: skip
        st.button("Random", icon=":material/casino:", key="user_random", on_click=_take_random, args=(ids, pool))
        st.text_input(
            "User id", key="user_search", icon=":material/search:", placeholder="id or its beginning", width=240,
            on_change=_search, args=(ids, pool),
        )  # fmt: skip
        chosen = str(ids[pool[place]])
        st.markdown(f"User **{plain(chosen)}**, {place + 1:,} of {len(pool):,}")
    st.session_state["user_id"] = chosen
    state.keep("user", chosen)
    return int(pool[place])


def _take(user_id: str) -> None:
    st.session_state["user_id"] = user_id
    st.session_state["user_search"] = ""


def _take_random(ids: np.ndarray, pool: np.ndarray) -> None:
    _take(str(ids[np.random.default_rng().choice(pool)]))


def _search(ids: np.ndarray, pool: np.ndarray) -> None:
    words = st.session_state["user_search"].strip()
    if not words:
        return
    found = [user_id for user_id in ids[pool] if str(user_id).startswith(words)]
    exact = [user_id for user_id in found if user_id == words]
    if found:
        st.session_state["user_id"] = str((exact or found)[0])
    else:
        error = DataError(
            f"No user here has an id that begins with {words!r}",
            f"{len(pool):,} users, such as {ids[pool[0]]}",
            "Type the beginning of an id, upper and lower case as stored.",
        )
        st.session_state.setdefault("notices", []).append(error)
