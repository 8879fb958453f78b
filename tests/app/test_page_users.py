import shutil

import numpy as np
from pages_common import texts

from upsr_core.datasets.store import load_dataset
from upsr_core.experiments.ranking import evaluated_users, load_ranker, ranked
from upsr_core.plm.door import locate


def test_no_run_yet(studio):
    at = studio("users")
    assert "No finished trial yet" in at.info[0].value


def test_a_user_with_history_target_and_candidates(studio, finished_run):
    run = finished_run(0.3)
    user = int(evaluated_users(run).user[3])
    data = load_dataset("sample:movies")
    at = studio("users", runs=run.id, user=str(data.users[user]))
    history, candidates = at.dataframe[0].value, at.dataframe[1].value
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
    for order, rank in (("Best", ranks.min()), ("Worst", ranks.max())):
        at.segmented_control(key="user_order").set_value(order).run()
        assert at.metric[0].value == f"{rank:g} of 101"


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
    at.run()
    assert not at.exception and not at.error
    history = data.history(user)[:-1]
    allowed = np.setdiff1d(np.arange(len(data.items)), history)
    scores = load_ranker(run).scores([history], lambda _: allowed)[0]
    shown = at.dataframe[-1].value
    assert len(shown) == 10
    np.testing.assert_allclose(shown.score, np.sort(scores)[::-1][:10], atol=1e-5)
    assert any(caption.value.startswith("Exact") for caption in at.caption)
