"""Ranks and metrics of one target among candidates, with ties taken in expectation."""

import numpy as np
import pandas as pd

from upsr_core.errors import RunError

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


def rank_frame(better: np.ndarray, tied: np.ndarray, candidates: np.ndarray) -> pd.DataFrame:
    """Ranks and metrics, ties taken in expectation.

    A constant scorer so gets what random order gets, not the metric of its mean rank.

    Parameters
    ----------
    better, tied, candidates : ndarray of int, (n,)
        Of each target how many candidates are better, how many are tied with it, and how many there are in all.

    Returns
    -------
    DataFrame, n rows
        Columns rank (expected), ties, candidates, HR@k and NDCG@k for k of CUTOFFS, each the mean over all orders of
        the tie. With one target HR@k is Recall@k.

    Examples
    --------
    >>> rank_frame(np.array([0]), np.array([1]), np.array([101]))["HR@1"].item()
    0.5
    """
    better, tied = np.asarray(better), np.asarray(tied)
    gains = np.concatenate([[0.0], np.cumsum(1 / np.log2(np.arange(max(CUTOFFS)) + 2))])
    table = {"rank": 1 + better + tied / 2, "ties": tied, "candidates": candidates}
    for k in CUTOFFS:
        table[f"HR@{k}"] = np.clip(k - better, 0, tied + 1) / (tied + 1)
    for k in CUTOFFS:
        table[f"NDCG@{k}"] = (gains[np.minimum(k, better + tied + 1)] - gains[np.minimum(k, better)]) / (tied + 1)
    return pd.DataFrame(table)


def user_metrics(better: int, tied: int) -> dict[str, float]:
    """HR@k and NDCG@k of one target, see `rank_frame`.

    >>> user_metrics(better=0, tied=1)["HR@1"]
    0.5
    """
    frame = rank_frame(np.array([better]), np.array([tied]), np.array([better + tied + 1]))
    return {name: float(frame[name].iloc[0]) for name in METRICS}


METRICS = tuple(f"{name}@{k}" for name in ("HR", "NDCG") for k in CUTOFFS)
HEADLINE = "NDCG@10"


def check_numbers(scores: np.ndarray) -> None:
    """Raise RunError where a score is not a number: no other would be better, and the target would rank first."""
    if np.isnan(scores).any():
        raise RunError(
            "The model's scores are not numbers",
            "its training has diverged",
            "Train it with a lower learning rate or another recipe.",
        )


def rank_table(scored: list[np.ndarray]) -> pd.DataFrame:
    """Ranks and metrics from scores.

    Parameters
    ----------
    scored : list of ndarray of float, (n_candidates,)
        Scores of each instance's candidates, the target first; higher is better.

    Returns
    -------
    DataFrame
        One row per instance, see `rank_frame`.

    Raises
    ------
    RunError
        A score is not a number.
    """
    for scores in scored:
        check_numbers(scores)
    places = np.array([target_rank(scores)[1:] for scores in scored], dtype=np.int64).reshape(-1, 2)
    return rank_frame(places[:, 0], places[:, 1], np.array([len(scores) for scores in scored], dtype=np.int64))


def named(metric: str, mode: str) -> str:
    """Every metric says its mode.

    >>> named("NDCG@10", "uni100")
    'NDCG@10 (uni100)'
    """
    return f"{metric} ({mode})"
