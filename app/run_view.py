"""One run on the screen: what it is doing, its learning curve, its result."""

from typing import Any

import pandas as pd
import streamlit as st

from app import cache, run_charts
from app.components import act, chart, cut_lines, duration, empty_state, errors_shown, plain, section
from app.job_view import job_state
from app.run_tables import (
    evaluation_line,
    gaps_table,
    metrics_table,
    progress_line,
    scores_table,
    verdict,
)
from upsr_core.evaluation.metrics import HEADLINE, named
from upsr_core.evaluation.verdicts import YES
from upsr_core.runs.results import RunResult
from upsr_core.runs.run import Run, delete_run
from upsr_core.runs.status import Status


def show_run(run: Run) -> None:
    section(plain(run.title))
    _live(run)
    result = run.result()
    with errors_shown():
        cut_lines((result.cuts if result else None) or cache.cuts(run.spec))
    if result:
        show_result(run, result)
    with st.expander("Specification", icon=":material/tune:"):
        st.json(run.spec.model_dump(mode="json"), expanded=1)


def _live(run: Run) -> None:
    """State and curve; drawn every second while the run works, and the whole page where its state has changed."""
    at_first = run.status()
    every = "1s" if at_first.active else None

    @st.fragment(run_every=every)
    def draw() -> None:
        status = run.status()
        if every and status.state != at_first.state:  # the table and the button above say it too
            st.rerun(scope="app")
        with errors_shown():
            _state(run, status)
            _curve(run, status)

    draw()


def _state(run: Run, status: Status) -> None:
    def delete() -> None:
        if not status.active:
            with st.popover("Delete", icon=":material/delete:"):
                st.markdown("Remove this trial with its model and results?")
                st.button("Remove it", key="delete_run", on_click=act, args=(delete_run, run))

    line = progress_line(status, duration(status.seconds_left))
    job_state(run, status, f"run {run.id}{_times(status)}", line, beside=delete)


def _times(status: Status) -> str:
    if not status.started:
        return ""
    text = f", started {pd.to_datetime(status.started, unit='s'):%d %B %H:%M} UTC"
    return text + (f", took {duration(status.finished - status.started)}" if status.finished else "")


def _curve(run: Run, status: Status) -> None:
    curve = run.curve()
    if curve.empty:
        if status.active:
            empty_state("The learning curve begins after the first steps of the training.")
        return
    spec = run.spec
    metric = named(HEADLINE, spec.validation.mode)
    # A training that ends by an early stop has no end that is known before.
    unit, most = spec.kind.size(spec.model)
    end = int(most) if unit == "tokens" else int(curve.tokens.max())
    seen = spec.kind.unit
    # The charts keep their keys over redraws, so that the eye does not lose them.
    loss, quality, dependence = st.columns(3, gap="medium")
    with loss:
        st.markdown("**Loss**")
        chart(run_charts.loss_curve(curve, end, seen), "loss")
    with quality:
        st.markdown("**Quality**")
        chart(run_charts.quality_curve(curve, end, cache.references(run), metric, seen), "quality")
    with dependence:
        st.markdown("**User dependence**")
        chart(run_charts.dependence_curve(curve, end, metric, seen), "dependence")
    st.caption(
        "User dependence: what the right history gains over another user's on the same candidates, with its 95 % "
        "interval. Among uniform candidates neither history holds any of them. A model first learns which texts are "
        "common, and only later which user it looks at."
    )


def show_result(run: Run, result: RunResult) -> None:
    section("Result")
    yes = result.uses_history == YES
    box = st.success if yes and result.gap("popularity").side > 0 else st.warning
    if run.budget == "smoke":
        st.caption(f"**Smoke** only shows that everything fits together: {result.users} users tell nothing of quality.")
    box(verdict(result), icon=":material/person:" if yes else ":material/groups:")
    left, right = st.columns([2, 3], gap="large")
    with left:
        chart(run_charts.gaps(gaps_table(result), result.headline), "gaps")
        st.dataframe(
            scores_table(result),
            hide_index=True,
            column_config={
                "score": "Score",
                "value": st.column_config.NumberColumn(result.headline, format="%.3f"),
                "dependence": "User dependence",
                "verdict": "Uses the history",
            },
        )
    with right:
        number: dict[str, Any] = {"format": "%.3f", "width": "small"}
        st.dataframe(
            metrics_table(result),
            hide_index=True,
            column_config={
                "metric": "Metric",
                "value": st.column_config.NumberColumn("This trial", **number),
                "interval": "95 % interval",
                "popularity": st.column_config.NumberColumn("Popularity", **number),
                "random": st.column_config.NumberColumn("Random", **number),
                "gap_popularity": "Gap to popularity",
                "gap_random": "Gap to random",
            },
        )
        st.caption(
            f"Score: {result.score}. {evaluation_line(result)}; candidates {result.candidates}; "
            f"{duration(result.seconds)} in all.{_trained_line(result)}"
        )


def _trained_line(result: RunResult) -> str:
    """Which other run trained the weights, in words; nothing where the run trained its own, or there are none."""
    source, took = result.trained_by, result.training_seconds
    if source in (None, result.run):
        return ""
    return f" Its weights were trained by run {source}{f' in {duration(took)}' if took else ''}."
