"""The statistics against cases whose truth is known."""

import numpy as np
import pytest
from scipy import stats

from upsr_core.evaluation import statistics
from upsr_core.evaluation.statistics import (
    SHOWN_FROM,
    Moments,
    by_user,
    difference_over_seeds,
    holm,
    mean_interval,
    randomisation_test,
)
from workshop.benchmarks.interval_coverage import cells, ratios
from workshop.benchmarks.statistics import coverage, false_alarms, false_alarms_over_seeds, identical


def test_identical_models_differ_by_exactly_zero():
    assert identical() == 0
    values = np.random.default_rng(0).random((3, 40))
    found = difference_over_seeds(values, values)
    assert (found["mean"], found["p"]) == (0, 1) and found["low"] < 0 < found["high"], "its seeds differ"
    found = difference_over_seeds(values[:1], values[:1])
    assert (found["mean"], found["p"], found["low"], found["high"]) == (0, 1, None, None)
    assert found["why"] == "all 40 users alike", "an interval of no width would be too sure"


def test_the_interval_covers_the_true_difference():
    assert 0.93 <= coverage(users=300, pairs=1000) <= 0.97


@pytest.mark.parametrize(
    ("users", "hits", "bootstrap"), [(150, 0.02, 0.825), (150, 0.05, 0.91), (500, 0.02, 0.925), (30, 0.3, 0.93)]
)
def test_the_interval_covers_where_hits_are_rare(users, hits, bootstrap):
    """Exact, over all numbers of hits; the percentile bootstrap covered as often as it says."""
    counts = np.arange(users + 1)
    chance = stats.binom.pmf(counts, users, hits)
    found = [mean_interval(np.repeat([1.0, 0.0], [count, users - count])) for count in counts]
    shown = np.array([each["low"] is not None for each in found])
    covers = np.array([each["low"] is not None and each["low"] <= hits <= each["high"] for each in found])
    assert not shown[:2].any() and found[2]["deciding"] < SHOWN_FROM, "one or two hits say too little"
    covered = chance[covers].sum() / chance[shown].sum()
    often = chance[shown].sum() >= 0.9
    assert often == ((users, hits) != (150, 0.02)) and covered > bootstrap
    assert 0.935 <= covered <= 0.965 or not often


def test_the_interval_covers_in_every_mode_and_metric():
    """A part of `upsr bench statistics`, with limits 1 % wider to each side for fewer draws."""
    found = cells(300, hits=(0.05,), users=(150,))
    shown = [cell for cell in found if cell["shown"]]
    assert len(shown) > 15 and {cell["what"] for cell in shown} == {"mean", "paired difference"}
    assert all(0.925 <= cell["coverage"] <= 0.975 for cell in shown)
    few = cells(100, modes=("full",), hits=(0.02,), users=(30,))
    assert not any(cell["shown"] for cell in few) and all("too few users decide" in cell["why"] for cell in few)


def test_many_samples_at_once_are_as_one_by_one():
    rng = np.random.default_rng(0)
    targets, sums = rng.integers(1, 5, (1, 60)), rng.random((1, 60))
    users = np.repeat(np.arange(60), targets[0])
    assert np.allclose(ratios(sums, targets)[0], by_user(np.repeat(sums[0] / targets[0], targets[0]), users))
    one, values = mean_interval(sums[0]), np.stack([sums[0], 2 * sums[0] - 1])
    low, high = Moments.of(values).bounds()
    assert (low[0], high[0]) == pytest.approx((one["low"], one["high"]))
    assert (low[1], high[1]) == pytest.approx((2 * one["low"] - 1, 2 * one["high"] - 1)), (
        "scale and place do not matter"
    )


def test_where_values_are_normal_the_interval_is_hardly_wider_than_students():
    values = np.random.default_rng(1).normal(0.3, 1, 2000)
    found, (low, high) = mean_interval(values), stats.t.interval(0.95, 1999, values.mean(), stats.sem(values))
    assert found["low"] == pytest.approx(low, abs=1e-3) and found["high"] == pytest.approx(high, abs=1e-3)
    assert found["deciding"] == pytest.approx(2000 / 3, rel=0.1)


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
    for _ in range(200):
        users = np.repeat(np.arange(150), rng.integers(1, 9, 150))
        values = rng.normal(size=150)[users] + rng.normal(size=len(users))
        for name, taken in (("by instance", values), ("by user", by_user(values, users))):
            found = mean_interval(taken)
            assert found["mean"] == pytest.approx(values.mean())
            covered[name] += found["low"] <= 0 <= found["high"]
    assert covered["by user"] >= 0.9 * 200 > 0.8 * 200 > covered["by instance"]
    alone = np.arange(len(values))
    assert np.array_equal(by_user(values, alone), values)
    two = np.stack([values, 2 * values])
    assert np.allclose(by_user(two, users), np.stack([by_user(values, users), 2 * by_user(values, users)]))


def test_memory_is_limited_and_nothing_else_changes(monkeypatch):
    values = np.random.default_rng(0).normal(0.1, 1, 300)
    found = randomisation_test(values)
    monkeypatch.setattr(statistics, "AT_ONCE", 5000)
    assert randomisation_test(values) == found
