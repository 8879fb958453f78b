"""Do the indicators predict quality? A study on the screen: planned, at work, and what it says."""

import pandas as pd
import streamlit as st

from app import cache
from app.components import act, chart, duration, empty_state, errors_shown, plain
from app.job_view import job_state
from upsr_core.indicators.profile import Setting
from upsr_core.indicators.result import INDICATORS
from upsr_core.models.budgets import BUDGETS
from upsr_core.runs import queue
from upsr_core.runs.status import Status
from upsr_core.studies.figure import figure
from upsr_core.studies.results import StudyOutcome, notes, outcome, verdict
from upsr_core.studies.study import SEEDS, Study, StudySpec, create_study, list_studies, usual_designs
from upsr_core.studies.worker import FIGURE
from upsr_core.text.design import ItemDesign


def predict_quality(setting: Setting, design: ItemDesign) -> None:
    """Plan a study on the dataset at work, and the studies there are."""
    st.caption("Quick trials of several designs, and every indicator against the quality they reach.")
    studies = [study for study in list_studies() if study.spec.dataset.content == setting.dataset.digest]
    if st.toggle("Plan a study", key="plan_study", persist_state="session"):
        with errors_shown():
            _plan(setting, design)
    if not studies:
        empty_state("No study of these data yet. Plan one: it goes on when you close this page, and appears here.")
        return
    titles = {study.id: study.title for study in studies}
    chosen = st.selectbox("Study shown", list(titles), key="study_shown", format_func=titles.__getitem__)
    with errors_shown():
        _show(next(study for study in studies if study.id == chosen))


def _plan(setting: Setting, design: ItemDesign) -> None:
    usual = usual_designs(setting.dataset)
    options = list(dict.fromkeys([*usual, ",".join(design.attributes)]))
    designs = st.multiselect(
        "Designs", options, usual, key="study_designs", persist_state="session", accept_new_options=True,
        help="Attributes in order with commas; type others. The more designs, the narrower the intervals.",
    )  # fmt: skip
    with st.container(horizontal=True, vertical_alignment="bottom"):
        seeds = st.number_input("Seeds", 1, 20, SEEDS, key="study_seeds", persist_state="session", width=110)
        budget = st.segmented_control(
            "Budget of a trial", list(BUDGETS), default="quick", required=True, key="study_budget",
            persist_state="session", format_func=lambda name: BUDGETS[name].title,
        )  # fmt: skip
    spec = cache.planned_study(setting.dataset, tuple(designs), int(seeds), budget, setting.plm)
    study, expected = Study.of(spec), cache.predicted_study(spec)
    with st.container(horizontal=True, vertical_alignment="center"):
        if study.status().state == "done":
            st.caption("This very study has been done; it is among those below.")
            return
        st.button(
            "Start the study", key="start_study", type="primary", icon=":material/play_arrow:", on_click=_begin,
            args=(spec,), disabled=study.status().active,
        )  # fmt: skip
        st.markdown(f"Predicted time: **{duration(expected.seconds)}**")
        st.caption(
            f"{len(expected.trials)} of {len(spec.trials)} trials are to be done; they go through the queue one by "
            f"one. {plain(expected.basis)}"
        )


def _begin(spec: StudySpec) -> None:
    act(lambda: queue.start(create_study(spec)), done="Started. It goes on when you close this page.")
    st.session_state["study_shown"] = spec.digest


def _show(study: Study) -> None:
    """Drawn every other second while it works, and the whole page once at its end."""
    every = "2s" if study.status().active else None

    @st.fragment(run_every=every)
    def draw() -> None:
        status = study.status()
        if every and not status.active:
            st.rerun(scope="app")
        _state(study, status)
        with errors_shown():
            _result(study, outcome(study, cache.study_setting(study)))

    draw()


def _state(study: Study, status: Status) -> None:
    left = f" About {duration(status.seconds_left)} left." if status.seconds_left is not None else ""
    line = plain(f"{status.message or 'Beginning…'}{left}")
    job_state(study, status, f"study {study.id}", line, key="_study", resume="Go on")


def _result(study: Study, found: StudyOutcome) -> None:
    if not len(found.designs):
        empty_state("The first finished trial will appear here.")
        return
    st.dataframe(
        _correlations(found), key="study_correlations", hide_index=True,
        column_config={
            "rho": st.column_config.NumberColumn("Spearman's rho", format="%+.2f", help=f"with {found.metric}"),
            "tau": st.column_config.NumberColumn("Kendall's tau", format="%+.2f"),
            "chance": st.column_config.NumberColumn(
                "by chance", format="percent", help="Share of random orders of the designs that are as far from zero"
            ),
            "verdict": st.column_config.TextColumn(width="large"),
        },
    )  # fmt: skip
    for line in notes(found):
        st.caption(plain(line))
    chart(figure(found), "study_figure")
    domains = [ref.name for ref in study.spec.domains]
    st.caption(
        "A point is a design: the mean over its seeds, the bar from the lowest to the highest. Open points: a trial "
        "is not shown to use the history. Blue: more than chance."
        + (f" Consistency is with {plain(', '.join(domains))}." if domains else "")
        + (f" The figure is also in {plain(study.folder / FIGURE)}." if (study.folder / FIGURE).exists() else "")
    )
    with st.expander("Designs and trials"):
        st.dataframe(found.designs, key="study_of_designs", hide_index=True)
        st.dataframe(found.trials, key="study_trials", hide_index=True)


def _correlations(found: StudyOutcome) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "indicator": INDICATORS[name][0],
            "rho": each.rho,
            "interval": "–" if each.low is None else f"{each.low:+.2f} to {each.high:+.2f}",
            "tau": each.tau,
            "chance": each.p,
            "designs": each.n,
            "verdict": verdict(name, each),
        }
        for name, each in found.correlations.items()
    )
