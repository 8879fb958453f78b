"""The models that UPSR is measured against, on the pages: chosen, started, shown, judged."""

import json

import pytest
from pages_common import texts

from upsr_core.datasets.store import load_dataset
from upsr_core.models.registry import MODELS
from upsr_core.runs import queue
from upsr_core.runs.run import create_run
from upsr_core.runs.spec import plan_run
from upsr_core.runs.user_ranking import evaluated_users, ranked
from upsr_core.runs.worker import work_on


@pytest.fixture
def popular(stocked):
    run = create_run(plan_run("sample:movies", model="popularity", mode="full"))
    queue.enqueue(run)
    work_on(run)
    return run


def test_a_rival_is_chosen_and_started_without_a_design(studio, monkeypatch):
    started = []
    monkeypatch.setattr(queue, "start", lambda run: started.append(run))
    at = studio("trials")
    at.selectbox(key="model_choice").set_value("sasrec-ce").run()
    assert not [box for box in at.selectbox if box.key in ("trial_design", "plm_choice")]
    assert "Kang and McAuley" in texts(at) and "epochs" in texts(at)
    at.segmented_control(key="budget").set_value("smoke").run()
    at.button(key="start").click().run()
    assert not at.exception and not at.error
    (run,) = started
    assert run.spec.model.name == "sasrec-ce" and run.spec.candidates.mode == "full" and not run.spec.reads_text


def test_every_model_of_the_registry_is_offered_with_what_it_takes(studio, monkeypatch):
    started = []
    monkeypatch.setattr(queue, "start", lambda run: started.append(run))
    at = studio("trials")
    assert at.selectbox(key="model_choice").options == [kind.title for kind in MODELS.values()]
    for name, kind in MODELS.items():
        at.selectbox(key="model_choice").set_value(name).run()
        assert not at.exception and not at.error, name
        shown = {box.key for box in [*at.selectbox, *at.segmented_control]}
        assert ("trial_design" in shown) == kind.reads_text and ("recipe" in shown) == bool(kind.recipes), name
        budget = at.segmented_control(key="budget").value
        opened = [box.label for box in at.expander if box.label.startswith("Not as published")]
        expected = kind.differences(budget)
        assert opened == ([f"Not as published: {len(expected)}"] if expected else []), name
        at.button(key="start").click().run()
        assert not at.exception and not at.error, name
    assert [run.spec.model.name for run in started] == list(MODELS)


def test_several_modes_are_trials_of_one_training(studio, monkeypatch):
    started = []
    monkeypatch.setattr(queue, "start", lambda run: started.append(run))
    at = studio("trials")
    assert at.segmented_control(key="modes_uni100").value == ["uni100"], "as a trial of UPSR is ranked"
    at.selectbox(key="model_choice").set_value("sasrec-ce").run()
    at.segmented_control(key="modes_full").set_value(["uni100", "full"]).run()
    (start,) = [button for button in at.button if button.key == "start"]
    assert start.label == "Start 2 trials"
    start.click().run()
    assert [run.spec.candidates.mode for run in started] == ["uni100", "full"] and not at.exception
    assert len({run.spec.training_digest for run in started}) == 1
    at.segmented_control(key="modes_full").set_value([]).run()
    assert "at least one of uni100" in "".join(box.value for box in at.info) and not at.exception


def test_weights_of_another_trial_are_named(studio, finished_run):
    run = finished_run(1.0)
    run.model_folder.mkdir()
    run.note_training("0123456789abcdef", 95.0)
    trained = {"trained_by": run.trained_by, "training_seconds": run.training_seconds}
    run.write_result(run.finished_result().model_copy(update=trained))
    assert "trained by run 0123456789abcdef in 1 min 35 s" in texts(studio("trials", run=run.id))


def test_an_encoder_is_refused_for_upsr_and_named_for_unisrec(studio, tmp_path):
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "bert", "hidden_size": 8}))
    (tmp_path / "model.safetensors").write_bytes(b"weights")
    (tmp_path / "vocab.txt").write_text("[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\nlamp\n")
    at = studio("trials", plm=str(tmp_path))
    assert "is not a T5 but an encoder, bert" in at.error[0].value and not at.exception
    at = studio("trials", plm=str(tmp_path), model="unisrec")
    assert "BERT-like" in texts(at) and not at.error and not at.exception


def test_a_model_of_texts_takes_the_design(studio, monkeypatch):
    started = []
    monkeypatch.setattr(queue, "start", lambda run: started.append(run))
    at = studio("trials")
    at.selectbox(key="model_choice").set_value("unisrec").run()
    at.selectbox(key="trial_design").set_value("Title only").run()
    at.button(key="start").click().run()
    (run,) = started
    assert run.spec.design.finetune.attributes == ("title",) and run.spec.plm.name == "embedded"


def test_a_rival_beside_upsr(studio, popular, finished_run):
    ours = finished_run(0.3)
    at = studio("trials", run=popular.id)
    assert (
        at.warning[0].value.startswith(("Uses the history: no.", "Uses the history: not shown (all"))
        and not at.exception
    )
    health = next(frame.value for frame in at.dataframe if "verdict" in frame.value and "measure" in frame.value)
    assert set(health.verdict) == {"no reference"} and len(health) == 1, "the baselines, without our own"
    user = int(evaluated_users(ours).user[0])
    name = str(load_dataset("sample:movies").users[user])
    at = studio("users", runs=f"{ours.id},{popular.id}", user=name)
    expected = ranked(popular, user).query("target").iloc[0]
    shown = [metric for metric in at.metric if metric.label == "Rank of the target"]
    assert shown[1].value == f"{expected['rank']:g} of {expected.of:,}"
    assert "Score of the target" in [metric.label for metric in at.metric] and not at.exception
