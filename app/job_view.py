"""A job on the screen: its state, cancel and go on, and what it says where it did not finish."""

from collections.abc import Callable
from typing import Literal

import streamlit as st

from app.components import act, plain
from upsr_core.runs import queue
from upsr_core.runs.status import Job, Status

Colour = Literal["red", "orange", "blue", "green"]
COLOURS: dict[str, Colour] = {
    "done": "green",
    "cancelled": "orange",
    "cancelling": "orange",
    "failed": "red",
    "died": "red",
    "damaged": "red",
}
RESUMABLE = ("cancelled", "failed", "died", "damaged", "new")


def job_state(
    job: Job,
    status: Status,
    about: str,
    line: str,
    key: str = "",
    resume: str = "Resume",
    beside: Callable[[], None] = lambda: None,
) -> None:
    """State, buttons, and the progress with `line` or the reason of an end; `beside` draws further buttons.

    `key` ends the keys of the buttons, where several jobs share a page.
    """
    with st.container(horizontal=True, vertical_alignment="center"):
        st.badge(status.state, color=COLOURS.get(status.state, "blue"))
        st.caption(about)
        if status.active:
            st.button(
                "Cancel", key=f"cancel{key}", icon=":material/stop:", disabled=status.state == "cancelling",
                on_click=act, args=(queue.cancel, job),
            )  # fmt: skip
        if status.state in RESUMABLE:
            st.button(resume, key=f"resume{key}", icon=":material/play_arrow:", on_click=act, args=(queue.resume, job))
        beside()
    if status.active:
        st.progress(min(1.0, status.step / status.total) if status.total else 0.0, text=line)
    elif status.state != "done" and status.message:
        box = st.info if status.state == "cancelled" else st.error
        box(plain(status.message))
