"""Running the experiments of the paper: failed and cancelled cells, work without the page, outcomes of other data."""

import time

import pandas as pd
import pytest
from made_runs import made, uniform

from upsr_core.errors import RunError
from upsr_core.export.figure_style import figure_of
from upsr_core.paper import background, runner
from upsr_core.paper.experiment import Experiment, Outcome, planned
from upsr_core.paper.registry import EXPERIMENTS
from upsr_core.paper.runner import study
from upsr_core.runs import queue
from upsr_core.runs.run import Run, run_folder

quiet = lambda *_: None  # noqa: E731


@pytest.fixture(autouse=True)
def no_browser(monkeypatch):
    monkeypatch.setattr("upsr_core.export.figure_files.browser", lambda: None)


@pytest.fixture
def tiny(monkeypatch):
    """An experiment of two models that need no training."""

    def cells(spec):
        return [
            cell for model in ("popularity", "random") for cell in planned(spec, spec.datasets[0], model, model=model)
        ]

    def collect(spec, finished, progress):
        return Outcome(pd.DataFrame({"n": [len(finished)]}), pd.DataFrame(), figure_of())

    made_up = Experiment("tiny", "Tiny", "?", cells, collect, ("popularity", "random"), {})
    monkeypatch.setitem(EXPERIMENTS, "tiny", made_up)


def test_a_failed_cell_leaves_the_others_and_is_tried_again(movies, tiny, monkeypatch):
    this = study("tiny", (movies.name,), "smoke")
    broken, right = this.cells()
    real = lambda spec, progress: made(spec, uniform(9))  # noqa: E731

    def fails_once(spec, progress, workers):
        if spec == broken.spec:
            raise RunError("The disk is full")
        return real(spec, progress)

    monkeypatch.setattr(runner, "finish", fails_once)
    with pytest.raises(
        RunError, match=r"1 of 2 cells.*popularity on sample:movies: The disk is full.*tries them again"
    ):
        this.run(quiet)
    assert this.outcome() is None and list(this.states().state) == ["new", "done"]
    first = Run(run_folder(right.spec)).result().finished
    monkeypatch.setattr(
        runner, "finish", lambda spec, _, __: real(spec, _) if spec == broken.spec else Run(run_folder(spec))
    )
    assert this.run(quiet).table.n[0] == 2 and Run(run_folder(right.spec)).result().finished == first


def test_a_cancelled_experiment_stops_and_goes_on(movies, tiny):
    this = study("tiny", (movies.name,), "smoke")

    def stop(done, total, what):
        queue.cancel(Run(run_folder(this.cells()[0].spec)))

    with pytest.raises(RunError, match="was cancelled"):
        this.run(stop)
    assert list(this.states().state) == ["cancelled", "new"]
    this.run(quiet)
    assert list(this.states().state) == ["done", "done"]


def test_an_experiment_works_on_without_the_page(movies, monkeypatch):
    monkeypatch.setenv("PATH", "")  # no browser for its process either
    this = study("table2", (movies.name,), "smoke")
    background.start(this)
    with pytest.raises(RunError, match="worked on already"):
        background.start(this)
    end = time.time() + 240
    while background.working(this):
        assert time.time() < end
        time.sleep(0.1)
    assert this.outcome() is not None, background.last_words(this)


def test_an_outcome_is_of_the_data_it_was_made_of(movies, tiny, monkeypatch):
    this = study("tiny", (movies.name,), "smoke")
    this.run(quiet)
    assert this.outcome() is not None
    other = [{**entry, "digest": "another"} for entry in runner.list_datasets()]
    monkeypatch.setattr(runner, "list_datasets", lambda: other)
    assert this.outcome() is None, "other data of the same name"
