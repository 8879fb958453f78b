import json
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from upsr_core.cli import app
from upsr_core.errors import RunError
from upsr_core.evaluation.bands import BANDS, band_of, known_as
from upsr_core.experiments import health as module
from upsr_core.experiments import jobs
from upsr_core.experiments.health import health, judge
from upsr_core.experiments.job import work
from upsr_core.experiments.runs import create_run
from upsr_core.experiments.spec import plan_run


def sized(users, items, events):
    return SimpleNamespace(users=range(users), items=range(items), sequence=range(events))


def test_a_dataset_is_known_by_its_size():
    beauty = sized(22363, 12101, 198502)
    assert known_as(beauty) == "amazon-beauty-2014"
    assert band_of(beauty, "sasrec-ce") is BANDS["amazon-beauty-2014"]["sasrec-ce"]
    assert band_of(beauty, "upsr") is None and band_of(sized(1, 2, 3), "sasrec-ce") is None


@pytest.fixture
def popular(movies):
    run = create_run(plan_run(movies.name, model="popularity", mode="full"))
    jobs.enqueue(run)
    work(run)
    return run


@pytest.mark.parametrize(
    ("reached", "curve", "verdict"),
    [
        ((0.09, 0.05), [0.1, 0.2], "healthy"),
        ((0.09, 0.02), [0.1, 0.2, 0.2, 0.2, 0.2, 0.19], "below"),
        ((0.05, 0.02), [0.1, 0.2, 0.3, 0.4, 0.5, 0.6], "still improving"),
        ((0.05, 0.02), [], "below"),
    ],
)
def test_verdicts(popular, reached, curve, verdict):
    band = BANDS["amazon-beauty-2014"]["sasrec-ce"]
    popular.write_curve(pd.DataFrame({"step": range(len(curve)), "tokens": range(len(curve)), "ndcg10": curve}))
    metrics = dict(zip(("HR@10 (full)", "NDCG@10 (full)"), reached, strict=True))
    result = {"metrics": metrics, "users": 5, "of_users": 5}
    found, reason = judge(popular, result, band)
    assert found == verdict and reason
    assert judge(popular, result, None)[0] == "no reference"
    assert judge(popular, {**result, "users": 4}, band)[0] == "no reference"
    assert judge(popular, {**result, "metrics": {"HR@10 (uni100)": 0.9}}, band)[0] == "no reference"


def test_health_on_the_command_line(popular, movies, monkeypatch):
    band = BANDS["amazon-beauty-2014"]["popularity"]
    monkeypatch.setattr(module, "band_of", lambda dataset, model: band)
    done = CliRunner().invoke(app, ["health", "popularity", "--dataset", movies.name, "--json"])
    assert done.exit_code == 0, done.output
    (record,) = json.loads(done.stdout.splitlines()[-1])["runs"]
    assert record["model"] == "popularity" and record["dataset"] == movies.name
    assert record["metrics"] == popular.result()["metrics"] and record["band"]["low"] == band.low
    assert record["verdict"] == ("healthy" if record["metrics"]["HR@10 (full)"] >= 0.0104 else "below")
    assert health(movies.name, "sasrec-ce") == []
    with pytest.raises(RunError, match="no model"):
        health(movies.name, "gru")
    assert np.isfinite(record["metrics"]["NDCG@10 (full)"])
