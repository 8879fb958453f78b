"""The statistics against cases whose truth is known."""

import numpy as np
import pytest
from scipy import stats

from upsr_core.evaluation import statistics
from upsr_core.evaluation.statistics import by_user, difference_over_seeds, holm, mean_interval, randomisation_test
from workshop.benchmarks.statistics import coverage, false_alarms, false_alarms_over_seeds, identical


def test_identical_models_differ_by_exactly_zero():
    assert identical() == 0
    values = np.random.default_rng(0).random((3, 40))
    assert difference_over_seeds(values, values) | {"low": 0, "high": 0, "p": 1} == {
        "mean": 0,
        "low": 0,
        "high": 0,
        "p": 1,
    }
    one = values[:1]
    assert difference_over_seeds(one, one) == {"mean": 0, "low": 0, "high": 0, "p": 1}


def test_the_interval_covers_the_true_difference():
    assert 0.93 <= coverage(users=300, pairs=1000, resamples=300) <= 0.97


def test_two_seeds_are_not_called_different():
    # At the level of 5 % itself; three standard errors of 1,000 pairs are 2 %.
    assert 0.03 <= false_alarms(users=300, pairs=1000) <= 0.07


def test_groups_of_lucky_seeds_are_not_called_different_unless_seeds_are_ignored():
    assert false_alarms_over_seeds(seeds=3, pairs=300) <= 0.05
    assert false_alarms_over_seeds(seeds=3, pairs=300, by_users=True) > 0.1


def test_the_randomisation_test_agrees_with_all_signs_counted():
    differences = np.array([0.5, 0.2, -0.1, 0.4, 0.3, 0.0, 0.2, -0.3])
    exact = stats.permutation_test(
        (differences,), np.mean, permutation_type="samples", n_resamples=np.inf, vectorized=True
    ).pvalue
    assert randomisation_test(differences, resamples=200_000) == pytest.approx(exact, abs=0.004)
    assert randomisation_test(-differences) == randomisation_test(differences)
    assert randomisation_test(np.full(50, 0.1)) == 1 / 10_000


def test_holm_against_its_definition():
    p = np.array([0.01, 0.02, 0.03, 0.5])
    assert holm(p).tolist() == pytest.approx([0.04, 0.06, 0.06, 0.5])
    assert holm(p[::-1]).tolist() == holm(p).tolist()[::-1] and len(holm(np.array([]))) == 0


def test_a_difference_over_seeds_is_welch_where_users_are_alike():
    """Without differences between users only the seeds are a sample: Welch's t test of their means."""
    ours, theirs = np.array([0.3, 0.34, 0.31]), np.array([0.2, 0.25])
    found = difference_over_seeds(np.tile(ours[:, None], 50), np.tile(theirs[:, None], 50))
    assert found["p"] == pytest.approx(stats.ttest_ind(ours, theirs, equal_var=False).pvalue)
    interval = stats.ttest_ind(ours, theirs, equal_var=False).confidence_interval()
    assert (found["low"], found["high"]) == pytest.approx((interval.low, interval.high))


def test_what_users_share_does_not_narrow_an_interval():
    """Users of one to eight instances with an ease of their own: taken one by one the instances would be too sure."""
    rng, covered = np.random.default_rng(0), {"by instance": 0, "by user": 0}
    for trial in range(200):
        users = np.repeat(np.arange(150), rng.integers(1, 9, 150))
        values = rng.normal(size=150)[users] + rng.normal(size=len(users))
        for name, taken in (("by instance", values), ("by user", by_user(values, users))):
            found = mean_interval(taken, trial, 300)
            assert found["mean"] == pytest.approx(values.mean())
            covered[name] += found["low"] <= 0 <= found["high"]
    assert covered["by user"] >= 0.9 * 200 > 0.8 * 200 > covered["by instance"]
    alone = np.arange(len(values))
    assert np.array_equal(by_user(values, alone), values)
    two = np.stack([values, 2 * values])
    assert np.allclose(by_user(two, users), np.stack([by_user(values, users), 2 * by_user(values, users)]))


def test_memory_is_limited_and_nothing_else_changes(monkeypatch):
    values = np.random.default_rng(0).normal(0.1, 1, 300)
    found = mean_interval(values), randomisation_test(values)
    monkeypatch.setattr(statistics, "AT_ONCE", 5000)
    assert mean_interval(values) == pytest.approx(found[0], abs=1e-12) and randomisation_test(values) == found[1]
