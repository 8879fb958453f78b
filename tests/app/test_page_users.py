import shutil

import numpy as np
import pytest
from pages_common import texts

from upsr_core.datasets.store import load_dataset
from upsr_core.explain.explanation import explain
from upsr_core.explain.users_to_inspect import ORDERS
from upsr_core.plm.loading import locate
from upsr_core.runs import queue
from upsr_core.runs.run import create_run
from upsr_core.runs.spec import plan_run
from upsr_core.runs.user_ranking import evaluated_users, load_ranker, ranked
from upsr_core.runs.worker import work_on
from upsr_core.storage.records import seal_folder
from upsr_core.text.saved_designs import PRESETS


def test_no_run_yet(studio):
    at = studio("users")
    assert "No finished trial yet" in at.info[0].value


def test_a_user_with_history_target_and_candidates(studio, finished_run):
    run = finished_run(0.3)
    user = int(evaluated_users(run).user[3])
    data = load_dataset("sample:movies")
    at = studio("users", runs=run.id, user=str(data.users[user]))
    history, candidates = at.dataframe[1].value, at.dataframe[2].value
    assert history.item_id.tolist() == data.items.item_id.iloc[data.history(user)[:-1]].tolist()
    expected = ranked(run, user)
    assert candidates.item_id.tolist() == expected.item_id.tolist()
    target = expected[expected.target].iloc[0]
    assert at.metric[0].value == f"{target['rank']:g} of 101"
    assert data.items.item_id[data.history(user)[-1]] in texts(at)


def test_best_and_worst_go_by_the_rank(studio, finished_run):
    run = finished_run(0.3)
    ranks = evaluated_users(run)["rank"]
    at = studio("users", runs=run.id)
    for order, rank in (("best", ranks.min()), ("worst", ranks.max())):
        at.segmented_control(key="user_order").set_value(order).run()
        assert at.metric[0].value == f"{rank:g} of 101"


def test_filters_and_search_find_users(studio, finished_run):
    run = finished_run(0.3)
    data, users = load_dataset("sample:movies"), evaluated_users(run)
    at = studio("users", runs=run.id)
    assert "gain" not in at.segmented_control(key="user_order").options, "it takes two trials"
    at.checkbox(key="user_cold").check().run()
    cold = int(users.cold.sum())
    assert (f"of {cold}" in texts(at)) if cold else ("No user is left" in at.info[0].value)
    at.checkbox(key="user_cold").uncheck().run()
    target = data.items.iloc[int(users.target.iloc[5])]
    at.text_input(key="user_words").set_value(target.item_id).run()
    assert "items match" in texts(at) and not at.exception
    found = at.dataframe(key="users_table").value.user_id.tolist()
    assert users.user_id.iloc[5] in found and len(found) < len(users)
    at.text_input(key="user_words").set_value("nothing at all like this").run()
    assert "No user is left" in at.info[0].value


@pytest.fixture
def explainable(finished_run, small_t5):
    """A finished run that has a model."""
    run = finished_run(0.3)
    shutil.copytree(small_t5, run.folder / "model")
    seal_folder(run.folder / "model")
    return run


def test_a_link_opens_this_user_and_these_candidates(studio, explainable):
    run = explainable
    user = int(evaluated_users(run).user[3])
    data = load_dataset("sample:movies")
    ids = ranked(run, user).item_id
    name = str(data.users[user])
    at = studio("users", runs=run.id, user=name, view="why", a=ids[4], b=ids[9])
    assert not at.exception and not at.error
    assert at.selectbox(key="pair_a").value == ids[4] and at.selectbox(key="pair_b").value == ids[9]
    expected = explain(run, name, ids[4], ids[9])
    assert f"by {abs(expected.lead):.3f}" in texts(at)
    parts = next(frame.value for frame in at.dataframe if "wording" in frame.value)
    np.testing.assert_allclose(parts.difference.iloc[-1], expected.lead, atol=1e-6)
    assert "differ by up to" in at.warning[0].value, "the stored scores of this test are not the model's"
    command = next(code.value for code in at.code if code.value.startswith("upsr explain"))
    assert ids[4] in command and name in command
    at.button(key="pair_swap").click().run()
    assert at.selectbox(key="pair_a").value == ids[9] and ids[9] in at.query_params["a"]
    at.segmented_control(key="history_method_leave-one-out_gradients").set_value("gradients").run()
    assert "An approximation" in texts(at) and not at.exception
    at.button(key="user_next").click().run()
    assert ids[9] not in at.query_params["a"], "the pair belongs to one user"


@pytest.mark.parametrize("model", ["text-similarity", "linear-probe"])
def test_a_score_without_parts_is_explained_by_its_history(studio, stocked, model):
    design = PRESETS["Title only"]
    run = create_run(plan_run("sample:movies", design, budget="smoke", model=model))
    queue.enqueue(run)
    work_on(run)
    name = evaluated_users(run).user_id.iloc[0]
    at = studio("users", runs=run.id, user=name, view="why")
    assert not at.exception and not at.error
    assert "it has no parts" in at.info[0].value and not at.warning, "what is stored is what its model gives"
    assert "--method" not in command_of(at), "the usual method needs no naming"
    at.segmented_control(key="history_method_contributions_leave-one-out").set_value("leave-one-out").run()
    assert not at.exception and "leave one out, exact" in texts(at)
    assert command_of(at).endswith("--method leave-one-out"), "the command gives what is shown"
    assert any('method="leave-one-out"' in code.value for code in at.code)
    at = studio("users", runs=run.id, user=name, view="what-if")
    assert not at.exception and not at.error and "only the history can be changed" in texts(at)


def command_of(at) -> str:
    return next(code.value for code in at.code if code.value.startswith("upsr explain"))


def test_a_link_to_something_unknown_says_so(studio, explainable):
    at = studio("users", runs=f"{explainable.id},gone", user="nobody", view="why", a="nothing")
    said = " ".join(warning.value for warning in at.warning)
    assert "gone" in said and "nobody" in said
    assert "no item 'nothing'" in at.error[0].value.replace("\\", "") and not at.exception


def test_what_if_shows_before_and_after_and_stores_nothing(studio, explainable):
    run = explainable
    before = load_dataset("sample:movies").items
    at = studio("users", runs=run.id, view="what-if")
    assert "Nothing is changed yet" in at.info[0].value
    at.selectbox(key="what_if_design").set_value("Title only").run()
    assert not at.exception and "Candidates that moved" in [metric.label for metric in at.metric]
    assert "trained with" in texts(at)
    at.button(key="what_if_undo").click().run()
    assert "Nothing is changed yet" in at.info[0].value
    field = next(box for box in at.text_input if box.key.endswith("_title_1"))
    field.set_value("<b>Another</b> title \u202e").run()
    table = at.dataframe[-1].value
    assert table.edited.sum() == 1 and not at.exception
    at.text_input(key="what_if_words").set_value(before.title[5]).run()
    at.button[[button.label for button in at.button].index("Add as the newest")].click().run()
    assert not at.exception
    assert load_dataset("sample:movies").items.equals(before)


def test_models_side_by_side(studio, finished_run):
    first, second = finished_run(0.3), finished_run(0.0, "title")
    at = studio("users", runs=f"{first.id},{second.id}", view="sides")
    assert not at.exception and not at.error
    agreement = next(frame.value for frame in at.dataframe if "tau" in frame.value)
    assert len(agreement) == 3, "two trials and popularity"
    assert "cannot be told apart" in " ".join(header.value for header in at.subheader)
    assert {"gain", "loss"} <= set(ORDERS)
    at.segmented_control(key="user_order").set_value("gain").run()
    assert not at.exception and at.dataframe(key="users_table").value.gain.min() > 0


def test_runs_side_by_side_and_another_score(studio, finished_run):
    first, second = finished_run(0.3), finished_run(0.0, "title")
    at = studio("users", runs=f"{first.id},{second.id}")
    assert [metric.label for metric in at.metric].count("Rank of the target") == 2
    at.segmented_control(key="rank_by").set_value("popularity").run()
    assert not at.exception
    user = int(evaluated_users(first).user[0])
    target = ranked(first, user, "popularity").query("target").iloc[0]
    assert at.metric[0].value == at.metric[3].value == f"{target['rank']:g} of 101"


def test_a_user_that_was_not_evaluated_is_explained(studio, finished_run):
    run = finished_run(0.3)
    data = load_dataset("sample:movies")
    outside = next(u for u in range(len(data.users)) if u not in set(evaluated_users(run).user))
    at = studio("users", runs=run.id)
    at.text_input(key="user_search").set_value(data.users[outside]).run()
    assert "No user here" in at.error[0].value and not at.exception


def test_the_best_of_the_whole_catalogue(studio, finished_run):
    run = finished_run(0.3)
    user = int(evaluated_users(run).user[0])
    data = load_dataset("sample:movies")
    at = studio("users", runs=run.id, user=str(data.users[user]))
    at.toggle(key="whole_catalogue").set_value(True).run()
    assert "no trained model" in at.error[0].value
    shutil.copytree(locate("embedded"), run.folder / "model")
    seal_folder(run.folder / "model")
    at.run()
    assert not at.exception and not at.error
    history = data.history(user)[:-1]
    allowed = np.setdiff1d(np.arange(len(data.items)), history)
    scores = load_ranker(run).scores([history], lambda _: allowed)[0]
    shown = at.dataframe[-1].value
    assert len(shown) == 10
    np.testing.assert_allclose(shown.score, np.sort(scores)[::-1][:10], atol=1e-5)
    assert any(caption.value.startswith("Exact") for caption in at.caption)
