"""What every model of the registry must do, on data whose right answer is known."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from model_kinds import fitted as fit

from upsr_core.datasets.splits import SplitSpec, split, training_counts, training_histories
from upsr_core.evaluation.borrowed import own_and_borrowed
from upsr_core.evaluation.candidates import CandidateSpec, candidates_for
from upsr_core.evaluation.metrics import rank_table
from upsr_core.models.base import LEAVE_ONE_OUT
from upsr_core.models.budgets import BUDGETS
from upsr_core.models.cost import DataSizes
from upsr_core.models.instance import Instance, item_rows
from upsr_core.models.popularity import PopularityRanker, RandomRanker
from upsr_core.models.registry import MODELS, model_spec
from upsr_core.parallel import Workers

_fitted = {}


@pytest.fixture
def fitted(request, successors, tmp_path_factory):
    """A model at work, fitted once for all tests."""
    name = request.param
    if name not in _fitted:
        _fitted[name] = fit(name, successors, tmp_path_factory.mktemp(name))
    return _fitted[name]


every = pytest.mark.parametrize("fitted", MODELS, indirect=True)


def instance_of(fitted, dataset, user: int) -> Instance:
    """The last event of a user among the whole catalogue."""
    design = fitted.spec.design if fitted.model.reads_text else None
    candidates = item_rows(dataset, np.arange(dataset.n_items)).assign(prior=0.0)
    return Instance(design, item_rows(dataset, dataset.history(user)[:-1]), candidates)


@every
def test_learns_the_successor_rule(fitted, successors):
    if not fitted.spec.trains:
        pytest.skip(f"{fitted.model.title} learns nothing")
    candidates = candidates_for(successors, split(successors, SplitSpec()), CandidateSpec(mode="full", users=100))
    table = fitted.ranker.metrics(candidates)
    assert table["HR@1"].mean() >= 0.85 and table["NDCG@10"].mean() >= 0.9
    borrowed = fitted.ranker.metrics(own_and_borrowed(candidates)[1])
    assert borrowed["HR@1"].mean() < 0.4, "another user's history must not help"


@every
def test_scores_depend_on_nothing_but_history_and_candidate(fitted, successors):
    """Neither the other histories of a batch, nor the padding their lengths bring, nor the order of candidates."""
    ranker = fitted.ranker
    histories = [successors.history(user)[: 1 + user % 7] for user in range(9)]
    items = np.arange(len(successors.items))
    together = ranker.scores(histories, lambda _: items)
    shuffled = np.random.default_rng(0).permutation(len(items))
    for history, scores in zip(histories, together, strict=True):
        alone = ranker.scores([history], lambda _: items[shuffled])[0]
        np.testing.assert_allclose(alone, scores[shuffled], atol=2e-5)


@every
def test_what_was_trained_opens_as_it_was(fitted, successors):
    parts = split(successors, SplitSpec())
    again = fitted.model.open(fitted.spec, successors, parts, "full", fitted.weights)
    if fitted.weights:
        files = {file.suffix for file in fitted.weights.glob("*")}
        assert files <= {".safetensors", ".json", ".npz"}, "pickles are never written"
    histories = [successors.history(user)[:-1] for user in range(8)]
    items = np.arange(len(successors.items))
    for before, after in zip(*(r.scores(histories, lambda _: items) for r in (fitted.ranker, again)), strict=True):
        np.testing.assert_array_equal(before, after)


@every
def test_its_record_is_read_back_as_it_was(fitted):
    assert model_spec(fitted.spec.model_dump(mode="json")) == fitted.spec


@every
def test_evaluation_has_every_named_score_with_both_histories(fitted, successors):
    parts = split(successors, SplitSpec())
    test = candidates_for(successors, parts, CandidateSpec(mode="full", users=12))
    found = fitted.ranker.evaluate(test, lambda *_: None, Workers())
    assert tuple(found.right) == tuple(found.shared) == tuple(found.borrowed) == fitted.model.scores
    table = found.candidates.assign(popularity=training_counts(successors, parts)[found.candidates.item])
    table = fitted.model.with_scores(table, "full")
    own = fitted.spec.own_score
    # The stored scores say what the metrics say.
    ranked = rank_table([rows[own].to_numpy()[np.argsort(~rows.target.to_numpy(), kind="stable")]
                         for _, rows in table.groupby("row")])  # fmt: skip
    np.testing.assert_allclose(ranked["rank"], found.right[own]["rank"])
    assert set(fitted.model.details(table[table.row == 0])).isdisjoint({"score", "rank", "item", "target"})


@every
def test_the_best_of_the_catalogue_are_those_with_the_highest_scores(fitted, successors):
    history = successors.history(3)[:-1]
    items, scores, how = fitted.ranker.top(history, 5)
    allowed = np.setdiff1d(np.arange(len(successors.items)), history)
    alone = fitted.ranker.scores([history], lambda _: allowed)[0]
    np.testing.assert_allclose(np.sort(alone)[::-1][: len(scores)], scores, atol=1e-5)
    assert how and not np.isin(items, history).any()


@every
def test_instances_have_the_scores_of_the_ranking(fitted, successors):
    instance = instance_of(fitted, successors, 4)
    [found] = fitted.ranker.read([instance])
    [expected] = fitted.ranker.scores([instance.history.item.to_numpy()], lambda _: instance.candidates.item.to_numpy())
    np.testing.assert_allclose(found.scores, expected, atol=2e-5)


@every
def test_every_method_of_its_own_explains_both_candidates(fitted, successors):
    instance = instance_of(fitted, successors, 4)
    assert LEAVE_ONE_OUT in fitted.model.methods
    scores = fitted.ranker.read([instance])[0].scores
    for method in [name for name in fitted.model.methods if name != LEAVE_ONE_OUT]:
        effects = fitted.ranker.effects(instance, 0, 1, method)
        assert effects.items.place.tolist() == list(range(1, len(instance.history) + 1))
        np.testing.assert_allclose(effects.items.effect, effects.items.effect_a - effects.items.effect_b, atol=1e-6)
        if effects.gap is None:  # exact: the score is the sum of what every item adds
            np.testing.assert_allclose(effects.items[["effect_a", "effect_b"]].sum(), scores[:2], atol=1e-4)


@every
def test_it_says_what_it_costs(fitted, successors):
    sizes = DataSizes("successors", successors.digest, 240, 24, 1900, candidates=24, tested=240, validated=10)
    sizes = sizes if not fitted.model.reads_text else Known(**vars(sizes))
    work = fitted.model.work(fitted.spec, sizes, 1.0, 0.0)
    assert work.scoring > 0 and (work.training > 0) == fitted.spec.trains
    assert set(fitted.model.budgets()) <= set(BUDGETS)
    assert all(fitted.model.budget_line(budget) for budget in fitted.model.budgets())


class Known(DataSizes):
    """Sizes of texts that are known without a stored dataset."""

    def text_tokens(self, spec) -> float:
        return 3.0


@every
def test_the_target_is_never_in_the_input(fitted, successors):
    """Other last events change no score: of the same candidates, every one gets what it got before."""
    sequence = successors.sequence.copy()
    last = successors.offsets[1:] - 1
    sequence[last] = (sequence[last] + 5) % len(successors.items)
    other = replace(successors, sequence=sequence, digest="0" * 16)
    items = np.arange(len(successors.items))
    scores = []
    for dataset in (successors, other):
        candidates = candidates_for(dataset, split(dataset, SplitSpec()), CandidateSpec(mode="full", users=20))
        histories = [candidates.history(row) for row in range(len(candidates))]
        scores.append(fitted.ranker.scores(histories, lambda _: items))
    np.testing.assert_array_equal(*scores)


def test_training_sees_neither_validation_nor_test_targets(successors):
    sequence = successors.sequence.copy()
    for back in (1, 2):
        sequence[successors.offsets[1:] - back] = 0
    other = replace(successors, sequence=sequence)
    seen = [training_histories(data, split(data, SplitSpec())) for data in (successors, other)]
    assert all(np.array_equal(ours, theirs) for ours, theirs in zip(*seen, strict=True))
    assert np.array_equal(*(training_counts(data, split(data, SplitSpec())) for data in (successors, other)))


@every
def test_evaluation_is_of_every_instance_and_within_bounds(fitted, successors):
    candidates = candidates_for(successors, split(successors, SplitSpec()), CandidateSpec(mode="full", users=12))
    table = fitted.ranker.metrics(candidates)
    count = [len(candidates.items(row)) for row in range(12)]
    assert table.candidates.tolist() == count
    assert table["rank"].between(1, len(successors.items)).all() and table["NDCG@10"].between(0, 1).all()


@pytest.mark.parametrize("mode", ["full", "uni100"])
def test_a_constant_scorer_gets_the_expected_rank(movies, mode):
    candidates = candidates_for(movies, split(movies, SplitSpec()), CandidateSpec(mode=mode, users=30))
    table = RandomRanker(movies).metrics(candidates)
    count = np.array([len(candidates.items(row)) for row in range(30)])
    np.testing.assert_allclose(table["rank"], (count + 1) / 2)
    np.testing.assert_allclose(table["HR@10"], 10 / count)


def test_popularity_counts_training_events_only(movies):
    parts = split(movies, SplitSpec())
    counts = PopularityRanker(movies, parts).counts
    expected = pd.Series([i for u in range(len(movies.users)) for i in movies.history(u)[:-2]]).value_counts()
    assert counts.sum() == len(movies.sequence) - 2 * len(movies.users)
    assert all(counts[item] == count for item, count in expected.items())
