"""Trials: start a small training of a design, watch it, and read what it learned - and whether it uses the history."""

from typing import Any

import streamlit as st

from app import cache, state
from app.components import act, cut_lines, duration, empty_state, errors_shown, page_head, plain, section
from app.plm_quality import plm_quality
from app.run_tables import health_table, progress_line, runs_table
from app.run_view import show_run
from upsr_core.datasets.store import Dataset
from upsr_core.evaluation.candidates import MODES
from upsr_core.models.base import Model
from upsr_core.models.budgets import BUDGETS
from upsr_core.models.registry import MODELS
from upsr_core.runs import queue
from upsr_core.runs.health import health
from upsr_core.runs.run import Run, create_run, list_runs, unreadable_runs
from upsr_core.runs.spec import RunSpec, plan_run
from upsr_core.runs.status import ACTIVE
from upsr_core.text import saved_designs
from upsr_core.text.design import Design
from upsr_core.training.recipes import RECIPES

OURS, *RIVALS = MODELS  # the product's own model is the first
CURRENT = "The design at work"


def new_trial() -> None:
    section("New trial")
    left, middle, right = st.columns(3)
    with left:
        data = state.choose_dataset()
        model = state.choose(
            "Model", "model", list(MODELS), OURS, format_func=lambda name: MODELS[name].title,
            help="UPSR, and what it is measured against; all on the same data, splits and candidates.",
        )  # fmt: skip
    kind, plm = MODELS[model], "embedded"
    design: Design | None = None
    with middle:
        if kind.reads_text:
            design = choose_design(data)
        else:
            st.caption(f"{kind.note} It reads no item texts. {kind.limits}")
    with right:
        if kind.reads_text:
            plm = state.choose_plm()
            if kind.plm_note:
                st.caption(kind.plm_note)
            else:
                plm_quality(plm)
    left, middle, right = st.columns([5, 3, 4])
    budgets = kind.budgets()
    with left:
        if st.session_state.get("budget") not in budgets:  # another model's, which this one has no use for
            st.session_state.pop("budget", None)
        budget = st.segmented_control(
            "Budget", budgets, default=last_budget(kind), required=True, key="budget",
            format_func=lambda name: BUDGETS[name].title, persist_state="session",
        )  # fmt: skip
        st.caption(kind.budget_line(budget))
    with middle:
        recipe = score = ""
        if kind.recipes:
            recipe = st.segmented_control(
                "Recipe", kind.recipes, default=kind.recipes[0], required=True, key="recipe",
                persist_state="session",
                format_func=lambda name: RECIPES[name].title,
                help=" ".join(f"{each.title}: {each.description}" for each in map(RECIPES.__getitem__, kind.recipes)),
            )  # fmt: skip
        if len(kind.scores) > 1:
            usual = kind.usual_score(recipe, budget)
            score = st.segmented_control(
                "Score", kind.scores, default=usual, required=True, key=f"score_{recipe}_{usual}",
                persist_state="session",
                help="perplexity: the paper's. conditional: the text's likelihood without the history is taken away. "
                "posterior: and how popular an item is in training is added. A trial reports all; this one names its "
                "result.",
            )  # fmt: skip
        modes = st.segmented_control(
            "Candidates", MODES, selection_mode="multi", default=[kind.usual_mode], key=f"modes_{kind.usual_mode}",
            persist_state="session",
            help="uni100 and pop100: the target among 100 others, drawn uniformly or by popularity. full: the whole "
            "catalogue, as published tables have it. Several are several trials of one training.",
        )  # fmt: skip
    first: list[str] = []
    with right:
        if kind.pretrains:
            names = [entry["name"] for entry in cache.datasets() if entry["name"] != data.name and not entry["problem"]]
            first = st.multiselect(
                "Pre-train first on", names, key="pretrain_on", placeholder="nothing: learn this dataset directly",
                persist_state="session",
                help="Domains whose histories are learned first, with the design's pre-training text.",
            )  # fmt: skip
    show_differences(kind, budget)
    if not modes:
        empty_state("Choose the candidates that are ranked: at least one of uni100, pop100 and full.")
        return
    with errors_shown():
        offer(
            [
                plan_run(
                    data.name, design, plm, budget, score, mode, pretrain_on=tuple(first), model=model, recipe=recipe
                )
                for mode in modes
            ]
        )


def show_differences(kind: Model, budget: str) -> None:
    """What a rival does otherwise than its published code, where there is any."""
    found = kind.differences(budget)
    if not found:
        return
    with st.expander(f"Not as published: {len(found)}", icon=":material/difference:"):
        st.caption(f"Beside {kind.published_as()}. Effects are those of docs/rivals.md.")
        st.table([each.model_dump() for each in found])  # whole sentences: a grid would cut them


def last_budget(kind: Model) -> str:
    """That of the newest trial, so that the next one can be compared with it; a first look before any."""
    newest = next((run.budget for run in list_runs()), "first-look")
    return newest if newest in kind.budgets() else "first-look"


def choose_design(data: Dataset) -> Design:
    known = {**saved_designs.PRESETS, **saved_designs.list_designs()}
    fit = {name: design for name, design in known.items() if set(design.finetune.attributes) <= set(data.attributes)}
    designs = {CURRENT: state.design(), **fit}
    name = st.selectbox(
        "Design",
        list(designs),
        key="trial_design",
        persist_state="session",
        format_func=lambda name: f"{name}: {designs[name].finetune.label}",
        help="Those whose attributes this dataset has; the design at work is that of the page Item text.",
    )
    return designs[name]


def offer(specs: list[RunSpec]) -> None:
    """The predicted time and the button; trials that exist already are opened instead.

    `specs` are of one training: the first trial trains, and the others wait for its weights.
    """
    there = {run.id: run for run in list_runs() if run.id in {spec.digest for spec in specs}}
    states = {run_id: run.status().state for run_id, run in there.items()}
    active = [spec for spec in specs if states.get(spec.digest) in ACTIVE]
    left = [spec for spec in specs if states.get(spec.digest) != "done" and spec not in active]
    cut_lines(cache.cuts(specs[0]))
    with st.container(horizontal=True, vertical_alignment="center"):
        if not left and not active:
            st.button("Open the finished trial", key="open", type="primary", on_click=select, args=(specs[0].digest,))
            st.caption("This very trial has been run: the same specification gives the same result.")
            return
        st.button(
            "Start" if len(left) < 2 else f"Start {len(left)} trials", key="start", type="primary",
            icon=":material/play_arrow:", on_click=begin, args=(left,), disabled=not left,
        )  # fmt: skip
        for spec in active:
            under_way(there[spec.digest])
        if left:
            time = cache.predicted(left)
            st.markdown(f"Predicted time: **{duration(time.seconds)}**")
            st.caption(
                f"{duration(time.seconds - time.training_seconds - time.evaluation_seconds)} to begin, "
                f"{duration(time.training_seconds)} training, {duration(time.evaluation_seconds)} evaluation; "
                f"{plain(time.basis)}"
            )


@st.fragment(run_every="1s")
def under_way(run: Run) -> None:
    """What an active trial is doing, beside the button that started it; its curve is further down."""
    status = run.status()
    st.caption(f"**{run.spec.candidates.mode}**  {progress_line(status, duration(status.seconds_left))}")


def begin(specs: list[RunSpec]) -> None:
    def start() -> None:
        for spec in specs:
            queue.start(create_run(spec))

    act(start, done="Started. It goes on when you close this page.")
    select(specs[0].digest)


def select(run_id: str) -> None:
    st.session_state["run_choice"] = run_id


def table(runs: list[Run]) -> None:
    rows = runs_table(runs)
    event = st.dataframe(
        rows,
        key="runs_table",
        hide_index=True,
        on_select="rerun",
        selection_mode="single-row",
        column_order=["trial", "budget", "state", "value", "verdict", "dependence", "popularity", "text", "started"],
        column_config={
            "trial": st.column_config.TextColumn("Trial", width=370),
            "budget": st.column_config.TextColumn("Budget", width=75),
            "state": st.column_config.TextColumn("State", width=70),
            "value": st.column_config.TextColumn("NDCG@10", help="With the mode of its candidates", width=105),
            "popularity": st.column_config.TextColumn("Gap to popularity", help="Mean and 95 % paired interval"),
            "dependence": st.column_config.TextColumn("User dependence", help="Gain over another user's history"),
            "verdict": st.column_config.TextColumn("Uses the history", width=125),
            "text": st.column_config.TextColumn("Text", help="What the cap leaves of the text it reads", width=220),
            "started": st.column_config.DatetimeColumn("Started (UTC)", format="D MMM, HH:mm", width=105),
        },
    )
    picked = event.selection.rows
    # A click counts once: afterwards the box below may choose another run.
    if picked and st.session_state.get("picked_row") != picked[0]:
        select(rows.run.iloc[picked[0]])
    st.session_state["picked_row"] = picked[0] if picked else None


def rivals_health(run: Run) -> None:
    """The trials on the dataset of the one shown, against published figures; their curves are in the trials."""
    section("Health of the baselines", "A comparison is worth what its weakest baseline is worth.")
    records = [record for record in health(run.spec.dataset.name) if record.model in RIVALS]
    if not records:
        empty_state("No rival was trained on this dataset yet: choose one under Model above.")
        return
    figure: dict[str, Any] = {"format": "%.4f", "width": "small"}
    st.dataframe(
        health_table(records),
        key="health",
        hide_index=True,
        column_config={
            "trial": st.column_config.TextColumn("Trial", width=280),
            "verdict": "Verdict",
            "measure": "Measure",
            "reached": st.column_config.NumberColumn("Reached", **figure),
            "healthy_from": st.column_config.NumberColumn("Healthy from", **figure),
            "healthy_to": st.column_config.NumberColumn(
                "to", help="Above it is better than anything known: look for a fault first.", **figure
            ),
            "published": st.column_config.NumberColumn("Published", **figure),
            "budget": st.column_config.TextColumn("Trained for", help="Of the most that its budget allows"),
            "minutes": st.column_config.NumberColumn("Minutes", format="%.0f", width="small"),
            "curve": st.column_config.TextColumn(
                "Curve", help="Still rising: its last validations raised its best NDCG@10 by more than a hundredth."
            ),
            "reason": "Why",
            "source": "Source",
        },
    )


page_head("Trials", "Train a small model with a design, watch it learn, and see whether it looks at the user at all.")
new_trial()
runs = list_runs()
section("Trials so far")
for reason in unreadable_runs().values():
    st.warning(plain(reason), icon=":material/warning:")
if not runs:
    empty_state("No trial yet. Start one above; it takes minutes, goes on when you close this page, and appears here.")
else:
    table(runs)
    titles = {run.id: run.title for run in runs}
    chosen = state.choose("Trial shown", "run", list(titles), format_func=lambda name: titles.get(name, name))
    shown = next(run for run in runs if run.id == chosen)
    show_run(shown)
    if any(run.result() for run in runs):
        with errors_shown():
            rivals_health(shown)
