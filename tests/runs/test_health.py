import json
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from made_runs import made_result
from typer.testing import CliRunner

from app.run_tables import health_table
from upsr_core.cli.main import app
from upsr_core.errors import RunError
from upsr_core.evaluation.published_results import BANDS, CONTENTS, band_of, content_of, known_as
from upsr_core.runs import health as module
from upsr_core.runs import queue
from upsr_core.runs.convergence import Spent
from upsr_core.runs.health import health, judge
from upsr_core.runs.run import create_run
from upsr_core.runs.spec import plan_run
from upsr_core.runs.worker import work_on
from upsr_core.training.spec import CURVE


def taken(histories: list[list[int]]) -> SimpleNamespace:
    """A dataset of these histories."""
    lengths = [len(history) for history in histories]
    sequence = np.concatenate(histories)
    return SimpleNamespace(sequence=sequence, offsets=np.cumsum([0, *lengths]), n_items=int(sequence.max()) + 1)


def test_a_dataset_is_known_by_who_took_what_and_not_by_its_size(monkeypatch):
    data = taken([[0, 1, 2], [2, 3], [2, 0]])
    renamed = taken([[3, 1], [1, 2], [0, 2, 1]])  # other numbers of users and items, another order within a day
    other = taken([[0, 1, 3], [2, 3], [2, 0]])  # as many users, items and events
    assert content_of(data) == content_of(renamed) != content_of(other)
    monkeypatch.setitem(CONTENTS, content_of(data), "amazon-beauty-2014")
    assert known_as(renamed) == "amazon-beauty-2014" and known_as(other) is None
    assert band_of(data, "sasrec-ce") is BANDS["amazon-beauty-2014"]["sasrec-ce"]
    assert band_of(data, "upsr") is None and band_of(other, "sasrec-ce") is None


@pytest.mark.parametrize("name", sorted(set(CONTENTS.values())))
def test_bands_have_two_sides_and_say_where_they_come_from(name):
    for band in BANDS[name].values():
        assert band.low.keys() == band.high.keys() and all(band.low[key] < band.high[key] for key in band.low)
        for known in band.known:
            assert known.source and known.ours == ("this product" in known.source)
            assert all(known.figures[key] < band.high[key] for key in band.high)


@pytest.fixture
def popular(movies):
    run = create_run(plan_run(movies.name, model="popularity", mode="full"))
    queue.enqueue(run)
    work_on(run)
    return run


@pytest.mark.parametrize(
    ("reached", "curve", "verdict"),
    [
        ((0.09, 0.05), [0.1, 0.2], "healthy"),
        ((0.09, 0.02), [0.1, 0.2, 0.2, 0.2, 0.2, 0.19], "below"),
        ((0.05, 0.02), [0.1, 0.2, 0.3, 0.4, 0.5, 0.6], "still improving"),
        ((0.05, 0.02), [], "below"),
        ((0.99, 0.9), [], "suspicious"),
        ((0.09, 0.07), [], "suspicious"),
    ],
)
def test_verdicts(popular, reached, curve, verdict):
    band = BANDS["amazon-beauty-2014"]["sasrec-ce"]
    table = {"step": range(len(curve)), "tokens": range(len(curve)), "ndcg10": curve}
    popular.write_curve(pd.DataFrame(table, columns=list(CURVE)))
    popular.write_result(popular.result())
    metrics = dict(zip(("HR@10 (full)", "NDCG@10 (full)"), reached, strict=True))
    result = popular.result().model_copy(update={"metrics": metrics})
    sampled = {"users": result.of_users - 1}
    found, reason = judge(popular, result, band)
    assert found == verdict and reason
    assert judge(popular, result, None)[0] == "no reference"
    assert judge(popular, result.model_copy(update=sampled), band)[0] == "no reference"
    assert judge(popular, result.model_copy(update={"metrics": {"HR@10 (uni100)": 0.9}}), band)[0] == "no reference"


def test_health_says_budget_time_and_convergence(movies):
    spec = plan_run(movies.name, model="bert4rec", mode="full", budget="smoke")
    run = create_run(spec)
    run.note_training(run.id, 90.0)
    most = spec.model.training.epochs
    # An item of a history each: an epoch of a cloze reads every training event once.
    events = sum(len(movies.history(user)) - 2 for user in range(len(movies.users)))
    for quality, curve in (([0.1, 0.2], "still rising"), ([0.2, *[0.1] * 5], "converged")):
        table = {"step": range(len(quality)), "tokens": np.linspace(0, 4 * events, len(quality)), "ndcg10": quality}
        run.write_curve(pd.DataFrame(table, columns=list(CURVE)))
        run.write_result(made_result(run, "NDCG@10 (full)", 0.1, "yes"))
        (record,) = health(movies.name, "bert4rec")
        assert (record.training, record.seconds) == (Spent("epochs", 4.0, most), 90.0)
        assert record.converged is (curve == "converged")
        row = health_table([record]).iloc[0]
        assert (row.budget, row.minutes, row.curve) == (f"4 of {most} epochs", 1.5, curve)
        shown = CliRunner().invoke(app, ["health", "--dataset", movies.name])
        assert f"4 of at most {most} epochs, 2 min, {curve}" in shown.output


def test_health_on_the_command_line(popular, movies, monkeypatch):
    band = BANDS["amazon-beauty-2014"]["popularity"]
    monkeypatch.setattr(module, "band_of", lambda dataset, model: band)
    done = CliRunner().invoke(app, ["health", "popularity", "--dataset", movies.name, "--json"])
    assert done.exit_code == 0, done.output
    (record,) = json.loads(done.stdout.splitlines()[-1])["runs"]
    assert record["model"] == "popularity" and record["dataset"] == movies.name
    result = popular.result()
    assert record["metrics"] == result.metrics | result.history_kept and record["band"]["low"] == band.low
    assert record["metrics"]["HR@10 (full)"] > 2 * band.high["HR@10 (full)"], "of a small catalogue"
    assert (
        record["verdict"] == "suspicious" and "imported twice" in record["reason"] and record["reason"] in done.output
    )
    assert health(movies.name, "sasrec-ce") == []
    with pytest.raises(RunError, match="no model"):
        health(movies.name, "gru")
    assert np.isfinite(record["metrics"]["NDCG@10 (full)"])
