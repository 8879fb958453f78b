"""Users worth looking at, search, and models side by side, on tables whose right answer is seen at once."""

import numpy as np
import pandas as pd
import pytest

from upsr_core.explain import users_to_inspect
from upsr_core.explain.item_search import ItemIndex, users_with
from upsr_core.explain.model_agreement import agreement, correlation, leanings, side_by_side
from upsr_core.explain.users_to_inspect import ORDERS, in_order, users_worth_looking_at
from upsr_core.models.instance import Instance
from upsr_core.runs.user_ranking import evaluated_users

ITEMS = pd.DataFrame(
    {
        "item_id": ["i0", "i1", "i2", "i3", "B0AB"],
        "title": ["Red drum", "Drum of the north", "Café table", "drummer's red red red stool", "鼓"],
        "brand": ["Zyq", "", "Zyq", "Ölmo", ""],
    }
)


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("drum", {0, 1, 3}),
        ("DRUM red", {0, 3}),
        ("cafe", {2}),
        ("olmo", {3}),
        ("zyq", {0, 2}),
        ("b0ab", {4}),
        ("鼓", {4}),
        ("nothing", set()),
        ("drum nothing", set()),
        ("   !? ", set()),
    ],
)
def test_every_word_must_begin_a_word_of_the_item(query, expected):
    assert set(ItemIndex(ITEMS).find(query).tolist()) == expected


def test_whole_words_come_before_beginnings_and_the_number_is_limited():
    index = ItemIndex(ITEMS)
    assert index.find("drum").tolist()[-1] == 3, "drummer only begins like it"
    assert len(index.find("drum", 2)) == 2
    assert not len(ItemIndex(ITEMS.assign(item_id="", title="", brand="")).find("drum"))


def test_users_that_have_an_item():
    assert users_with([np.array([0, 1]), np.array([2])], np.array([1, 4])).tolist() == [True, False]


def users() -> pd.DataFrame:
    table = {"user": [0, 1, 2, 3], "row": [0, 1, 2, 3], "rank": [1.0, 50.0, 2.0, 9.0]}
    table |= {"cold": [False, True, False, True], "margin": [0.5, 0.1, np.inf, 0.3]}
    table |= {"other_rank": [2.0, 1.0, 2.0, 10.0]}
    table["gain"] = 1 / np.array(table["rank"]) - 1 / np.array(table["other_rank"])
    return pd.DataFrame(table)


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        ("stored", [0, 1, 2, 3]),
        ("best", [0, 2, 3, 1]),
        ("worst", [1, 3, 2, 0]),
        ("gain", [0, 3]),
        ("loss", [1]),
        ("tie", [1, 3, 0]),
        ("cold", [3, 1]),
    ],
)
def test_orders(order, expected):
    assert in_order(users(), order).user.tolist() == expected
    assert set(ORDERS) == {"stored", "best", "worst", "gain", "loss", "tie", "cold"}


def test_margins_and_gains_of_stored_runs(runs):
    run, other = runs["perplexity"], runs["popularity"]
    table = users_worth_looking_at(run, other)
    assert table.user.tolist() == evaluated_users(run).user.tolist()
    scores = run.scores()
    first = scores[scores.row == 0]
    own = first.logprob / first.tokens
    apart = (own - own[first.target].iloc[0]).abs()
    assert table.margin[0] == pytest.approx(apart[apart > 0].min())
    np.testing.assert_allclose(table.gain, 1 / table["rank"] - 1 / table.other_rank)


def test_gains_are_over_the_same_target(monkeypatch):
    """Of a user with several instances two runs may have evaluated different ones."""
    ours = {"user": [0, 0, 1], "row": [0, 1, 2], "end": [1, 2, 1], "target": [5, 6, 7], "rank": [1.0, 4.0, 2.0]}
    theirs = {"user": [0, 1], "row": [0, 1], "end": [2, 1], "target": [6, 7], "rank": [2.0, 1.0]}
    tables = {
        name: pd.DataFrame(table).assign(user_id="u", cold=False, ties=0)
        for name, table in (("ours", ours), ("theirs", theirs))
    }
    monkeypatch.setattr(users_to_inspect, "evaluated_users", tables.get)
    monkeypatch.setattr(
        users_to_inspect, "_margins", lambda run: pd.DataFrame({"row": [0, 1, 2], "margin": [0.1, 0.2, 0.3]})
    )
    table = users_worth_looking_at("ours", "theirs")
    assert table.row.tolist() == [1, 2] and table.margin.tolist() == [0.2, 0.3]
    assert table.gain.tolist() == [1 / 4 - 1 / 2, 1 / 2 - 1]
    assert users_worth_looking_at("ours").row.tolist() == [0, 2]


def instance(count: int) -> Instance:
    table = {"item": range(count), "item_id": [f"i{n}" for n in range(count)], "target": np.arange(count) == 0}
    return Instance(None, pd.DataFrame(), pd.DataFrame({**table, "popularity": 1}))


def test_where_models_part():
    scores = {"one": np.array([3.0, 2.0, 1.0, 0.0]), "two": np.array([0.0, 2.0, 1.0, 3.0])}
    table = side_by_side(instance(4), scores)
    assert table.item_id.tolist() == ["i0", "i3", "i1", "i2"] and table.apart.tolist() == [3, 3, 0, 0]
    row = agreement({**scores, "three": -scores["one"]}).set_index(["a", "b"]).tau
    assert row["one", "three"] == -1 and row["one", "two"] == pytest.approx(-2 / 3)


def test_what_scores_lean_towards():
    rng = np.random.default_rng(0)
    table = pd.DataFrame({"row": np.repeat(np.arange(40), 20), "item": np.tile(np.arange(20), 40)})
    table["popularity"], table["tokens"] = rng.integers(0, 1000, 800), rng.integers(5, 40, 800)
    table["score"] = -table.tokens.astype(float)
    found = leanings(table).set_index("property")
    assert found["mean"]["text length"] == pytest.approx(-1) and found.users["text length"] == 40
    assert found.low["popularity"] < 0 < found.high["popularity"]
    lengths = pd.Series(np.arange(20))
    other = leanings(table.drop(columns="tokens").assign(score=table.item.astype(float)), lengths)
    assert other.set_index("property")["mean"]["text length"] == pytest.approx(1)
    assert np.isnan(correlation([1, 1, 1], [1, 2, 3])) and correlation([1, 2, 5], [10, 20, 30]) == 1
