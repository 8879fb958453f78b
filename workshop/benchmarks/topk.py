"""What best-first search spares with a trained model: exact top-10 of the catalogue, exact rank of the positive."""

import time
from collections.abc import Sequence

import numpy as np
import pandas as pd

from upsr_core.likelihood.candidate_scorer import CandidateScorer
from upsr_core.likelihood.topk import CandidateSearch
from upsr_core.runtime import Progress

TOP = 10


def search_against_plain(
    scorer: CandidateScorer,
    sequences: Sequence[np.ndarray],
    histories: Sequence[np.ndarray],
    candidates: Sequence[np.ndarray],
    progress: Progress,
    whole: int,
) -> pd.DataFrame:
    """One row per user: search and plain scoring, one after the other.

    `candidates[i]` has the positive first. Columns: rank (of the positive among them), rank_rows (share of the rows
    that scoring them all feeds), rank_time (time over that of scoring them all), rank_equal; top_rows, top_time and
    top_equal of the best ten of the catalogue without the history, for all users top_rows, and for the first `whole`
    users, whose catalogue is scored plainly too, the others.
    """
    everything = np.arange(len(scorer.trie.terminal))
    lengths = scorer.trie.lengths(scorer.trie.terminal)
    catalogue = CandidateSearch(scorer, everything)
    scorer.log_likelihoods(sequences[:1], lambda _: candidates[0])
    rows = []
    for user, (sequence, history, items) in enumerate(zip(sequences, histories, candidates, strict=True)):
        plain_time, plain = _timed(scorer, sequence, items)
        score = plain / lengths[items]
        start = time.perf_counter()
        better, tied, cost = CandidateSearch(scorer, items).rank(sequence, int(items[0]))
        spent = time.perf_counter() - start
        row = {
            "rank": 1 + int((score[1:] > score[0]).sum()),
            "rank_rows": cost.rows / cost.of,
            "rank_fell_back": cost.plain > 0,
            "rank_time": spent / plain_time,
            "rank_equal": (better, tied) == (int((score[1:] > score[0]).sum()), int((score[1:] == score[0]).sum())),
        }
        start = time.perf_counter()
        best, found, cost = catalogue.top(sequence, TOP, history)
        spent = time.perf_counter() - start
        row |= {"top_rows": cost.rows / cost.of, "top_fell_back": cost.plain > 0, "top_seconds": spent}
        if user < whole:
            plain_time, plain = _timed(scorer, sequence, everything)
            score = np.where(np.isin(everything, history), -np.inf, plain / lengths)
            row |= {
                "top_time": spent / plain_time,
                "plain_seconds": plain_time,
                "top_equal": bool(np.allclose(np.sort(score)[::-1][: len(found)], found, atol=1e-5))
                and bool(np.allclose(score[best], found, atol=1e-5)),
            }
        rows.append(row)
        progress(user + 1, len(sequences), "users")
    return pd.DataFrame(rows)


def summary(table: pd.DataFrame) -> dict:
    """Medians, and for the rank only users whose positive is in the top 10 of its candidates."""
    good, whole = table[table["rank"] <= TOP], table[table.plain_seconds.notna()]
    return {
        "users": len(table),
        "top10_rows_share": float(table.top_rows.median()),
        "top10_rows_share_max": float(table.top_rows.max()),
        "top10_fell_back": int(table.top_fell_back.sum()),
        "top10_seconds": float(table.top_seconds.median()),
        "catalogue_seconds": float(whole.plain_seconds.median()),
        "top10_speedup": float((1 / whole.top_time).median()),
        "top10_equal": bool(whole.top_equal.all()),
        "rank_users": len(good),
        "rank_rows_share": float(good.rank_rows.median()) if len(good) else None,
        "rank_time_share": float(good.rank_time.median()) if len(good) else None,
        "rank_fell_back": int(good.rank_fell_back.sum()),
        "rank_equal": bool(table.rank_equal.all()),
    }


def _timed(scorer: CandidateScorer, sequence: np.ndarray, items: np.ndarray) -> tuple[float, np.ndarray]:
    start = time.perf_counter()
    result = scorer.log_likelihoods([sequence], lambda _: items)[0]
    return time.perf_counter() - start, result
