"""Means and paired differences over users, with bootstrap intervals."""

import numpy as np
from scipy.stats import bootstrap


def mean_interval(values: np.ndarray, seed: int = 0, resamples: int = 2000) -> dict[str, float]:
    """Mean over users with its 95 % percentile bootstrap interval: `mean`, `low`, `high`, `users`.

    Given the differences of two models on the same users it is the paired bootstrap (Efron and Tibshirani, 1993).
    Constant values have an interval of no width.

    >>> mean_interval(np.zeros(10))
    {'mean': 0.0, 'low': 0.0, 'high': 0.0, 'users': 10}
    """
    values = np.asarray(values, dtype=np.float64)
    mean = float(values.mean())
    low = high = mean
    if len(values) > 1 and np.ptp(values) > 0:
        result = bootstrap(
            (values,), np.mean, n_resamples=resamples, batch=200, method="percentile", rng=np.random.default_rng(seed)
        )
        low, high = float(result.confidence_interval.low), float(result.confidence_interval.high)
    return {"mean": mean, "low": low, "high": high, "users": len(values)}


def paired_difference(ours: np.ndarray, theirs: np.ndarray, seed: int = 0) -> dict[str, float]:
    """Mean of `ours - theirs` over the same users with its 95 % interval.

    Raises ValueError where the two are not as long.
    """
    ours, theirs = np.asarray(ours), np.asarray(theirs)
    if ours.shape != theirs.shape:
        raise ValueError(f"paired values differ in shape: {ours.shape} and {theirs.shape}")
    return mean_interval(ours - theirs, seed)


def other_users(count: int, seed: int) -> np.ndarray:
    """For each of `count` instances another one, a seeded derangement: whose history to borrow.

    >>> sorted(other_users(4, 0).tolist()), any(other_users(4, 0) == np.arange(4))
    ([0, 1, 2, 3], False)
    """
    order = np.random.default_rng([seed, 3]).permutation(count)
    borrowed = np.empty(count, dtype=np.int64)
    borrowed[order] = np.roll(order, 1)
    return borrowed
