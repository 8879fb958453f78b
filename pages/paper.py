"""Paper: every table and figure of the paper on one's own data, beside the paper's own values."""

import streamlit as st

from app import cache, paper_view, state
from app.components import empty_state, errors_shown, page_head
from upsr_core.experiments.paper import launch
from upsr_core.experiments.paper.base import SCALES
from upsr_core.experiments.paper.registry import EXPERIMENTS
from upsr_core.experiments.paper.runner import study

page_head(
    "Paper", "The paper's tables and figures on your own data, at a scale you choose, with its values beside yours."
)
left, middle, right = st.columns([4, 4, 3])
with left:
    name = state.choose(
        "Experiment", "experiment", list(EXPERIMENTS), "table5", format_func=lambda key: EXPERIMENTS[key].title
    )
    st.caption(EXPERIMENTS[name].question)
with middle:
    names = [entry["name"] for entry in cache.datasets() if not entry["problem"]]
    if "paper_datasets" not in st.session_state:
        wanted = [each for each in st.query_params.get_all("on") if each in names]
        st.session_state["paper_datasets"] = wanted or [state.FIRST_DATASET]
    chosen = st.multiselect("Datasets", names, key="paper_datasets", persist_state="session")
    st.query_params["on"] = chosen
with right:
    plm = state.choose_plm()
wanted = st.query_params.get("scale")
scale = st.segmented_control(
    "Scale", list(SCALES), default=wanted if wanted in SCALES else "quick", required=True, key="scale",
    format_func=lambda key: SCALES[key].title,
)  # fmt: skip
st.caption(SCALES[scale].description)
state.keep("scale", scale)
if not chosen:
    empty_state("Choose at least one dataset above.")
    st.stop()
with errors_shown():
    this = study(name, tuple(chosen), scale, plm)
    working = launch.working(this)
    paper_view.progress(this, working)
    made = None if working else this.outcome()
    if made:
        paper_view.outcome(this, made)
    elif not working:
        paper_view.nothing_yet(this)
