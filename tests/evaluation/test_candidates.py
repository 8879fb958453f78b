import numpy as np
import pytest

from upsr_core.datasets.splits import SplitSpec, split
from upsr_core.evaluation.candidates import CandidateSpec, candidates_for
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


@pytest.mark.parametrize("mode", ["uni100", "pop100"])
def test_validation_and_test_have_their_own_negatives(movies, mode):
    parts = split(movies, SplitSpec())
    drawn = [candidates_for(movies, parts, CandidateSpec(mode=mode, part=part)) for part in ("validation", "test")]
    assert drawn[0].instances.user.equals(drawn[1].instances.user)
    same = [len(np.intersect1d(*pair)) / 100 for pair in zip(*(each.negatives for each in drawn), strict=True)]
    assert np.mean(same) < {"uni100": 0.3, "pop100": 0.45}[mode], "hardly more than 100 of 420 items would share"


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
