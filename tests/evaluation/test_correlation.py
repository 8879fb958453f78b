from itertools import permutations

import numpy as np
import pytest
from scipy.stats import spearmanr

from upsr_core.evaluation.correlation import rank_correlation


def test_known_orders():
    x = np.arange(8.0)
    up, down = rank_correlation(x, np.exp(x)), rank_correlation(x, -(x**3))
    assert (up.rho, up.tau, up.low, up.high) == pytest.approx((1, 1, 1, 1)) and not up.spans_zero
    assert (down.rho, down.tau, down.high) == pytest.approx((-1, -1, -1))
    # Spearman's own formula without ties: 1 - 6 sum d^2 / (n (n^2 - 1)) with one swap of neighbours.
    assert rank_correlation(x, np.array([1, 0, 2, 3, 4, 5, 6, 7])).rho == pytest.approx(1 - 6 * 2 / (8 * 63))


def test_ties_and_missing_values_are_as_scipy_has_them():
    x = np.array([1, 1, 2, 3, 3, 3, 9, np.nan, 4.0])
    y = np.array([2, 1, 1, 5, 4, 4, 0, 1, np.nan])
    found = rank_correlation(x, y)
    assert found.n == 7 and found.rho == pytest.approx(spearmanr(x[:7], y[:7])[0])
    assert found.low <= found.rho <= found.high and found.spans_zero


def test_what_cannot_be_computed_says_why():
    assert "at least 3, and 2" in rank_correlation(np.array([1, 2, np.nan]), np.array([1, 2, 3])).reason
    assert rank_correlation(np.ones(9), np.arange(9)).rho is None
    four = rank_correlation(np.arange(4), np.arange(4))
    assert four.rho == pytest.approx(1) and four.low is None and four.spans_zero, "four in order prove nothing"
    with pytest.raises(ValueError, match="differ in shape"):
        rank_correlation(np.arange(3), np.arange(4))


def test_the_interval_holds_the_truth_about_as_often_as_it_says():
    """Spearman's rho of a bivariate normal is 6 / pi asin(r / 2) (Pearson, 1907)."""
    rng, r = np.random.default_rng(1), 0.6
    truth, held = 6 / np.pi * np.arcsin(r / 2), 0
    for seed in range(200):
        x, noise = rng.normal(size=(2, 40))
        found = rank_correlation(x, r * x + np.sqrt(1 - r * r) * noise, seed, resamples=300)
        held += found.low <= truth <= found.high
    assert 0.88 <= held / 200 <= 0.99


def test_the_chance_of_an_order_is_that_of_all_orders():
    x, y = np.arange(6.0), np.array([0, 1, 2, 3, 5, 4.0])
    exact = np.mean([abs(spearmanr(x, order)[0]) >= spearmanr(x, y)[0] - 1e-9 for order in permutations(y)])
    found = rank_correlation(x, y, resamples=20_000)
    assert found.p == pytest.approx(exact, abs=0.004) and found.shown


@pytest.mark.parametrize("n", [5, 12])
def test_where_there_is_nothing_chance_is_seldom_called_more(n):
    rng = np.random.default_rng(2)
    found = [rank_correlation(*rng.normal(size=(2, n)), seed, resamples=400) for seed in range(300)]
    assert np.mean([each.shown for each in found]) <= 0.08
    assert np.mean([not each.spans_zero for each in found]) >= np.mean([each.shown for each in found])
