"""Means and paired differences over users and seeds: intervals that hold where hits are rare, and tests."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy.special import stdtr, stdtrit

AT_ONCE = 4_000_000  # numbers of a draw, 32 MB
# From how many deciding users (see `Moments`) an interval is shown. From 3 on it covers 93.5 to 96.5 % whatever the
# metric (`upsr bench statistics`); one or two say too little of how the others would spread.
SHOWN_FROM = 3


@dataclass(frozen=True)
class Moments:
    """What an interval is made of, each (...,): the mean and its second to fourth cumulant, as an estimate.

    `freedom` is that of the variance, which is certain where the mean fixes it, as with hits. `deciding` is how many
    users the spread rests on, (sum d^2)^2 / sum d^4 of the distances d from the mean: k where k of many users have a
    hit, a third of all users where values are normal, 0 where all are alike.
    """

    mean: np.ndarray
    variance: np.ndarray
    third: np.ndarray
    fourth: np.ndarray
    freedom: np.ndarray
    deciding: np.ndarray

    @classmethod
    def of(cls, values: np.ndarray) -> "Moments":
        """Of values (..., n_users)."""
        values = np.asarray(values, dtype=np.float64)
        users, mean = values.shape[-1], values.mean(axis=-1)
        away = values - mean[..., None]
        square = away * away
        second, third, fourth = square.mean(axis=-1), (square * away).mean(axis=-1), (square * square).mean(axis=-1)
        alike = np.ptp(values, axis=-1) <= 1e-12 * np.abs(values).max(axis=-1)
        with np.errstate(divide="ignore", invalid="ignore"):
            skew, tail = third / second**1.5, fourth / second**2
            freedom = np.maximum((users - 1) / np.maximum(tail - 1 - skew**2, 1e-9), 1)
            deciding = np.where(alike, 0, np.round(users / tail, 9))
            return cls(
                mean, np.where(alike, 0, second / (users - 1)), third / users**2, (fourth - 3 * second**2) / users**3,
                freedom, deciding,
            )  # fmt: skip

    def bounds(self) -> tuple[np.ndarray, np.ndarray]:
        """The 95 % interval of the mean, see `mean_interval`; NaN where it is not shown."""
        with np.errstate(divide="ignore", invalid="ignore"):
            error, t = self.variance**0.5, stdtrit(self.freedom, 0.975)
            skew, tail = self.third / error**3, self.fourth / error**4
            # Few users say little of skewness: all three who differ may gain, though half of all would lose.
            centre = self.mean + (2 * t**2 + 1) / 6 * skew * error * self.deciding / (self.deciding + 2)
            wider = 1 + (2 * t**2 + 7) / 36 * skew**2 + (3 * t**2 + 1) / 12 * (tail - skew**2)
            reach = t * error * np.maximum(wider, 0) ** 0.5
            shown = self.deciding >= SHOWN_FROM
            return np.where(shown, centre - reach, np.nan), np.where(shown, centre + reach, np.nan)

    def interval(self, users: int, of: str = "users") -> dict[str, Any]:
        """Of one mean: what `mean_interval` gives."""
        low, high = (float(end) for end in self.bounds())
        found = {"mean": float(self.mean), "low": low, "high": high, "users": users, "deciding": float(self.deciding)}
        if self.deciding >= SHOWN_FROM:
            return found | {"why": ""}
        alike = f"all {users:,} {of} alike" if users > 1 else "a single one"
        why = f"only {self.deciding:.2g} of {users:,} {of} decide it" if self.deciding else alike
        return found | {"low": None, "high": None, "why": why}


def mean_interval(values: np.ndarray, of: str = "users") -> dict[str, Any]:
    """Mean over users with its 95 % interval, also where few users have a hit.

    A studentised interval, corrected to second order for what skewness does to it: it is moved to the longer tail and
    widened (Hall, The Bootstrap and Edgeworth Expansion, 1992; for hits it is nearly the interval of Cai, Journal of
    Statistical Planning and Inference, 2005, whose coverage is that of mid-p). Nothing is drawn. Given the differences
    of two models on the same users it is paired.

    Parameters
    ----------
    values : ndarray of float, (n_users,)
        One value a user, at least one; see `by_user` where users have several instances.
    of
        What the values are of, in words: users, or items.

    Returns
    -------
    dict
        `mean`, `low`, `high`, the number of `users`, how many of them are `deciding` (see `Moments`), and `why`. Where
        fewer than SHOWN_FROM decide there is no interval that holds: `low` and `high` are None and `why` says so.

    Examples
    --------
    >>> found = mean_interval(np.repeat([1.0, 0.0], [5, 145]))
    >>> [round(found[name], 4) for name in ("mean", "low", "high")]
    [0.0333, 0.0102, 0.0695]
    >>> mean_interval(np.zeros(10))["why"]
    'all 10 users alike'
    """
    values = np.asarray(values, dtype=np.float64)
    return Moments.of(values).interval(len(values), of)


def _blocks(resamples: int, values: int) -> list[int]:
    """Resamples in parts of at most AT_ONCE numbers each: memory stays the same however many values there are."""
    most = max(1, AT_ONCE // values)
    return [min(most, resamples - start) for start in range(0, resamples, most)]


def paired_difference(ours: np.ndarray, theirs: np.ndarray) -> dict[str, Any]:
    """Mean of `ours - theirs` over the same users with its 95 % interval, see `mean_interval`.

    Raises ValueError where the two, (n_users,) each, are not as long.
    """
    ours, theirs = np.asarray(ours), np.asarray(theirs)
    if ours.shape != theirs.shape:
        raise ValueError(f"paired values differ in shape: {ours.shape} and {theirs.shape}")
    return mean_interval(ours - theirs)


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


def difference_over_seeds(ours: np.ndarray, theirs: np.ndarray) -> dict[str, Any]:
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
        What `mean_interval` gives, and the two-sided `p`.
    """
    difference = ours.mean(axis=0) - theirs.mean(axis=0)
    users = Moments.of(difference)
    parts = [(float(users.variance), float(users.freedom))] if users.deciding else []
    for values in (ours, theirs):
        if len(values) > 1:
            parts.append((float(values.mean(axis=1).var(ddof=1)) / len(values), len(values) - 1))
    variance = sum(part for part, _ in parts)
    if variance == 0:
        return users.interval(len(difference)) | {"p": float(users.mean == 0)}
    freedom = variance**2 / sum(part**2 / free for part, free in parts)
    # Where users are all alike, none of them decides more than another.
    deciding = users.deciding if users.deciding else np.asarray(len(difference))
    both = replace(users, variance=np.asarray(variance), freedom=np.asarray(freedom), deciding=deciding)
    return both.interval(len(difference)) | {"p": float(2 * stdtr(freedom, -abs(both.mean) / variance**0.5))}


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
