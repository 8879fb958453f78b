import json
import os
import signal
import time

import pytest
from typer.testing import CliRunner

from upsr_core.cli.main import app
from upsr_core.errors import DesignError, RunError
from upsr_core.runs import queue
from upsr_core.studies.figure import figure, write_figure
from upsr_core.studies.results import notes, outcome, summary, verdict
from upsr_core.studies.study import create_study, plan_study, usual_designs
from upsr_core.studies.worker import FIGURE, RESULT, forecast_study, work_on_study

FIVE = ["title", "category", "brand", "category,title", "brand,title"]


def tiny(movies, designs=FIVE[:3]):
    """A study of trials that take a second or two each."""
    spec = plan_study(movies.name, designs, 1, "smoke")
    training = {"tokens": 2_000, "batch_tokens": 512, "evaluations": 1}
    trials = tuple(
        trial.model_copy(
            update={
                "model": trial.model.with_training(**training),
                "candidates": trial.candidates.model_copy(update={"users": 2}),
                "validation_users": 2,
            }
        )
        for trial in spec.trials
    )
    return spec.model_copy(update={"trials": trials, "sample": 10})


def results(study):
    return {run.id: run.result() for run in study.spec.runs if run.result()}


def test_a_killed_and_a_cancelled_study_go_on_and_train_nothing_twice(movies):
    study = create_study(tiny(movies))
    queue.start(study)
    end = time.time() + 120
    while not results(study):
        assert time.time() < end and study.status().active, study.status()
        time.sleep(0.05)
    os.kill(study.status().pid, signal.SIGKILL)
    while study.status().active:
        time.sleep(0.05)
    assert study.status().state == "died"
    first = results(study)
    left = forecast_study(study.spec, study.spec.setting())
    assert set(left.trials) == {run.id for run in study.spec.runs} - set(first) and left.seconds > 0
    assert sum(left.indicators.values()) == 0, "its indicators are kept"

    def stop_in_the_last_trial(*_):
        if len(results(study)) == 2:
            queue.cancel(study)

    queue.enqueue(study)
    assert work_on_study(study, stop_in_the_last_trial) is None and study.status().state == "cancelled"
    last = study.spec.runs[-1]
    assert last.status().state == "cancelled" and last.result() is None
    queue.enqueue(study)
    shares = []
    record = work_on_study(study, lambda done, total, _: shares.append(done / total))
    assert study.status().state == "done" and record["done"] == record["trials"] == 3
    assert shares == sorted(shares) and shares[0] >= 0 and shares[-1] <= 1
    assert results(study)[next(iter(first))] == next(iter(first.values())), "not trained again"
    stored = json.loads((study.folder / RESULT).read_text())
    assert stored | record == stored and (study.folder / FIGURE).exists()
    known = {"naturalness", "familiarity", "informativeness", "noise", "length", "alignment"}
    assert set(record["indicators"]) == known, "one domain"
    assert all(each["n"] <= 3 and each["low"] is None for each in record["indicators"].values())
    with pytest.raises(RunError, match=r"Study \w+ is done"):
        queue.start(study)


def test_what_a_study_says_follows_from_its_trials(movies, finished_study, tmp_path):
    spec = plan_study(movies.name, FIVE, 2, "smoke")
    study = finished_study(spec, [0.1, 0.2, 0.3, 0.4, 0.5, 0.2, 0.3, 0.4, 0.5, 0.6], unshown=(1, 7))
    found = outcome(study, spec.setting())
    assert found.designs.ndcg10.tolist() == pytest.approx([0.15, 0.25, 0.35, 0.45, 0.55])
    assert found.designs.low.iloc[0] == 0.1 and found.designs.high.iloc[0] == 0.2
    bits, noise = found.correlations["informativeness"], found.correlations["noise"]
    assert bits.rho == pytest.approx(1) and noise.rho == pytest.approx(-1)
    assert verdict("informativeness", bits) == "As claimed: the higher the informativeness, the better the ranking."
    assert verdict("informativeness", noise).startswith("Against the claim: the lower the informativeness")
    assert verdict("noise", noise).startswith("As claimed: the lower the noise")
    assert "all values of one side are the same" in verdict("length", found.correlations["length"])
    said = " ".join(notes(found))
    assert (
        "2 of 10 finished trials are not shown to use the history" in said
        and "category (seed 0), brand (seed 1)" in said
    )
    assert "5 designs are few" in said
    assert [row["seed"] for row in summary(study, found)["not_shown_to_use_history"]] == [0, 1]
    made = figure(found)
    assert len(made.data) == len(found.correlations) == len(made.layout.annotations)
    assert list(made.data[1].marker.symbol) == ["circle", "circle-open", "circle-open", "circle", "circle"]
    write_figure(found, study.title, tmp_path / "figure.html")
    assert "rho +1.00" in (tmp_path / "figure.html").read_text(encoding="utf-8")


def test_the_command_ends_with_one_line_of_json(movies, finished_study, monkeypatch):
    monkeypatch.setattr("upsr_core.datasets.sample.ensure_sample", lambda: None)
    finished_study(plan_study(movies.name, FIVE, 1, "smoke"), [0.1, 0.3, 0.2, 0.4, 0.5])
    command = ["study", "indicators", movies.name, "--designs", ";".join(FIVE), "--seeds", "1", "--budget", "smoke"]
    done = CliRunner().invoke(app, [*command, "--json"])
    assert done.exit_code == 0, done.output
    assert "0 of 5 trials are to be done" in " ".join(done.output.split())
    record = json.loads(done.output.splitlines()[-1])
    assert record["budget"] == "smoke" and record["seeds"] == 1 and len(record["designs"]) == 5
    assert record["indicators"]["informativeness"]["rho"] == pytest.approx(1)
    assert {"rho", "low", "high", "n"} <= record["indicators"]["alignment"].keys()


def test_a_study_is_checked_before_anything_is_done(movies):
    assert plan_study(movies.name, FIVE, 1, "smoke").digest == plan_study(movies.name, FIVE, 1, "smoke").digest
    usual = plan_study(movies.name)
    assert len(usual.designs) == 12 and len(usual.trials) == 24 and usual.seeds == 2 and usual.domains == ()
    assert usual_designs(movies)[0] == "title" and len(set(usual_designs(movies))) == 12
    with pytest.raises(RunError, match="at least 3 designs, not 0"):
        plan_study(movies.name, [])
    with pytest.raises(RunError, match="at least 3 designs, not 2"):
        plan_study(movies.name, ["title", "brand", "title"])
    with pytest.raises(RunError, match="seeds change nothing"):
        plan_study(movies.name, FIVE, 2, "zero-shot")
    with pytest.raises(DesignError, match="no attribute plot"):
        plan_study(movies.name, [*FIVE, "plot"])
    with pytest.raises(RunError, match="budget"):
        plan_study(movies.name, FIVE, budget="endless")
