"""Means and paired differences over users, with bootstrap intervals."""

import numpy as np


def mean_interval(values: np.ndarray, seed: int = 0, resamples: int = 2000) -> dict[str, float]:
    """Mean over users with its 95 % percentile bootstrap interval: `mean`, `low`, `high`, `users`.

    Given the differences of two models on the same users it is the paired bootstrap (Efron and Tibshirani, 1993).
    Constant values have an interval of no width.

    >>> mean_interval(np.zeros(10))
    {'mean': 0.0, 'low': 0.0, 'high': 0.0, 'users': 10}
    """
    values = np.asarray(values, dtype=np.float64)
    mean = float(values.mean())
    distinct, counts = np.unique(values, return_counts=True)
    low = high = mean
    if len(distinct) > 1:
        # A resample of users is a multinomial draw of the distinct values: the same distribution as drawing users
        # one by one, and metrics of one target have few values however many users there are.
        draws = np.random.default_rng(seed).multinomial(len(values), counts / len(values), size=resamples)
        low, high = np.percentile(draws @ distinct / len(values), [2.5, 97.5]).tolist()
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
