"""The page Paper: an experiment chosen, started, filled, and read beside the paper."""

import pytest
from made_runs import made, uniform
from pages_common import texts

from upsr_core.paper import background
from upsr_core.paper.registry import EXPERIMENTS
from upsr_core.paper.runner import study, usual_domains


@pytest.fixture(autouse=True)
def no_browser(monkeypatch):
    monkeypatch.setattr("upsr_core.export.figure_files.browser", lambda: None)


def test_the_forecast_and_the_start(studio, monkeypatch):
    started = []
    monkeypatch.setattr(background, "start", started.append)
    at = studio("paper", experiment="table5", on="sample:movies", scale="smoke")
    assert not at.exception and not at.error
    assert "3 of 3 runs to do" in texts(at) and "Does more text help" in texts(at)
    assert at.dataframe[0].value.iloc[0]["T+C+D"] == "· waiting"
    at.button(key="start_study").click().run()
    (this,) = started
    assert this.spec == study("table5", ("sample:movies",), "smoke").spec


def test_a_finished_experiment_beside_the_paper(studio, stocked):
    this = study("table5", ("sample:movies",), "smoke")
    for cell in this.cells():
        made(cell.spec, uniform(20))
    this.run(lambda *_: None)
    at = studio("paper", experiment="table5", on="sample:movies", scale="smoke")
    assert not at.exception and not at.error
    cells, beside, claims = (frame.value for frame in at.dataframe)
    assert set(cells[["T", "T+C", "T+C+D"]].iloc[0]) == {"✓ done"}
    assert beside[beside.dataset == "Movies (paper)"].iloc[0]["T+C+D"] == "40.53"
    assert len(claims) == 3 and "20 of 800" in texts(at)
    assert at.code[0].value == "upsr experiment table5 --dataset sample:movies --scale smoke"


def test_every_experiment_opens_with_its_cells(studio):
    for name, experiment in EXPERIMENTS.items():
        at = studio("paper", experiment=name, on="sample:movies", scale="smoke")
        assert not at.exception and not at.error, name
        cells = study(name, ("sample:movies",), "smoke", pretrain_on=usual_domains(name, ("sample:movies",))).cells()
        assert not cells or set(at.dataframe[0].value) >= {cell.column for cell in cells}, name
        assert experiment.title in at.selectbox[0].options
    assert set(at.dataframe[0].value["mode"]) == {"uni100", "pop100"}, "the last one ranks among both"


def test_a_failed_cell_says_why_and_can_be_tried_again(studio, stocked):
    from upsr_core.runs.run import create_run

    this = study("table5", ("sample:movies",), "smoke")
    first = create_run(this.cells()[0].spec)
    first.write_status(state="failed", message="The disk is full.")
    at = studio("paper", experiment="table5", on="sample:movies", scale="smoke")
    assert "The disk is full" in at.error[0].value and at.button(key="start_study").label == "Try again"


def test_an_experiment_without_its_domains_says_what_to_do(studio):
    at = studio("paper", experiment="table4", on="sample:movies", scale="smoke")
    assert not at.exception and not at.error, "the sample has domains to learn first"
    assert at.multiselect(key="paper_after").value == ["sample:books", "sample:clothing"]
    at.multiselect(key="paper_after").set_value([]).run()
    assert "choose at least one under Pre-train on" in at.info[0].value and not at.exception and not at.error
