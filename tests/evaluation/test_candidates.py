from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from upsr_core.datasets.importing import import_dataset
from upsr_core.datasets.spec import PreparationSpec
from upsr_core.datasets.splits import SplitSpec, split
from upsr_core.evaluation.candidates import MODES, CandidateSpec, candidates_for
from upsr_core.evaluation.statistics import other_users, paired_difference
from upsr_core.evaluation.verdicts import told_from_zero
from upsr_core.models.catalogue_ranker import CatalogueRanker
from upsr_core.models.popularity import PopularityRanker, RandomRanker


@pytest.mark.parametrize("part", ["validation", "test"])
def test_candidates_never_hold_the_users_own_items_and_are_stored(movies, part):
    parts = split(movies, SplitSpec())
    spec = CandidateSpec(part=part, users=50)
    candidates = candidates_for(movies, parts, spec)
    assert len(candidates) == 50 and candidates.of == len(movies.users)
    for row, instance in enumerate(candidates.instances.itertuples()):
        items = candidates.items(row)
        own = movies.history(instance.user)
        assert items[0] == instance.target == own[instance.end]
        assert len(set(items.tolist())) == 101 and not set(items[1:].tolist()) & set(own.tolist())
        assert len(candidates.history(row)) == instance.end, "the target event is not in the history"
    again = candidates_for(movies, parts, spec)
    assert np.array_equal(again.negatives, candidates.negatives) and again.digest == candidates.digest


def test_a_sample_of_users_sees_the_negatives_that_all_users_see(movies):
    parts = split(movies, SplitSpec())
    whole = candidates_for(movies, parts, CandidateSpec())
    some = candidates_for(movies, parts, CandidateSpec(users=20))
    for row, user in enumerate(some.instances.user):
        position = int(np.flatnonzero(whole.instances.user == user)[0])
        assert np.array_equal(some.negatives[row], whole.negatives[position])


def test_targets_of_one_history_are_sampled_together(movies):
    parts = split(movies, SplitSpec(kind="leave-last-k", k=3))
    some = candidates_for(movies, parts, CandidateSpec(users=20))
    assert len(some) == 60 and some.of == len(parts.test)
    assert some.instances.groupby("user").step.apply(list).map(lambda steps: steps == [1, 2, 3]).all()
    alone = candidates_for(movies, split(movies, SplitSpec(kind="zero-shot")), CandidateSpec(users=20))
    assert len(alone) == 20, "every event has a history of its own there"


def test_full_leaves_out_the_history_and_keeps_the_target(movies):
    parts = split(movies, SplitSpec())
    full = candidates_for(movies, parts, CandidateSpec(mode="full", users=5))
    for row in range(5):
        items = full.items(row)
        seen = set(full.history(row).tolist())
        assert not set(items[1:].tolist()) & seen
        assert set(items.tolist()) | seen == set(range(len(movies.items)))


def test_borrowed_histories_go_without_the_candidates(movies):
    candidates = candidates_for(movies, split(movies, SplitSpec()), CandidateSpec(users=60))
    others = np.roll(np.arange(60), 1)
    borrowed, shorter = candidates.with_histories_of(others), 0
    for row in range(60):
        assert np.array_equal(borrowed.items(row), candidates.items(row))
        theirs = candidates.history(int(others[row]))
        left = [item for item in theirs if item not in candidates.items(row)]
        assert borrowed.history(row).tolist() == left and left
        shorter += len(left) < len(theirs)
    assert shorter > 6, "of so few items many are candidates"


@pytest.mark.parametrize("mode", ["pop100", "full"])
def test_histories_are_borrowed_whole_where_no_candidate_is_favoured(movies, mode):
    candidates = candidates_for(movies, split(movies, SplitSpec()), CandidateSpec(mode=mode, users=6))
    others = np.roll(np.arange(6), 1)
    borrowed = candidates.with_histories_of(others)
    for row in range(6):
        assert np.array_equal(borrowed.items(row), candidates.items(row))
        assert np.array_equal(borrowed.history(row), candidates.history(int(others[row])))


def test_the_next_history_is_borrowed_where_nothing_is_left(movies):
    full = candidates_for(movies, split(movies, SplitSpec()), CandidateSpec(users=4))
    others = np.array([1, 2, 3, 0])
    everything = np.tile(full.history(1)[:100], (4, 100))[:, :100]  # all of the first one's negatives
    borrowed = replace(full, negatives=everything).with_histories_of(others)
    gone = {*full.history(1).tolist(), int(full.instances.target[0])}
    assert borrowed.history(0).tolist() == [item for item in full.history(2) if item not in gone]


class Copying(CatalogueRanker):
    """Ranks what stands in the history before everything else."""

    def __init__(self, data):
        self.item_count, self.scorable = len(data.items), np.ones(len(data.items), dtype=bool)

    def raw_scores(self, histories):
        scores = np.zeros((len(histories), self.item_count), dtype=np.float32)
        for place, history in enumerate(histories):
            scores[place, history] = 1
        return scores


def test_whoever_copies_the_history_gains_nothing_by_the_right_one(movies):
    """An item that everybody has stands in another user's history, and never in the right one."""

    candidates = candidates_for(movies, split(movies, SplitSpec()), CandidateSpec(users=300))
    others = other_users(candidates.instances.user.to_numpy(), 0)
    right, wrong = (
        Copying(movies).metrics(each)["NDCG@10"] for each in (candidates, candidates.with_histories_of(others))
    )
    assert right.equals(wrong)


def test_popular_negatives_leave_popularity_little(movies):
    parts = split(movies, SplitSpec())
    popularity = PopularityRanker(movies, parts)
    gaps = {}
    for mode in ("uni100", "pop100"):
        candidates = candidates_for(movies, parts, CandidateSpec(mode=mode, users=400))
        gaps[mode] = (
            popularity.metrics(candidates)["NDCG@10"].mean()
            - RandomRanker(movies).metrics(candidates)["NDCG@10"].mean()
        )
    assert gaps["pop100"] < gaps["uni100"] / 2
    for row, instance in enumerate(candidates.instances.itertuples()):
        items = candidates.items(row)
        assert len(set(items.tolist())) == 101 and not set(items[1:].tolist()) & set(
            movies.history(instance.user).tolist()
        )
        assert (popularity.counts[items[1:]] > 0).all()


@pytest.mark.parametrize("mode", MODES)
def test_where_users_buy_again_whoever_copies_the_history_does_not_use_it(home, tmp_path, mode):
    """Everybody draws from one law of popularity, so there is nothing to find in a history."""
    rng, weights = np.random.default_rng(0), 1 / np.arange(1, 401)
    items = pd.DataFrame({"item_id": [f"i{n}" for n in range(400)], "title": [f"Thing {n}" for n in range(400)]})
    drawn = rng.choice(400, size=(600, 12), p=weights / weights.sum())
    events = pd.DataFrame({"user_id": np.repeat(np.arange(600), 12), "item_id": [f"i{n}" for n in drawn.ravel()]})
    events["timestamp"] = 1_700_000_000 + np.tile(np.arange(12), 600) * 86_400
    files = tmp_path / "items.csv", tmp_path / "events.csv"
    items.to_csv(files[0], index=False), events.to_csv(files[1], index=False)
    data = import_dataset("again", *files, preparation=PreparationSpec(min_user=1, min_item=1))

    parts = split(data, SplitSpec())
    assert parts.taken_before["test"] > 100 and len(parts.test) + parts.taken_before["test"] == 600
    candidates = candidates_for(data, parts, CandidateSpec(mode=mode))
    others = other_users(candidates.instances.user.to_numpy(), 0)
    right, wrong = (
        Copying(data).metrics(each)["NDCG@10"] for each in (candidates, candidates.with_histories_of(others))
    )
    assert told_from_zero(paired_difference(right, wrong)) < 1
