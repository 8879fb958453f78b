"""The guided tour for a first visit: five steps on the embedded sample, each on a page of its own."""

from pathlib import Path

import streamlit as st

from upsr_core.runs.run import list_runs

PAGES = Path(__file__).resolve().parent.parent / "pages"
STEPS = (
    ("data", "Data", "Below: what came in, what preparation dropped, what is left. Search the items for a word."),
    ("item_text", "Item text", "Move title to the front, drop price: every item's tokens change as you do."),
    ("prompts", "Prompts", "One user's history, exactly as the language model will read it, and what falls off."),
    ("trials", "Trials", "Start a First look: two to four minutes. It goes on when you leave the page."),
    ("users", "Users", "Open a user of the finished trial, and Why A above B. Then a second design, and Compare."),
)


def tour() -> None:
    """The five steps; open until there is a trial, folded afterwards."""
    begun = bool(list_runs())
    own = bool(st.session_state.get("imported"))
    with st.expander("New here? Five steps on the sample", icon=":material/route:", expanded=not (begun or own)):
        for number, (column, (page, title, what)) in enumerate(zip(st.columns(5), STEPS, strict=True), start=1):
            with column:
                st.page_link(PAGES / f"{page}.py", label=f"{number}. {title}")
                st.caption(what)
        st.caption("Your own data: choose **Import** above; the five steps are the same.")
