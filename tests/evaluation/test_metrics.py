import numpy as np
import pytest

from upsr_core.errors import RunError
from upsr_core.evaluation.metrics import METRICS, rank_table, target_rank, user_metrics
from upsr_core.evaluation.statistics import mean_interval, other_users, paired_difference


def test_constant_scorer_gets_what_random_order_gets():
    table = rank_table([np.zeros(101)])
    assert table["rank"].iloc[0] == 51 and table["ties"].iloc[0] == 100
    assert table["HR@10"].iloc[0] == pytest.approx(10 / 101)
    expected = sum(1 / np.log2(r + 1) for r in range(1, 11)) / 101
    assert table["NDCG@10"].iloc[0] == pytest.approx(expected)


@pytest.mark.parametrize(("better", "hr", "ndcg"), [(0, 1, 1), (9, 1, 1 / np.log2(11)), (10, 0, 0)])
def test_known_ranks(better, hr, ndcg):
    metrics = user_metrics(better, tied=0)
    assert (metrics["HR@10"], metrics["NDCG@10"]) == (hr, pytest.approx(ndcg))
    assert tuple(metrics) == METRICS


def test_order_of_candidates_does_not_matter():
    scores = np.array([0.3, 0.1, 0.9, 0.3])
    assert target_rank(scores) == target_rank(scores[[0, 3, 2, 1]])


def test_identical_runs_differ_by_exactly_zero():
    values = np.random.default_rng(0).random(50)
    found = paired_difference(values, values)
    assert (found["mean"], found["low"], found["high"]) == (0.0, None, None) and found["why"] == "all 50 users alike"


def test_interval_covers_the_true_mean():
    rng = np.random.default_rng(1)
    covered = 0
    for _ in range(200):
        interval = mean_interval(rng.normal(0.1, 1, 200))
        covered += interval["low"] <= 0.1 <= interval["high"]
    assert 0.89 <= covered / 200 <= 0.99  # 95 %, within four standard errors of 200 trials


def test_paired_values_must_pair():
    with pytest.raises(ValueError, match="shape"):
        paired_difference(np.zeros(3), np.zeros(4))


@pytest.mark.parametrize("count", [2, 3, 50])
def test_borrowed_histories_are_never_ones_own(count):
    others = other_users(np.arange(count), seed=3)
    assert sorted(others) == list(range(count)) and not (others == np.arange(count)).any()


def test_a_user_of_several_instances_borrows_from_another_user():
    users = np.array([4, 4, 4, 9, 9, 2])
    for seed in range(20):
        assert (users[other_users(users, seed)] != users).all()
    assert users[other_users(users[:3], 0)].tolist() == [4, 4, 4], "there is nobody else"


def test_scores_that_are_no_numbers_are_no_first_rank():
    with pytest.raises(RunError, match="not numbers"):
        rank_table([np.zeros(3), np.array([np.nan, 0.0, 1.0])])
