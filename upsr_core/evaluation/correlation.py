"""Rank correlation of two measurements of a few things, with a bootstrap interval and a permutation test."""

from dataclasses import dataclass

import numpy as np

FEWEST = 3  # below, there is no order to speak of
FEWEST_FOR_INTERVAL = 5  # a perfect order of four, up or down, comes about by chance once in 12
LEVEL = 0.05


@dataclass(frozen=True)
class Correlation:
    """Spearman's `rho` and Kendall's `tau` of `n` pairs; `low` and `high` are the 95 % interval of rho.

    `p` is the share of random orders whose rho is as far from zero. What cannot be computed is None, and `reason` says
    why.
    """

    n: int
    rho: float | None = None
    low: float | None = None
    high: float | None = None
    tau: float | None = None
    p: float | None = None
    reason: str = ""

    @property
    def spans_zero(self) -> bool:
        """Whether the interval holds zero; where there is none, nothing speaks against it."""
        return self.low is None or self.high is None or self.low <= 0 <= self.high

    @property
    def shown(self) -> bool:
        """Whether there is a correlation beyond chance: the interval is clear of zero, and few random orders come near.

        Of few pairs the bootstrap interval alone says so too often.
        """
        return not self.spans_zero and self.p is not None and self.p <= LEVEL


def rank_correlation(x: np.ndarray, y: np.ndarray, seed: int = 0, resamples: int = 2000) -> Correlation:
    """Spearman's rank correlation with its 95 % interval, Kendall's, and a permutation test.

    The interval is the percentile bootstrap over the pairs (Efron and Tibshirani, 1993): with few pairs it is wide, and
    rather too narrow than too wide, so a permutation test stands beside it. Resamples in which one side is constant
    have no correlation and do not count.

    Parameters
    ----------
    x, y : ndarray of float, (n,)
        Pairs; those with NaN on a side are left out, ties have their mean rank.
    seed, resamples
        Of the bootstrap and the permutations.

    Raises
    ------
    ValueError
        The two are not as long.

    Examples
    --------
    >>> round(rank_correlation(np.array([1, 2, 3, 4, 5, 6.0]), np.array([1, 4, 9, 16, 25, 36.0])).rho, 6)
    1.0
    """
    from scipy.stats import kendalltau  # half a second of imports, that no page should wait for when it opens

    x, y = np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64)
    if x.shape != y.shape:
        raise ValueError(f"paired values differ in shape: {x.shape} and {y.shape}")
    known = np.isfinite(x) & np.isfinite(y)
    x, y, n = x[known], y[known], int(known.sum())
    if n < FEWEST:
        return Correlation(n, reason=f"a rank correlation needs at least {FEWEST}, and {n} have both values")
    if np.ptp(x) == 0 or np.ptp(y) == 0:
        return Correlation(n, reason="all values of one side are the same")
    rho, tau = float(_spearman(x[None], y[None])[0]), float(kendalltau(x, y)[0])
    if n < FEWEST_FOR_INTERVAL:
        return Correlation(n, rho, tau=tau, reason=f"an interval needs at least {FEWEST_FOR_INTERVAL}, here are {n}")
    rng = np.random.default_rng([seed, 17])
    draws = rng.integers(n, size=(resamples, n))
    low, high = np.nanpercentile(_spearman(x[draws], y[draws]), [2.5, 97.5]).tolist()
    orders = rng.permuted(np.tile(y, (resamples, 1)), axis=1)
    as_far = np.abs(_spearman(np.broadcast_to(x, orders.shape), orders)) >= abs(rho) - 1e-9
    return Correlation(n, rho, low, high, tau, p=float((1 + as_far.sum()) / (1 + resamples)))


def _spearman(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Row by row of (m, n); NaN where a side of a row is constant."""
    from scipy.stats import rankdata

    ranks = [rankdata(side, axis=1) - (side.shape[1] + 1) / 2 for side in (x, y)]
    with np.errstate(invalid="ignore"):
        found = (ranks[0] * ranks[1]).sum(axis=1) / np.sqrt((ranks[0] ** 2).sum(axis=1) * (ranks[1] ** 2).sum(axis=1))
    return np.clip(found, -1, 1)
