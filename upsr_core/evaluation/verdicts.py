"""What an interval says in words: whether a ranking uses the history, and why there is no interval."""

from typing import Any, Literal

# A verdict needs as many deciding users (`statistics.Moments`): with fewer, rankings that are alike are told apart more
# often than the 2.5 % that each side of a 95 % interval allows. Simulated in `upsr bench statistics`, which
# `tests/evaluation/test_verdicts.py` repeats in small.
VERDICT_FROM = 8
NO_GAIN = 0.05  # of what a ranking reaches: a gain that is surely smaller than this is none

UsesHistory = Literal["yes", "not shown", "no"]
YES: UsesHistory = "yes"
NOT_SHOWN: UsesHistory = "not shown"
NO: UsesHistory = "no"


def told_from_zero(interval: dict[str, Any]) -> int:
    """1 or -1 where an interval lies above or below zero and enough users decide it for a verdict, else 0.

    `interval` is what `mean_interval` gives.

    >>> [told_from_zero({"low": 0.1, "high": 0.3, "deciding": users}) for users in (7, 8)]
    [0, 1]
    """
    if interval["low"] is None or interval["deciding"] < VERDICT_FROM:
        return 0
    return int(interval["low"] > 0) - int(interval["high"] < 0)


def uses_history(gain: dict[str, Any], value: float) -> UsesHistory:
    """Whether a ranking uses the history of its user, by what the right one gains over another user's.

    Parameters
    ----------
    gain
        The user dependence as `mean_interval` gives it.
    value
        What the ranking reaches with the right history, in the same metric.

    Returns
    -------
    str
        YES where the interval lies above zero. NO where it lies below, or below NO_GAIN of `value`: whatever is gained
        is surely little. Where no user's metric changes with the history, the gain is at most the share of users for
        whom it may yet change, with 97.5 % confidence (exact binomial). Otherwise, and where fewer than VERDICT_FROM
        users decide, NOT_SHOWN.

    Examples
    --------
    >>> uses_history({"mean": 0.2, "low": 0.1, "high": 0.3, "users": 99, "deciding": 30}, 0.4)
    'yes'
    >>> uses_history({"mean": 0.0, "low": None, "high": None, "users": 999, "deciding": 0}, 0.4)
    'no'
    """
    if gain["deciding"] == 0 and gain["mean"] == 0:
        return NO if 1 - 0.025 ** (1 / gain["users"]) < NO_GAIN * value else NOT_SHOWN
    side = told_from_zero(gain)
    if side == 0 and gain["low"] is not None and gain["deciding"] >= VERDICT_FROM:
        return NO if gain["high"] < NO_GAIN * value else NOT_SHOWN
    return {1: YES, 0: NOT_SHOWN, -1: NO}[side]


def why_not_shown(gain: dict[str, Any]) -> str:
    """Why `uses_history` is not shown, in words.

    >>> why_not_shown({"low": None, "high": None, "deciding": 2.0, "users": 20, "why": "only 2 of 20 users decide it"})
    'only 2 of 20 users decide it, and a verdict needs 8'
    """
    if gain["deciding"] < VERDICT_FROM:
        decide = gain["why"] or f"only {gain['deciding']:.2g} of {gain['users']:,} users decide it"
        return decide if gain["deciding"] == 0 else f"{decide}, and a verdict needs {VERDICT_FROM}"
    return "the interval reaches zero"


def interval_text(mean: float, low: float | None, high: float | None, why: str = "", form: str = "+.3f") -> str:
    """A mean with its 95 % interval, or with why there is none, in words; None and NaN stand for no interval.

    >>> interval_text(0.1, 0.05, 0.15), interval_text(0.1, None, None, "only 2 of 20 users decide it", ".2f")
    ('+0.100 [+0.050, +0.150]', '0.10, no interval: only 2 of 20 users decide it')
    """
    if low is None or high is None or low != low:
        return f"{mean:{form}}, no interval" + (f": {why}" if why else "")
    return f"{mean:{form}} [{low:{form}}, {high:{form}}]"
