"""Paper: every table and figure of the paper on one's own data, beside the paper's own values."""

import streamlit as st

from app import cache, paper_view, state
from app.allowed_paths import allowed_model
from app.components import empty_state, errors_shown, page_head
from upsr_core.paper import background
from upsr_core.paper.experiment import SCALES
from upsr_core.paper.registry import EXPERIMENTS
from upsr_core.paper.runner import study, usual_domains
from upsr_core.training.recipes import PAPER, RECIPES


def several(label: str, name: str, at_first: list[str], placeholder: str) -> list[str]:
    """Stored datasets; the choice stays over pages and stands in the address under `name`."""
    stored = [entry["name"] for entry in cache.datasets() if not entry["problem"]]
    key = f"paper_{name}"
    if key not in st.session_state:
        st.session_state[key] = state.asked_all(label, name, stored) or at_first
    chosen = st.multiselect(label, stored, key=key, persist_state="session", placeholder=placeholder)
    st.query_params[name] = chosen
    return chosen


def choose_domains(name: str, datasets: list[str]) -> list[str]:
    needed = EXPERIMENTS[name].pretrains == "must"
    at_first = list(usual_domains(name, datasets))
    return several("Pre-train on", "after", at_first, "domains learned first" + (", at least one" if needed else ""))


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
    here = st.session_state.get("dataset_choice") or state.FIRST_DATASET
    chosen = several("Datasets", "on", [here], "stored datasets")
with right:
    plm = state.choose_plm()
    if EXPERIMENTS[name].plms > 1:
        second = st.text_input(
            "Second language model", key="second_plm", placeholder="none", help="FLAN-T5 beside T5, or a larger one: a "
            "folder or a hub id.",
        ).strip()  # fmt: skip
        plm += f",{allowed_model(second)}" if second else ""
first = choose_domains(name, chosen) if EXPERIMENTS[name].pretrains != "no" else []
with st.container(horizontal=True):
    scale = st.segmented_control(
        "Scale", list(SCALES), default=state.asked("Scale", "scale", SCALES, "quick"), required=True, key="scale",
        format_func=lambda key: SCALES[key].title,
    )  # fmt: skip
    recipe = st.segmented_control(
        "Recipe of UPSR's trainings", list(RECIPES), default=state.asked("Recipe", "recipe", RECIPES, PAPER),
        required=True, key="paper_recipe", format_func=lambda key: RECIPES[key].title,
    )  # fmt: skip
st.caption(f"{SCALES[scale].description} {RECIPES[recipe].description}")
state.keep("scale", scale)
state.keep("recipe", recipe)
if not chosen:
    empty_state("Choose at least one dataset above.")
    st.stop()
if EXPERIMENTS[name].pretrains == "must" and not first:
    empty_state("This experiment learns other domains first: choose at least one under Pre-train on.")
    st.stop()
with errors_shown():
    this = study(name, tuple(chosen), scale, plm, tuple(first), recipe)
    working = background.working(this)
    paper_view.progress(this, working)
    made = None if working else this.outcome()
    if made:
        paper_view.outcome(this, made)
    elif not working:
        paper_view.nothing_yet(this)
