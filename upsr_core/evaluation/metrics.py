"""Ranks and metrics of one target among candidates, with ties taken in expectation."""

import numpy as np
import pandas as pd

CUTOFFS = (1, 5, 10)


def target_rank(scores: np.ndarray) -> tuple[float, int, int]:
    """Rank of the first of `scores` (higher is better): (expected rank, better candidates, tied candidates).

    >>> target_rank(np.array([0.5, 0.9, 0.5, 0.1]))
    (2.5, 1, 1)
    """
    scores = np.asarray(scores, dtype=np.float64)
    better = int((scores[1:] > scores[0]).sum())
    tied = int((scores[1:] == scores[0]).sum())
    return 1 + better + tied / 2, better, tied


def user_metrics(better: int, tied: int) -> dict[str, float]:
    """HR@k and NDCG@k of one target, the mean over all orders of its tie.

    A constant scorer so gets what random order gets, not the metric of its mean rank.

    >>> user_metrics(better=0, tied=1)["HR@1"]
    0.5
    """
    positions = np.arange(better + 1, better + tied + 2)
    gains = 1 / np.log2(positions + 1)
    return {
        **{f"HR@{k}": float((positions <= k).mean()) for k in CUTOFFS},
        **{f"NDCG@{k}": float(np.where(positions <= k, gains, 0.0).mean()) for k in CUTOFFS},
    }


METRICS = tuple(user_metrics(0, 0))


def rank_table(scored: list[np.ndarray]) -> pd.DataFrame:
    """One row per instance from its scores, target first: rank, ties, candidates, HR@k and NDCG@k."""
    rows = []
    for scores in scored:
        rank, better, tied = target_rank(scores)
        rows.append({"rank": rank, "ties": tied, "candidates": len(scores), **user_metrics(better, tied)})
    return pd.DataFrame(rows)


def named(metric: str, mode: str) -> str:
    """Every metric says its mode.

    >>> named("NDCG@10", "uni100")
    'NDCG@10 (uni100)'
    """
    return f"{metric} ({mode})"
