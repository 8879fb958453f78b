"""Who is said to use the history, and that few users say nothing."""

import numpy as np

from upsr_core.evaluation.statistics import mean_interval
from upsr_core.evaluation.verdicts import NO, NOT_SHOWN, VERDICT_FROM, YES, told_from_zero, uses_history, why_not_shown
from workshop.benchmarks.interval_coverage import false_verdicts


def test_rankings_that_are_alike_are_seldom_told_apart():
    """The percentile bootstrap told 13 % of such rankings apart with 3 users, 10.5 % with 5 and 6 % with 8."""
    found = false_verdicts(1000, users=(3, 5, 8, 20, 50, 150), hits=(0.1, 0.6))
    assert max(found.values()) <= 0.025 + 3 * (0.025 * 0.975 / 1000) ** 0.5
    assert max(found[count] for count in ("3", "5")) == 0


def test_fewer_users_than_a_verdict_needs_give_none():
    """Some of many users gain, none loses: seven or fewer do not decide, however clear their interval."""
    for count in range(2, 12):
        gain = mean_interval(np.repeat([0.5, 0.0], [count, 200]))
        assert (told_from_zero(gain) == 1) == (gain["deciding"] >= VERDICT_FROM)
        assert uses_history(gain, 0.3) == (YES if gain["deciding"] >= VERDICT_FROM else NOT_SHOWN)
    few = mean_interval(np.repeat([0.5, 0.0], [6, 200]))
    assert few["low"] > 0 and why_not_shown(few) == "only 6.4 of 206 users decide it, and a verdict needs 8"


def test_no_is_said_where_hardly_anything_can_be_gained():
    rng = np.random.default_rng(0)
    gains = rng.choice([-0.2, 0.0, 0.2], size=20_000)
    around = mean_interval(gains - gains.mean())
    assert around["low"] < 0 < around["high"] < 0.05 * 0.3 and uses_history(around, 0.3) == NO
    assert uses_history(around, 0.01) == NOT_SHOWN, "of so little it would be much"
    assert uses_history(mean_interval(gains - 0.1), 0.3) == NO, "the right history ranks worse"
    assert uses_history(mean_interval(gains + 0.1), 0.3) == YES


def test_a_ranking_that_never_changes_with_the_history_needs_enough_users():
    """Of n users none changes: the share for whom it would is below 1 - 0.025^(1/n)."""
    assert uses_history(mean_interval(np.zeros(500)), 0.3) == NO
    assert uses_history(mean_interval(np.zeros(20)), 0.3) == NOT_SHOWN
    assert why_not_shown(mean_interval(np.zeros(20))) == "all 20 users alike"
