"""What-ifs: each makes another instance, and nothing stored changes."""

import numpy as np
import pandas as pd

from upsr_core.explain.attribution import difference, largest
from upsr_core.explain.instance import instance_of, pair_of
from upsr_core.explain.leave_one_out import item_effects, leave_out
from upsr_core.likelihood.candidate_scorer import TokenLogProbs
from upsr_core.models.base import InstanceScores
from upsr_core.models.token_scores import TokenScores
from upsr_core.plm.loading import load_tokenizer
from upsr_core.runs.user_ranking import find_user
from upsr_core.text.design import ItemDesign
from upsr_core.text.render import ItemTexts


def test_edits_make_other_cases(runs, user):
    run = runs["perplexity"]
    data = run.spec.dataset.load()
    before = data.items.copy()
    instance = instance_of(run, find_user(data, user))
    ids = instance.history.item_id.tolist()
    assert instance.without(1).history.item_id.tolist() == [ids[0], *ids[2:]]
    new = int(np.setdiff1d(np.arange(len(data.items)), instance.history.item)[0])
    assert instance.with_item(data, new, 2).history.item_id.tolist() == [*ids[:2], data.items.item_id[new], *ids[2:]]
    assert instance.in_order([2, 0]).history.item_id.tolist() == [ids[2], ids[0]]
    edited = instance.with_text("candidates", 3, title="Another").with_text("history", 0, brand="Own")
    assert edited.candidates.title[3] == "Another" and edited.history.brand[0] == "Own"
    assert (instance.without_attribute("title").history.title == "").all()
    assert instance.history.item_id.tolist() == ids and instance.candidates.title[3] != "Another"
    pd.testing.assert_frame_equal(data.items, before)


def test_the_pair_left_open_is_the_target_and_the_best_other(runs, user):
    run = runs["perplexity"]
    instance = instance_of(run, find_user(run.spec.dataset.load(), user))
    a, b = pair_of(instance)
    ranks = instance.candidates.stored_rank
    assert instance.candidates.target[a] or instance.candidates.target[b]
    assert ranks[a] < ranks[b]
    third = instance.candidates.item_id[instance.candidates.index[~instance.candidates.target][2]]
    assert instance.candidates.item_id[pair_of(instance, a=third)[0]] == third
    assert instance.candidates.target[pair_of(instance, b=third)[0]]


class OnlyOneItemMatters:
    """Scores candidate 0 by whether the one item is there, and everything a little by how long the history is."""

    def __init__(self, item: int):
        self.item = item

    def read(self, instances, progress=None):
        return [
            InstanceScores(np.array([2.0 * (self.item in seen.item.tolist()), 0.0]) + 0.1 * len(seen))
            for seen in (instance.history for instance in instances)
        ]


def test_the_one_item_that_matters_is_found(runs, user):
    instance = instance_of(runs["popularity"], find_user(runs["popularity"].spec.dataset.load(), user))
    for place, item in enumerate(instance.history.item):
        table = item_effects(instance, leave_out(instance, OnlyOneItemMatters(item), ()), 0, 1)
        assert table.effect.abs().idxmax() == place and table.effect[place] == 2
        assert np.isclose(table.effect_b, 0.1).all()


def made_scores(values: list[list[float]], texts: list[tuple[str, str]]) -> TokenScores:
    """Texts of title and brand whose tokens, one a word, have these values."""
    items = pd.DataFrame(texts, columns=["title", "brand"])
    rendered = ItemTexts(ItemDesign.of("title,brand", template="{title} {brand}"), items, load_tokenizer("embedded"))
    flat, offsets = np.concatenate(values), np.concatenate([[0], np.cumsum([len(part) for part in values])])
    assert offsets.tolist() == rendered.offsets.tolist(), "each word is one token"
    return TokenScores(
        rendered, TokenLogProbs(flat.astype(np.float32), offsets), np.zeros(len(flat)), np.zeros(len(offsets) - 1), 0
    )


def test_the_difference_by_hand():
    """The same lengths: only wording counts, and it is the plain difference of the parts."""
    scored = made_scores([[-1, -3, -2], [-1, -3, -5]], [("red drum", "house"), ("red table", "water")])
    table = difference(scored, 0, 1).set_index("attribute")
    np.testing.assert_allclose(table.difference, [0, 1])
    np.testing.assert_allclose(table.wording, [0, 1])
    np.testing.assert_allclose(table.length, [0, 0], atol=1e-12)
    assert largest(table.reset_index()) == "brand"
    np.testing.assert_allclose(table.part_a, [-4 / 3, -2 / 3])
    np.testing.assert_allclose(table.lift_a - table.lift_b, table.difference)


def test_an_attribute_that_is_not_there_counts_by_where_it_lies():
    """b has no brand. Its middle is -2.5: a brand at -1 lifts a, one at -4 would weigh it down."""
    for brand, sign in ((-1.0, 1), (-8.0, -1)):
        scored = made_scores([[-2, -3, brand], [-2, -3]], [("red drum", "house"), ("red drum", "")])
        table = difference(scored, 0, 1).set_index("attribute")
        assert np.sign(table.difference["brand"]) == sign and table.wording["brand"] == 0
        assert np.isclose(table.difference.sum(), scored.scores[0] - scored.scores[1])
        np.testing.assert_allclose(table.lift_a - table.lift_b, table.difference)
        assert table.part_b["brand"] == 0 and table.tokens_b["brand"] == 0
