"""One training, several candidate modes: who trains, who takes the weights, and what stays when a run is deleted."""

import json
import os

import pandas as pd
import pytest
from typer.testing import CliRunner

from upsr_core.cli.main import app
from upsr_core.comparison.cost import cost
from upsr_core.comparison.entries import load
from upsr_core.datasets.importing import import_dataset
from upsr_core.datasets.sample import sample_files, sample_name
from upsr_core.runs import queue, weight_reuse
from upsr_core.runs.forecast import forecast
from upsr_core.runs.run import create_run, delete_run, list_runs
from upsr_core.runs.spec import plan_run
from upsr_core.runs.user_ranking import evaluated_users, load_ranker, ranked
from upsr_core.runs.weight_reuse import trained_run
from upsr_core.runs.worker import work_on
from upsr_core.text.design import ItemDesign, parse_design
from workshop.small_runs import with_training


def planned(movies, model, mode):
    design = parse_design("title") if model == "upsr" else None
    spec = plan_run(movies.name, design, budget="smoke", mode=mode, model=model)
    few = (
        {"tokens": 1000, "batch_tokens": 512, "evaluations": 1}
        if model == "upsr"
        else {"width": 16, "inner": 32, "batch": 64}
    )
    candidates = spec.candidates.model_copy(update={"users": 3})
    return with_training(spec, **few).model_copy(update={"validation_users": 3, "candidates": candidates})


def finish(run):
    queue.enqueue(run)
    return work_on(run)


@pytest.mark.parametrize("model", ["upsr", "sasrec-ce"])
def test_a_second_mode_trains_nothing_and_equals_a_run_that_trained_itself(movies, model):
    alone = create_run(planned(movies, model, "pop100"))
    result, curve, users = finish(alone), alone.curve(), alone.per_user()
    assert result.trained_by == alone.id and result.training_seconds > 0
    delete_run(alone)
    first = create_run(planned(movies, model, "uni100"))
    finish(first)
    second = create_run(planned(movies, model, "pop100"))
    queue.enqueue(second)
    phases = set()
    again = work_on(second, lambda done, total, phase: phases.add(phase))
    assert phases == {"evaluating"}
    assert again.trained_by == first.id == second.trained_by and again.metrics == result.metrics
    assert again.training_seconds == first.result().training_seconds
    pd.testing.assert_frame_equal(second.curve(), curve)
    pd.testing.assert_frame_equal(second.per_user(), users)
    delete_run(first)
    user = int(evaluated_users(second).user[0])
    assert ranked(second, user).target.sum() == 1
    load_ranker(second)
    third = create_run(planned(movies, model, "full"))
    assert weight_reuse.take_weights(third) and third.trained_by == first.id, "who trained stays known"


def test_weights_are_linked_or_copied_whole(movies, monkeypatch):
    first = create_run(planned(movies, "sasrec-ce", "full"))
    finish(first)
    second = create_run(planned(movies, "sasrec-ce", "pop100"))
    assert weight_reuse.take_weights(second)
    for file in first.model_folder.iterdir():
        assert (second.model_folder / file.name).samefile(file)

    def refuse(*_):
        raise OSError("this file system has no links")

    monkeypatch.setattr(os, "link", refuse)
    third = create_run(planned(movies, "sasrec-ce", "uni100"))
    assert weight_reuse.take_weights(third)
    for file in first.model_folder.iterdir():
        copy = third.model_folder / file.name
        assert not copy.samefile(file) and copy.read_bytes() == file.read_bytes()


def test_weights_that_vanish_while_they_are_taken_are_trained_anew(movies, monkeypatch):
    first = create_run(planned(movies, "sasrec-ce", "full"))
    finish(first)
    link = weight_reuse._link

    def too_late(source, target):
        delete_run(first)
        link(source, target)

    monkeypatch.setattr(weight_reuse, "_link", too_late)
    second = create_run(planned(movies, "sasrec-ce", "pop100"))
    assert finish(second).trained_by == second.id


def test_what_makes_a_training_another_one(movies):
    spec = planned(movies, "upsr", "uni100")
    other = spec.candidates.model_copy(update={"mode": "full", "users": 9})
    assert spec.model_copy(update={"candidates": other}).training_digest == spec.training_digest
    seeded = spec.candidates.model_copy(update={"seed": 1})  # the validation is drawn with the same seed
    different = {
        "candidates": seeded, "validation_users": 6,
    }  # fmt: skip
    others = [
        {"design": parse_design("title,brand")},
        {"score": spec.model.score.model_copy(update={"name": "conditional"})},
        {"training": spec.model.training.model_copy(update={"seed": 1})},
    ]
    changes = [{name: value} for name, value in different.items()]
    changes += [{"model": spec.model.model_copy(update=update)} for update in others]
    digests = {spec.model_copy(update=update).training_digest for update in changes}
    assert len(digests | {spec.training_digest}) == len(changes) + 1
    assert trained_run(plan_run(movies.name, model="popularity")) is None


def test_the_forecast_counts_a_training_once(movies):
    specs = [plan_run(movies.name, model="sasrec-ce", budget="standard", mode=mode) for mode in ("full", "pop100")]
    one, both = forecast(specs[0]), forecast(*specs)
    assert both.training_seconds == one.training_seconds > 0 and both.evaluation_seconds > one.evaluation_seconds
    create_run(specs[0]).model_folder.mkdir()
    left = forecast(specs[1])
    assert left.training_seconds == 0 and left.seconds < one.seconds and "trained already" in left.basis


def pretrained_first(movies, model, finetune="title"):
    """Two smoke runs of other fine-tuning texts share their pre-training on another domain."""
    other = import_dataset(sample_name("pantry"), *sample_files("pantry"), synthetic=True)
    design = parse_design("title").model_copy(update={"finetune": ItemDesign.of(finetune)})
    spec = plan_run(movies.name, design, budget="smoke", model=model, pretrain_on=(other.name,))
    few = {"tokens": 1000, "pretrain_tokens": 2000, "batch_tokens": 512, "evaluations": 1} if model == "upsr" else {}
    candidates = spec.candidates.model_copy(update={"users": 3})
    return with_training(spec, **few).model_copy(update={"validation_users": 3, "candidates": candidates})


@pytest.mark.parametrize("model", ["upsr", "unisrec"])
def test_one_pretraining_serves_several_runs(movies, model):
    alone = create_run(pretrained_first(movies, model, "title,brand"))
    result, users = finish(alone), alone.per_user()
    assert alone.pretraining_elsewhere == 0
    delete_run(alone)
    first = create_run(pretrained_first(movies, model))
    finish(first)
    second = create_run(alone.spec)

    assert forecast(second.spec).training_seconds < forecast(different_seed(second.spec)).training_seconds
    queue.enqueue(second)
    phases = set()
    again = work_on(second, lambda done, total, phase: phases.add(phase))
    assert "pre-training" not in phases and "training" in phases
    assert again.metrics == result.metrics and again.trained_by == second.id
    pd.testing.assert_frame_equal(second.per_user(), users)
    assert second.pretraining_elsewhere > 0 and again.training_seconds >= second.pretraining_elsewhere
    costs = cost(load([first, second])).set_index("run").seconds
    assert costs[second.id] == pytest.approx(again.seconds + second.pretraining_elsewhere)
    assert costs[first.id] == pytest.approx(first.result().seconds)


def different_seed(spec):
    return spec.model_copy(update={"model": spec.model.with_seed(9)})


def test_what_makes_a_pretraining_another_one(movies):
    spec = pretrained_first(movies, "upsr")
    same = {
        "model": spec.model.with_training(tokens=9000, evaluations=3),
        "validation_users": 6,
        "candidates": spec.candidates.model_copy(update={"mode": "full"}),
    }
    for name, value in same.items():
        assert spec.model_copy(update={name: value}).pretraining_digest == spec.pretraining_digest, name
    different = {
        "model": spec.model.with_training(pretrain_tokens=4000), "pretrain_on": (spec.dataset,),
        "split": spec.split.model_copy(update={"kind": "leave-last-k", "k": 2}),
    }  # fmt: skip
    digests = {spec.model_copy(update={name: value}).pretraining_digest for name, value in different.items()}
    assert len(digests | {spec.pretraining_digest, different_seed(spec).pretraining_digest}) == len(different) + 2
    assert spec.model_copy(update={"pretrain_on": ()}).pretraining_digest is None


def test_several_modes_on_the_command_line(movies):
    command = ["run", "--dataset", movies.name, "--model", "sasrec-ce", "--budget", "smoke", "--json", "--mode"]
    refused = CliRunner().invoke(app, [*command, "full,half"])
    assert refused.exit_code != 0 and "mode 'half'" in str(refused.exception) and list_runs() == []
    done = CliRunner().invoke(app, [*command, "full, pop100"])
    assert done.exit_code == 0, done.output
    results = json.loads(done.stdout.splitlines()[-1])["runs"]
    assert [name for result in results for name in result["metrics"] if "NDCG@10" in name] == [
        "NDCG@10 (full)",
        "NDCG@10 (pop100)",
    ]
    assert {result["trained_by"] for result in results} == {results[0]["run"]}
    assert f"trained by run {results[0]['run']}" in " ".join(done.output.split())
    again = CliRunner().invoke(app, [*command, "full,pop100", "--again"])
    repeated = json.loads(again.stdout.splitlines()[-1])["runs"]
    assert [r["metrics"] for r in repeated] == [r["metrics"] for r in results]
    assert repeated[0]["finished"] > results[1]["finished"] and repeated[0]["trained_by"] == repeated[0]["run"]
