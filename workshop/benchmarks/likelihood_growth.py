"""How the cost of likelihood scoring grows with candidates, users and history; whether memory keeps to its budget."""

import ctypes
import sys
import threading
import time
from collections.abc import Callable
from functools import partial

import numpy as np
import pandas as pd
import psutil

from upsr_core.likelihood.candidate_scorer import CandidateScorer
from upsr_core.likelihood.trie import CandidateTrie
from upsr_core.runtime import Progress
from upsr_core.text.prompt import SequenceBuilder
from workshop.benchmarks.likelihood import random_history

CANDIDATES = (10, 30, 100, 300, 1000, 3000)  # and the whole catalogue
USERS = (1, 4, 16, 64, 256)
HISTORY_TOKENS = (16, 64, 128, 256, 512)
MEBIBYTE = 2**20


def growth(model, builder: SequenceBuilder, budget: int, progress: Progress, seed: int = 0) -> pd.DataFrame:
    """One row per measurement.

    Columns: axis (candidates, users or history tokens), value, rows (distinct prefixes fed, over all users), seconds,
    memory (peak MiB above what the process held before).
    """
    rng = np.random.default_rng(seed)
    trie = CandidateTrie.build(builder.texts)
    scorer = CandidateScorer(model, trie, budget)
    count = len(builder.texts)
    middle = random_history(builder, 128, rng)
    cases: list[tuple[str, int, list[np.ndarray], int]] = []
    cases += [("candidates", c, [middle], c) for c in (*[c for c in CANDIDATES if c < count], count)]
    cases += [("users", u, [random_history(builder, 128, rng) for _ in range(u)], min(101, count)) for u in USERS]
    cases += [("history tokens", t, [random_history(builder, t, rng)], min(101, count)) for t in HISTORY_TOKENS]
    scorer.log_likelihoods([middle], lambda _: np.arange(min(101, count)))
    measured = []
    for number, (axis, value, sequences, size) in enumerate(cases):
        chosen = [rng.choice(count, size=size, replace=False) for _ in sequences]
        rows = sum(len(trie.above(np.unique(trie.terminal[items]))) for items in chosen)
        seconds, memory = peak_memory(partial(scorer.log_likelihoods, sequences, chosen.__getitem__))
        value = len(sequences[0]) if axis == "history tokens" else value
        measured.append((axis, value, rows, seconds, memory / MEBIBYTE))
        progress(number + 1, len(cases), axis)
    return pd.DataFrame(measured, columns=["axis", "value", "rows", "seconds", "memory"])


def summary(measured: pd.DataFrame, budget: int) -> dict:
    """`linear_in_prefixes` and `linear_in_users` are R² of a straight line, `exponent_*` the slope in logarithms of
    the larger half of the points (1 is linear, where fixed cost no longer counts); `memory_share` is the largest peak
    over the budget.
    """
    candidates, users = (measured[measured.axis == axis] for axis in ("candidates", "users"))
    return {
        "linear_in_prefixes": _line(candidates.rows, candidates.seconds),
        "exponent_prefixes": _exponent(candidates.rows, candidates.seconds),
        "linear_in_users": _line(users.value, users.seconds),
        "exponent_users": _exponent(users.value, users.seconds),
        "memory_peak_mib": float(measured.memory.max()),
        "memory_budget_mib": budget / MEBIBYTE,
        "memory_share": float(measured.memory.max() * MEBIBYTE / budget),
        "curve": measured.round(4).to_dict("records"),
    }


def _line(x: pd.Series, y: pd.Series) -> float:
    return float(np.corrcoef(x, y)[0, 1] ** 2)


def _exponent(x: pd.Series, y: pd.Series) -> float:
    half = (len(x) - 1) // 2
    return float(np.polyfit(np.log(x.iloc[half:]), np.log(y.iloc[half:]), 1)[0])


def peak_memory(work: Callable[[], object], every: float = 0.002) -> tuple[float, int]:
    """(seconds, peak of the process's resident bytes above those before), sampled every `every` seconds."""
    if sys.platform == "linux":
        ctypes.CDLL(None).malloc_trim(0)  # what earlier work freed must not hide what this takes
    process, done = psutil.Process(), threading.Event()
    before = process.memory_info().rss
    peak = [before]

    def watch() -> None:
        while not done.wait(every):
            peak[0] = max(peak[0], process.memory_info().rss)

    watcher = threading.Thread(target=watch)
    watcher.start()
    start = time.perf_counter()
    try:
        work()
    finally:
        seconds = time.perf_counter() - start
        done.set()
        watcher.join()
    return seconds, peak[0] - before
