"""Runs of the models that UPSR is measured against: the same folders, queue, candidates and results."""

import os
import signal
import time

import numpy as np
import pandas as pd
import pytest
from pydantic import ValidationError

from upsr_core.datasets.importing import import_dataset
from upsr_core.datasets.sample import sample_files
from upsr_core.datasets.spec import PreparationSpec
from upsr_core.datasets.splits import SplitSpec, split
from upsr_core.errors import RunError
from upsr_core.evaluation.candidates import CandidateSpec, candidates_for
from upsr_core.evaluation.metrics import METRICS, named
from upsr_core.evaluation.verdicts import YES
from upsr_core.models.popularity import PopularityRanker
from upsr_core.models.registry import MODELS
from upsr_core.runs import queue
from upsr_core.runs.convergence import converged, spent
from upsr_core.runs.forecast import forecast
from upsr_core.runs.run import create_run, delete_run
from upsr_core.runs.spec import RunSpec, plan_run
from upsr_core.runs.user_ranking import evaluated_users, load_ranker, ranked, top_of_catalogue
from upsr_core.runs.worker import work_on
from upsr_core.text.design import parse_design
from workshop.small_runs import with_training

IDS = [name for name, model in MODELS.items() if not model.reads_text]


def planned(movies, model, mode="full", **settings):
    spec = plan_run(movies.name, budget="smoke", mode=mode, model=model)
    if spec.trains:
        spec = with_training(spec, width=16, inner=32, **settings)
    return spec.model_copy(update={"validation_users": 50})


def finish(run):
    queue.enqueue(run)
    return work_on(run)


@pytest.mark.parametrize("mode", ["full", "uni100"])
@pytest.mark.parametrize("model", IDS)
def test_every_rival_leaves_a_whole_result(movies, model, mode):
    run = create_run(planned(movies, model, mode))
    result = finish(run)
    assert set(result.metrics) == {named(metric, mode) for metric in METRICS}
    assert result.users == result.of_users == len(movies.users)
    used = spent(run)
    if not run.spec.trains:
        assert used is None and converged(run) is None and result.trained_by is None
    else:
        epochs = run.spec.model.training.epochs
        assert (used.unit, used.most) == ("epochs", epochs) and used.used == pytest.approx(epochs)
    if model in ("popularity", "random"):
        assert result.metrics == result.references[model] and result.user_dependence.mean == 0
        assert result.uses_history != YES
    users = evaluated_users(run)
    own = users.iloc[3]
    table = ranked(run, int(own.user))
    assert table.target.sum() == 1 and table["rank"].is_monotonic_increasing
    assert table[table.target]["rank"].iloc[0] == own["rank"] and (table.of == own.candidates).all()
    test = candidates_for(movies, split(movies, SplitSpec()), CandidateSpec(mode=mode))
    assert set(table.item) <= set(test.items(3)) and len(table) == (101 if mode == "uni100" else len(table))
    by = ranked(run, int(own.user), "popularity")
    counts = PopularityRanker(movies, split(movies, SplitSpec())).counts
    exact = pd.Series(counts[test.items(3)], index=test.items(3)).rank(ascending=False, method="average")
    np.testing.assert_array_equal(by["rank"], exact[by.item])
    best, note = top_of_catalogue(run, load_ranker(run), int(own.user), 5)
    assert len(best) == 5 and note.startswith("Exact") and best.perplexity.isna().all()
    assert load_ranker(run).metrics(test)["NDCG@10"].mean() == result.metrics[named("NDCG@10", mode)]
    with pytest.raises(RunError, match="no score 'perplexity'"):
        ranked(run, int(own.user), "perplexity")


def test_a_killed_rival_resumes_to_the_same_curve_and_result(movies):
    spec = planned(movies, "sasrec-bce", epochs=40, evaluate_every=2, batch=64, patience=50)
    run = create_run(spec)
    undisturbed, curve = finish(run), run.curve()
    assert curve.ndcg10.notna().sum() >= 4 and curve.tokens.is_monotonic_increasing
    delete_run(run)
    run = create_run(spec)
    queue.start(run)
    wait(lambda: list(run.folder.glob("tuning/checkpoint-*/sums.json")))
    os.kill(run.status().pid, signal.SIGKILL)
    wait(lambda: run.status().state == "died")
    queue.resume(run)
    wait(lambda: not run.status().active)
    assert run.status().state == "done", run.status()
    pd.testing.assert_frame_equal(run.curve(), curve)
    assert run.result().metrics == undisturbed.metrics


def wait(condition, seconds=240):
    end = time.time() + seconds
    while not condition():
        assert time.time() < end, "waited too long"
        time.sleep(0.05)


@pytest.mark.parametrize("model", ["unisrec", "unisrec-transductive"])
def test_a_model_of_texts_learns_other_domains_first(movies, model):
    import_dataset("pantry", *sample_files("pantry"), preparation=PreparationSpec.new_domain())
    design = parse_design("category,title")
    spec = plan_run(movies.name, design, budget="smoke", mode="full", model=model, pretrain_on=("pantry",))
    assert spec.model.training.pretrain_epochs == 1 and spec.digest != plan_run(movies.name, design, model=model).digest
    training = spec.model.training.model_copy(update={"width": 16, "inner": 32, "batch": 64})
    run = create_run(
        spec.model_copy(update={"model": spec.model.model_copy(update={"training": training}), "validation_users": 50})
    )
    result = finish(run)
    assert (run.folder / "pretrained" / "model.safetensors").exists() and "after pantry" in result.title
    assert result.unscorable_targets == 0 and run.title.startswith(f"{movies.name} · UniSRec")
    own = evaluated_users(run).iloc[0]
    table = ranked(run, int(own.user))
    assert table[table.target]["rank"].iloc[0] == own["rank"]
    assert table.text.str.startswith("(category: ").all(), "the text that the model read"
    assert len(load_ranker(run).network.texts) == len(movies.items)


@pytest.mark.parametrize("model", MODELS)
def test_a_specification_is_read_back_as_it_was(movies, model):
    design = parse_design("title") if MODELS[model].reads_text else None
    spec = plan_run(movies.name, design, budget="smoke", model=model)
    again = RunSpec.model_validate_json(spec.model_dump_json())
    assert again == spec and again.digest == spec.digest and hash(again) == hash(spec)
    assert (again.reads_text, again.kind.name) == (design is not None, model)


def test_what_a_model_cannot_do_is_said_before_it_starts(movies):
    with pytest.raises(RunError, match=r"no model 'gru'.*sasrec-ce"):
        plan_run(movies.name, model="gru")
    with pytest.raises(RunError, match="does not read item texts"):
        plan_run(movies.name, parse_design("title"), model="sasrec-ce")
    with pytest.raises(RunError, match="reads item texts"):
        plan_run(movies.name)
    with pytest.raises(RunError, match="cannot learn from other datasets"):
        plan_run(movies.name, model="bert4rec", pretrain_on=("sample:books",))
    with pytest.raises(RunError, match="before it is trained"):
        plan_run(movies.name, model="sasrec-ce", budget="zero-shot")
    spec = plan_run(movies.name, model="sasrec-ce")
    with pytest.raises(ValidationError, match="design"):
        RunSpec.model_validate(spec.model_dump() | {"model": spec.model.model_dump() | {"design": {}}})
    with pytest.raises(ValidationError, match="no model 'gru'"):
        RunSpec.model_validate(spec.model_dump() | {"model": {"name": "gru"}})
    with pytest.raises(RunError, match="reads no item texts"):
        _ = spec.design


def test_titles_and_forecast_name_the_model(movies):
    run = create_run(plan_run(movies.name, model="sasrec-ce", budget="standard"))
    assert run.title == f"{movies.name} · SASRec, cross-entropy · standard · uni100"
    assert create_run(plan_run(movies.name, model="popularity")).title == f"{movies.name} · Popularity · uni100"
    long, short = (forecast(plan_run(movies.name, model="bert4rec", budget=name)) for name in ("standard", "quick"))
    assert long.seconds > short.seconds > 0 and "GFLOP/s" in long.basis
