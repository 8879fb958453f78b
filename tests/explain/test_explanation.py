"""Explanations against scores that are taken by another way."""

import numpy as np
import pytest

from upsr_core.errors import RunError
from upsr_core.explain.attribution import attribute_parts, difference, sum_error, token_parts
from upsr_core.explain.explanation import explain
from upsr_core.explain.instance import PRIOR, instance_of, pair_of
from upsr_core.explain.leave_one_out import attribute_effects, item_effects, leave_out
from upsr_core.likelihood.reference import reference_log_likelihood
from upsr_core.likelihood.scores import SCORES, TEMPERATURE
from upsr_core.runs.user_ranking import find_user, load_ranker, ranked
from upsr_core.text.catalogue_overview import identical_groups


@pytest.mark.parametrize("name", SCORES)
def test_parts_sum_to_the_score_that_the_ranker_gives(runs, user, name):
    run = runs[name]
    number = find_user(run.spec.dataset.load(), user)
    instance, ranker = instance_of(run, number), load_ranker(run)
    scored = ranker.read([instance])[0].tokens
    [expected] = ranker.scores([instance.history.item.to_numpy()], lambda _: instance.candidates.item.to_numpy())
    np.testing.assert_allclose(scored.scores, expected, atol=1e-5)
    np.testing.assert_allclose(scored.scores, instance.candidates.stored, atol=1e-5)
    assert sum_error(scored) < 1e-9
    parts = attribute_parts(scored).groupby("candidate").part.sum()
    for place in (0, 7, 100):
        tokens = token_parts(scored, place)
        said = expected[place] - scored.beside[place]
        assert tokens.part.sum() == pytest.approx(said, abs=1e-5)
        assert parts[place] == pytest.approx(said, abs=1e-5)
        text = ranker.texts.item(int(instance.candidates.item[place]))
        assert "".join(tokens.token).strip() == text.text[: len("".join(tokens.token).strip())]
        assert (tokens.unconditional != 0).any() == (name != "perplexity")


def test_popularity_is_a_part_of_a_posterior_lead(runs, user):
    found = explain(runs["posterior"], user)
    rows = found.difference.set_index("attribute").difference
    counts = instance_of(runs["posterior"], find_user(runs["posterior"].spec.dataset.load(), user)).candidates
    counts = counts.set_index("item_id").popularity
    expected = TEMPERATURE * (np.log1p(counts[found.a]) - np.log1p(counts[found.b]))
    assert rows.index[-1] == PRIOR and rows[PRIOR] == pytest.approx(expected)
    assert rows.sum() == pytest.approx(found.lead, abs=1e-6) and found.sum_error < 1e-9
    assert found.stored_error < 1e-5
    assert PRIOR not in set(explain(runs["conditional"], user).difference.attribute)


def test_leave_one_out_is_a_fresh_scoring_of_the_edited_history(runs, user):
    run = runs["perplexity"]
    instance, ranker = instance_of(run, find_user(run.spec.dataset.load(), user)), load_ranker(run)
    items = instance.candidates.item.to_numpy()
    history = instance.history.item.to_numpy()
    [full] = ranker.scores([history], lambda _: items)
    effects = item_effects(instance, leave_out(instance, ranker, ()), 3, 8)
    assert effects.item_id.tolist() == instance.history.item_id.tolist()
    for place in range(len(history)):
        [without] = ranker.scores([np.delete(history, place)], lambda _: items)
        row = effects.iloc[place]
        assert row.effect_a == pytest.approx(full[3] - without[3], abs=1e-5)
        assert row.effect_b == pytest.approx(full[8] - without[8], abs=1e-5)
        assert row.effect == pytest.approx(row.effect_a - row.effect_b)
        assert row.rank_a == 1 + (without > without[3]).sum()


def test_leave_one_attribute_out_equals_transformers_on_the_edited_history(runs, user):
    run = runs["perplexity"]
    instance, ranker = instance_of(run, find_user(run.spec.dataset.load(), user)), load_ranker(run)
    effects = attribute_effects(instance, leave_out(instance, ranker, instance.attributes), 0, 5).set_index("attribute")
    assert effects.index.tolist() == ["category", "title", "brand"]
    assert effects["items"].category == len(instance.history)

    def score(edited, place):
        builder, [history] = ranker.builder_of([edited])
        sentinel, ids = ranker.tokenizer.sentinels[0], builder.texts.ids_of(place)
        return reference_log_likelihood(ranker.model, builder.ranking(history).ids, sentinel, ids) / len(ids)

    edited = instance.without_attribute("category")
    assert "category" not in ranker.builder_of([edited])[0].texts.texts[-1]
    for place, name in ((0, "effect_a"), (5, "effect_b")):
        expected = score(instance, place) - score(edited, place)
        assert effects.loc["category", name] == pytest.approx(expected, abs=1e-5)


def test_an_item_that_fell_off_the_prompt_did_nothing(runs, user):
    run = runs["perplexity"]
    instance = instance_of(run, find_user(run.spec.dataset.load(), user))
    long = instance.in_order(list(range(len(instance.history))) * 6)
    ranker = load_ranker(run)
    tokens = ranker.read([long])[0].tokens
    assert tokens.dropped > 3
    effects = item_effects(long, leave_out(long, ranker, ()), 0, 1)
    # The item just before the oldest one seen may be too long where an older one is not: only those before it.
    assert (effects.effect_a[: tokens.dropped - 1] == 0).all() and (effects.effect_a[tokens.dropped :] != 0).all()


def test_explain_gives_the_same_as_tables(runs, user):
    run = runs["perplexity"]
    found = explain(run, user)
    number = find_user(run.spec.dataset.load(), user)
    table = ranked(run, number)
    target = table[table.target].iloc[0]
    assert {found.a, found.b} >= {target.item_id}
    ranks = found.candidates.set_index("item_id")["rank"]
    assert ranks[found.a] < ranks[found.b]
    assert found.difference.difference.sum() == pytest.approx(found.lead, abs=1e-6)
    assert found.tokens_a.part.sum() - found.tokens_b.part.sum() == pytest.approx(found.lead, abs=1e-6)
    assert found.stored_error < 1e-5 and found.sum_error < 1e-9 and found.approximation_gap is None
    assert len(found.items) == len(instance_of(run, number).history)
    turned = explain(run, user, found.b, found.a)
    assert turned.lead == pytest.approx(-found.lead)
    np.testing.assert_allclose(turned.difference.difference, -found.difference.difference, atol=1e-9)
    record = found.record()
    assert record["lead"] == found.lead and record["items"][0]["place"] == 1


def test_any_item_of_the_catalogue_can_be_a_candidate(runs, user):
    run = runs["perplexity"]
    data = run.spec.dataset.load()
    known = set(ranked(run, find_user(data, user)).item_id)
    other = next(item_id for item_id in data.items.item_id if item_id not in known)
    found = explain(run, user, b=other)
    assert found.b == other and len(found.candidates) == 102
    assert found.stored_error < 1e-5, "those that are stored are compared"


def test_a_model_of_items_has_no_parts_but_a_history(runs, user):
    found = explain(runs["popularity"], user)
    assert found.difference is None and found.attributes is None and found.sum_error is None
    assert (found.items.effect == 0).all(), "popularity does not look at the user"
    with pytest.raises(RunError, match="no method 'gradients'"):
        explain(runs["popularity"], user, method="gradients")


def test_gradients_are_an_approximation_with_a_name(runs, user):
    run = runs["perplexity"]
    exact, near = explain(run, user), explain(run, user, method="gradients")
    assert near.method.startswith("integrated gradients") and exact.method == "leave one out, exact"
    assert near.items.item_id.tolist() == exact.items.item_id.tolist()
    assert near.items.effect.sum() == pytest.approx(near.attributes.effect.sum())
    assert abs(near.approximation_gap) < 0.25 * near.items.effect.abs().sum()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"user": "nobody"}, "no user 'nobody'"),
        ({"a": "nothing"}, "no item 'nothing'"),
        ({"method": "guess"}, "no method 'guess'"),
    ],
)
def test_what_cannot_be_explained_is_said(runs, user, arguments, message):
    with pytest.raises(RunError, match=message):
        explain(runs["perplexity"], **{"user": user, **arguments})


def test_an_item_cannot_be_compared_with_itself(runs, user):
    instance = instance_of(runs["perplexity"], find_user(runs["perplexity"].spec.dataset.load(), user))
    first = instance.candidates.item_id[0]
    with pytest.raises(RunError, match="with itself"):
        pair_of(instance, first, first)


def test_identical_texts_are_one_group(runs, user):
    run = runs["perplexity"]
    instance = instance_of(run, find_user(run.spec.dataset.load(), user))
    same = instance.candidates.loc[4, ["category", "title", "brand"]].to_dict()
    scored = load_ranker(run).read([instance.with_text("candidates", 9, **same)])[0].tokens
    groups = identical_groups(scored.texts)
    assert groups[4] == groups[9] > 0 and scored.scores[4] == scored.scores[9]
    table = difference(scored, 4, 9)
    assert table.difference.abs().max() == 0
