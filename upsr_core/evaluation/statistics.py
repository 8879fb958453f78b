"""Means and paired differences over users and seeds: bootstrap intervals, paired tests, correction for many."""

import numpy as np
from scipy.special import stdtr, stdtrit

AT_ONCE = 4_000_000  # numbers of a draw, 32 MB


def mean_interval(values: np.ndarray, seed: int = 0, resamples: int = 2000) -> dict[str, float]:
    """Mean over users with its 95 % percentile bootstrap interval (Efron and Tibshirani, 1993).

    Given the differences of two models on the same users it is the paired bootstrap.

    Parameters
    ----------
    values : ndarray of float, (n_users,)
        One value a user, at least one; see `by_user` where users have several instances.
    seed, resamples
        Of the bootstrap.

    Returns
    -------
    dict
        `mean`, `low`, `high`, and the number of `users`. Constant values have an interval of no width.

    Examples
    --------
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
        rng, shares = np.random.default_rng(seed), counts / len(values)
        means = [rng.multinomial(len(values), shares, size=n) @ distinct for n in _blocks(resamples, len(distinct))]
        low, high = np.percentile(np.concatenate(means) / len(values), [2.5, 97.5]).tolist()
    return {"mean": mean, "low": low, "high": high, "users": len(values)}


def _blocks(resamples: int, values: int) -> list[int]:
    """Resamples in parts of at most AT_ONCE numbers each: memory stays the same however many values there are."""
    most = max(1, AT_ONCE // values)
    return [min(most, resamples - start) for start in range(0, resamples, most)]


def paired_difference(ours: np.ndarray, theirs: np.ndarray, seed: int = 0) -> dict[str, float]:
    """Mean of `ours - theirs` over the same users with its 95 % interval, see `mean_interval`.

    Raises ValueError where the two, (n_users,) each, are not as long.
    """
    ours, theirs = np.asarray(ours), np.asarray(theirs)
    if ours.shape != theirs.shape:
        raise ValueError(f"paired values differ in shape: {ours.shape} and {theirs.shape}")
    return mean_interval(ours - theirs, seed)


def randomisation_test(differences: np.ndarray, seed: int = 0, resamples: int = 9999) -> float:
    """Paired randomisation test (Smucker et al., CIKM 2007) of a mean difference of zero.

    Under it the sign of each user's difference is as likely the other one.

    Parameters
    ----------
    differences : ndarray of float, (n_users,)
        Of two models on the same users.
    seed, resamples
        Of the draws.

    Returns
    -------
    float
        Two-sided p, at least 1 / (resamples + 1).

    Examples
    --------
    >>> randomisation_test(np.zeros(10))
    1.0
    """
    differences = np.asarray(differences, dtype=np.float64)
    sizes, counts = np.unique(np.abs(differences[differences != 0]), return_counts=True)
    if not len(sizes):
        return 1.0
    # How many of the equal sizes turn positive is binomial: the same distribution as turning each user's sign.
    rng = np.random.default_rng([seed, 4])
    draws = (rng.binomial(counts, 0.5, size=(n, len(sizes))) for n in _blocks(resamples, len(sizes)))
    sums = np.concatenate([(2 * positive - counts) @ sizes for positive in draws])
    reached = np.abs(sums) >= abs(differences.sum()) * (1 - 1e-12)
    return float((1 + reached.sum()) / (1 + resamples))


def holm(p: np.ndarray) -> np.ndarray:
    """p values (n,) corrected for n tests (Holm, 1979), in the order given.

    >>> holm(np.array([0.01, 0.04, 0.03])).tolist()
    [0.03, 0.06, 0.06]
    """
    p = np.asarray(p, dtype=np.float64)
    order = np.argsort(p, kind="stable")
    corrected = np.empty(len(p))
    corrected[order] = np.minimum(1, np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1)))
    return corrected


def difference_over_seeds(ours: np.ndarray, theirs: np.ndarray) -> dict[str, float]:
    """Difference of two designs, each trained with several seeds.

    Users and seeds are both samples: the variance of the mean over users and that of the seeds' means are added, and
    the degrees of freedom are Satterthwaite's. What a seed does to single users counts in both parts, so the interval
    is rather too wide than too narrow.

    Parameters
    ----------
    ours, theirs : ndarray of float, (n_seeds, n_users)
        Over the same users; a single row stands for what no seed changes.

    Returns
    -------
    dict
        `mean`, the 95 % interval `low`, `high`, and the two-sided `p`.
    """
    difference = ours.mean(axis=0) - theirs.mean(axis=0)
    parts = [(difference.var(ddof=1) / len(difference), len(difference) - 1)] if len(difference) > 1 else []
    for values in (ours, theirs):
        if len(values) > 1:
            parts.append((values.mean(axis=1).var(ddof=1) / len(values), len(values) - 1))
    mean, variance = float(difference.mean()), sum(part for part, _ in parts)
    if variance == 0:
        return {"mean": mean, "low": mean, "high": mean, "p": float(mean == 0)}
    freedom = variance**2 / sum(part**2 / free for part, free in parts)
    error = variance**0.5
    reach = float(stdtrit(freedom, 0.975)) * error
    return {
        "mean": mean,
        "low": mean - reach,
        "high": mean + reach,
        "p": float(2 * stdtr(freedom, -abs(mean) / error)),
    }


def by_user(values: np.ndarray, users: np.ndarray) -> np.ndarray:
    """Values of instances (..., n) as one per user (..., u), with the same mean: what users share is no new evidence.

    `users` (n,) says whose each instance is. A user of several instances has its sum as it departs from the mean, so
    that the spread over users is that of a ratio of sums (Taylor linearisation; Cochran, Sampling Techniques, 1977).
    Where every user has one instance the values are given back.

    >>> by_user(np.array([1.0, 0.0, 0.0, 1.0, 1.0]), np.array([7, 7, 8, 9, 9])).round(2).tolist()
    [0.48, 0.24, 1.08]
    """
    distinct, number = np.unique(users, return_inverse=True)
    if len(distinct) == len(users):
        return np.asarray(values)
    values = np.asarray(values, dtype=np.float64)
    mean, usual = values.mean(axis=-1, keepdims=True), len(users) / len(distinct)
    apart = np.zeros((*values.shape[:-1], len(distinct)))
    np.add.at(apart.T, number, (values - mean).T)  # the last axis is the first of the transpose
    return mean + apart / usual


def other_users(users: np.ndarray, seed: int) -> np.ndarray:
    """For each instance one of another user, seeded: whose history to borrow. `users` (n,) says whose each is.

    Users are deranged, and of the other one any instance is taken; a user alone has nobody to borrow from but itself.

    >>> sorted(other_users(np.arange(4), 0).tolist()), any(other_users(np.arange(4), 0) == np.arange(4))
    ([0, 1, 2, 3], False)
    >>> other_users(np.array([5, 5, 8]), 0).tolist()[:2]
    [2, 2]
    """
    rng = np.random.default_rng([seed, 3])
    distinct, number = np.unique(users, return_inverse=True)
    order = rng.permutation(len(distinct))
    other = np.empty(len(distinct), dtype=np.int64)
    other[order] = np.roll(order, 1)
    rows, counts = np.argsort(number, kind="stable"), np.bincount(number)
    theirs = other[number]
    place = rng.integers(counts[theirs]) if len(distinct) < len(users) else 0
    return rows[(np.cumsum(counts) - counts)[theirs] + place]
