"""What every ranker must do, on data whose right answer is known."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from ranker_kinds import KINDS

from upsr_core.datasets.splits import SplitSpec, split, training_counts, training_histories
from upsr_core.evaluation.candidates import CandidateSpec, candidates_for
from upsr_core.models.base import evaluate
from upsr_core.models.popularity import Popularity, Random

_fitted = {}


@pytest.fixture
def fitted(request, successors, tmp_path_factory):
    """A ranker, fitted once for all tests, and its name."""
    name = request.param
    if name not in _fitted:
        parts = split(successors, SplitSpec())
        _fitted[name] = KINDS[name].fit(successors, parts, tmp_path_factory.mktemp(name))
    return name, _fitted[name]


every = pytest.mark.parametrize("fitted", KINDS, indirect=True)
learners = pytest.mark.parametrize("fitted", [name for name, kind in KINDS.items() if kind.learns], indirect=True)


@learners
def test_learns_the_successor_rule(fitted, successors):
    candidates = candidates_for(successors, split(successors, SplitSpec()), CandidateSpec(mode="full", users=100))
    table = evaluate(fitted[1], candidates)
    assert table["HR@1"].mean() >= 0.85 and table["NDCG@10"].mean() >= 0.9
    borrowed = evaluate(fitted[1], candidates.with_histories_of(np.roll(np.arange(100), 1)))
    assert borrowed["HR@1"].mean() < 0.4, "another user's history must not help"


@every
def test_scores_depend_on_nothing_but_history_and_candidate(fitted, successors):
    """Neither the other histories of a batch, nor the padding their lengths bring, nor the order of candidates."""
    _, ranker = fitted
    histories = [successors.history(user)[: 1 + user % 7] for user in range(9)]
    items = np.arange(len(successors.items))
    together = ranker.scores(histories, lambda _: items)
    shuffled = np.random.default_rng(0).permutation(len(items))
    for history, scores in zip(histories, together, strict=True):
        alone = ranker.scores([history], lambda _: items[shuffled])[0]
        np.testing.assert_allclose(alone, scores[shuffled], atol=2e-5)


@every
def test_saving_and_loading_change_nothing(fitted, successors, tmp_path):
    name, ranker = fitted
    again = KINDS[name].reload(ranker, successors, split(successors, SplitSpec()), tmp_path / "stored")
    files = {file.suffix for file in (tmp_path / "stored").glob("*")}
    assert files <= {".safetensors", ".json"}, "pickles are never written"
    histories = [successors.history(user)[:-1] for user in range(8)]
    items = np.arange(len(successors.items))
    for before, after in zip(*(r.scores(histories, lambda _: items) for r in (ranker, again)), strict=True):
        np.testing.assert_array_equal(before, after)


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
        scores.append(fitted[1].scores(histories, lambda _: items))
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
    table = evaluate(fitted[1], candidates)
    count = [len(candidates.items(row)) for row in range(12)]
    assert table.candidates.tolist() == count
    assert table["rank"].between(1, len(successors.items)).all() and table["NDCG@10"].between(0, 1).all()


@pytest.mark.parametrize("mode", ["full", "uni100"])
def test_a_constant_scorer_gets_the_expected_rank(movies, mode):
    candidates = candidates_for(movies, split(movies, SplitSpec()), CandidateSpec(mode=mode, users=30))
    table = evaluate(Random(movies), candidates)
    count = np.array([len(candidates.items(row)) for row in range(30)])
    np.testing.assert_allclose(table["rank"], (count + 1) / 2)
    np.testing.assert_allclose(table["HR@10"], 10 / count)


def test_popularity_counts_training_events_only(movies):
    parts = split(movies, SplitSpec())
    counts = Popularity(movies, parts).counts
    expected = pd.Series([i for u in range(len(movies.users)) for i in movies.history(u)[:-2]]).value_counts()
    assert counts.sum() == len(movies.sequence) - 2 * len(movies.users)
    assert all(counts[item] == count for item, count in expected.items())
