"""The work of a study: its indicators, then trial after trial through the queue of the machine; and how long it takes.

A study holds no place in the queue itself: each trial takes its turn, so that other runs get theirs in between.
"""

import time
from dataclasses import dataclass

from upsr_core.indicators.profile import Setting, profile, stored_result
from upsr_core.runs.forecast import forecast, indicator_seconds
from upsr_core.runs.queue import enqueue
from upsr_core.runs.run import Run, create_run
from upsr_core.runs.spec import RunSpec
from upsr_core.runs.worker import StatusProgress, carry_out, work_on
from upsr_core.runtime import Cancelled, Progress
from upsr_core.storage.records import write_record
from upsr_core.studies.figure import write_figure
from upsr_core.studies.results import outcome, summary
from upsr_core.studies.study import Study, StudySpec
from upsr_core.text.design import ItemDesign

FIGURE, RESULT = "figure.html", "result.json"
PHASE = "study"
WAIT = 0.5  # seconds between two looks at a run that somebody else works on


@dataclass(frozen=True)
class StudyForecast:
    """Seconds that are left of a study, and where the numbers come from.

    `indicators` are those of each design's indicators, `trials` by run id those of training and of all.
    """

    indicators: dict[ItemDesign, float]
    trials: dict[str, tuple[float, float]]
    basis: str

    @property
    def seconds(self) -> float:
        return sum(self.indicators.values()) + sum(whole for _, whole in self.trials.values())


def forecast_study(spec: StudySpec, setting: Setting) -> StudyForecast:
    """How long what is missing of a study will take; finished trials and stored indicators cost nothing."""
    first = {trial.design.finetune: trial for trial in reversed(spec.trials)}
    expected = {design: forecast(trial) for design, trial in first.items()}
    indicators = {
        design: sum(
            indicator_seconds(first[design], name, spec.sample, len(spec.domains))
            for name in spec.indicators
            if stored_result(name, setting, design) is None
        )
        for design in spec.designs
    }
    trials = {}
    for trial, run in zip(spec.trials, spec.runs, strict=True):
        if run.result() is None:
            own = expected[trial.design.finetune]
            trials[run.id] = own.training_seconds, own.seconds
    return StudyForecast(indicators, trials, next(iter(expected.values())).basis)


def work_on_study(study: Study, also: Progress | None = None) -> dict | None:
    """Work on a queued study in this process to its end and give its summary; None where it was cancelled.

    Finished trials are not trained again, others go on from their last checkpoint. Leaves the summary and the figure in
    the study's folder. Raises what a trial raises.
    """
    return carry_out(study, lambda progress: _finish(study, progress), also)


def _finish(study: Study, progress: StatusProgress) -> dict:
    spec = study.spec
    study.write_status(state="running", phase="loading", started=time.time(), message="")
    setting = spec.setting()
    expected = forecast_study(spec, setting)
    total, done = expected.seconds, 0.0
    for number, design in enumerate(spec.designs, start=1):
        progress.message = f"Indicators of {design.label}, design {number} of {len(spec.designs)}."
        took, start = expected.indicators[design], done

        def report(part: float, whole: float, _: str, took: float = took, start: float = start) -> None:
            progress(start + took * part / max(whole, 1), total, PHASE)

        profile(setting, design, report, spec.indicators)
        done += took
    for number, (trial, run) in enumerate(zip(spec.trials, spec.runs, strict=True), start=1):
        if run.id in expected.trials:
            what = f"Trial {number} of {len(spec.trials)}: {trial.design.finetune.label}, seed {trial.seed}."
            _try(trial, run, _Share(progress, done, total, *expected.trials[run.id], what))
            done += expected.trials[run.id][1]
    found = outcome(study, setting)
    record = summary(study, found)
    write_figure(found, study.title, study.folder / FIGURE)
    write_record(study.folder / RESULT, "result", record)
    return record


class _Share:
    """What a trial reports, as a share of the whole study: the time of its training, then of its evaluation."""

    def __init__(self, progress: StatusProgress, begin: float, total: float, training: float, whole: float, what: str):
        self.progress, self.begin, self.total, self.what = progress, begin, total, what
        self.parts = {"training": (0.0, training), "evaluating": (training, whole - training)}
        self.done = begin

    def __call__(self, done: float, total: float, phase: str) -> None:
        if phase in self.parts:
            start, length = self.parts[phase]
            # Not beyond the whole by a rounding error.
            self.done = min(self.total, self.begin + start + length * done / max(total, 1))
        self.progress.message = f"{self.what} {phase.capitalize()}."
        self.progress(self.done, self.total, PHASE)

    def wait(self, why: str) -> None:
        """Waiting is no work: it does not count for the time left."""
        self.progress.began += WAIT
        self.progress.message = f"{self.what} {why}"
        self.progress(self.done, self.total, PHASE)


def _try(trial: RunSpec, run: Run, share: _Share) -> None:
    create_run(trial)
    while run.status().active:
        share.wait("It is at work already.")
        time.sleep(WAIT)
    if run.status().state == "done":
        return
    enqueue(run)
    if work_on(run, lambda done, total, what: share(done, total, what) if total else share.wait(what)) is None:
        raise Cancelled
