"""What the statistics do where the truth is known: simulated pairs of models, measured."""

from typing import Any

import numpy as np
from scipy.special import ndtr

from upsr_core.evaluation.metrics import rank_frame
from upsr_core.evaluation.statistics import difference_over_seeds, mean_interval, paired_difference, randomisation_test
from upsr_core.runtime import Progress
from workshop.benchmarks.interval_coverage import cells, false_verdicts

CANDIDATES = 101
GAINS = rank_frame(np.arange(CANDIDATES), np.zeros(CANDIDATES, int), np.full(CANDIDATES, CANDIDATES))[
    "NDCG@10"
].to_numpy()
POPULATION = 200_000  # users whose mean stands for the truth
STRENGTH, STRONGER = 1.2, 1.5  # how far the target's score stands above the others', in their standard deviations


def simulated_gains(rng: np.random.Generator, strengths: np.ndarray, ease: np.ndarray) -> np.ndarray:
    """NDCG@10 (models, users) of simulated models that find the same users easy (`ease`, (users,)).

    The target's score is normal around `strengths` (models,) plus the user's ease; the candidates that beat it among a
    hundred of standard normal scores are binomial.
    """
    score = strengths[:, None] + ease + rng.normal(size=(len(strengths), len(ease)))
    return GAINS[rng.binomial(CANDIDATES - 1, ndtr(-score))]


def identical(users: int = 500, seed: int = 0) -> float:
    """The largest of a difference of a model with itself and its bounds, if it had any."""
    values = simulated_gains(np.random.default_rng(seed), np.array([STRENGTH]), np.zeros(users))[0]
    found = paired_difference(values, values)
    return max(abs(found[name] or 0.0) for name in ("mean", "low", "high"))


def coverage(users: int = 300, pairs: int = 1000, seed: int = 0, progress: Progress = lambda *_: None) -> float:
    """How often the 95 % interval of a paired difference covers the difference over the whole population."""
    rng = np.random.default_rng([seed, users])
    gains = simulated_gains(rng, np.array([STRENGTH, STRONGER]), rng.normal(0, 0.7, POPULATION))
    differences = gains[1] - gains[0]
    truth, covered = differences.mean(), 0
    for pair in range(pairs):
        progress(pair, pairs, f"coverage, {users} users")
        drawn = differences[rng.integers(0, POPULATION, users)]
        interval = mean_interval(drawn)
        covered += interval["low"] <= truth <= interval["high"]
    return covered / pairs


def false_alarms(users: int = 300, pairs: int = 1000, seed: int = 0, progress: Progress = lambda *_: None) -> float:
    """How often two seeds of one design, alike on average, are called different by the paired test over users."""
    rng, called = np.random.default_rng([seed, users, 1]), 0
    for pair in range(pairs):
        progress(pair, pairs, f"A/A, {users} users")
        gains = simulated_gains(rng, np.array([STRENGTH, STRENGTH]), rng.normal(0, 0.7, users))
        called += randomisation_test(gains[1] - gains[0], seed=pair, resamples=499) < 0.05
    return called / pairs


def false_alarms_over_seeds(
    seeds: int = 3, spread: float = 0.1, users: int = 300, pairs: int = 1000, seed: int = 0, by_users: bool = False
) -> float:
    """How often two groups of `seeds` trainings of one design are called different, where each seed has its own luck.

    `spread` is the standard deviation of that luck. `by_users` leaves it out of account, as a test of single trainings
    must: it is then no longer the design that is compared.
    """
    rng, called = np.random.default_rng([seed, users, seeds]), 0
    for pair in range(pairs):
        strengths = STRENGTH + rng.normal(0, spread, 2 * seeds)
        gains = simulated_gains(rng, strengths, rng.normal(0, 0.7, users))
        if by_users:
            p = randomisation_test(gains[:seeds].mean(axis=0) - gains[seeds:].mean(axis=0), pair, 499)
        else:
            p = difference_over_seeds(gains[:seeds], gains[seeds:])["p"]
        called += p < 0.05
    return called / pairs


def bench(pairs: int = 1000, progress: Progress = lambda *_: None) -> dict[str, Any]:
    """Shares over simulated pairs, and what they should be in the names.

    `cells` and `used_by_chance_2.5` are what `interval_coverage` gives: coverage of the interval wherever it is shown,
    and by number of users how often a ranking that gains nothing by its history is said to use it.
    """
    result: dict[str, Any] = {"identical_difference_0": identical()}
    for users in (100, 300, 3000):
        result[f"coverage_95_{users}_users"] = coverage(users, pairs, progress=progress)
        result[f"two_seeds_called_different_5_{users}_users"] = false_alarms(users, pairs, progress=progress)
    for seeds in (2, 3, 5):
        progress(seeds, 5, "groups of seeds")
        result[f"groups_of_{seeds}_lucky_seeds_called_different_5"] = false_alarms_over_seeds(seeds, pairs=pairs)
        result[f"the_same_by_users_alone_{seeds}"] = false_alarms_over_seeds(seeds, pairs=pairs, by_users=True)
    found = cells(4 * pairs, progress=progress)
    shown = [cell["coverage"] for cell in found if cell["shown"]]
    result |= {"cells_shown": len(shown), "coverage_least": min(shown), "coverage_most": max(shown)}
    return result | {"used_by_chance_2.5": false_verdicts(16 * pairs), "cells": found}
