"""Models side by side: how far they agree for a user, where they part, and what their scores lean towards."""

from collections.abc import Sequence
from itertools import combinations

import numpy as np
import pandas as pd

from upsr_core.evaluation.statistics import mean_interval
from upsr_core.explain.instance import ranks_of
from upsr_core.models.instance import Instance
from upsr_core.runs.run import Run
from upsr_core.runs.user_ranking import own_scores
from upsr_core.schema import ITEM

TOP = 10


def stored_scores(instance: Instance, run: Run, user: int) -> np.ndarray:
    """Scores (c,) on disk of a run for the candidates of an instance, NaN where it has stored none."""
    table = own_scores(run)
    mine = table[table.user == user]
    mine = mine[mine.row == mine.row.min()].drop_duplicates("item")
    return instance.candidates.item.map(mine.set_index("item").score).to_numpy(dtype=np.float64)


def side_by_side(instance: Instance, scores: dict[str, np.ndarray]) -> pd.DataFrame:
    """One row per candidate: item_id, target, popularity, and the rank under each name of `scores`.

    `apart` is the largest distance between two of its ranks; those on which the models part most come first.
    """
    table = instance.candidates[[ITEM, "target", "popularity"]].copy()
    ranks = pd.DataFrame({name: ranks_of(values) for name, values in scores.items()})
    table = pd.concat([table, ranks], axis=1)
    table["apart"] = ranks.max(axis=1) - ranks.min(axis=1)
    return table.sort_values("apart", ascending=False, kind="stable", ignore_index=True)


def agreement(scores: dict[str, np.ndarray]) -> pd.DataFrame:
    """One row per pair of models: a, b, tau (Kendall's tau-b of the scores), top (how many of the ten best of a are
    among the ten best of b) and of (how many could be).
    """
    from scipy.stats import kendalltau

    rows = []
    for a, b in combinations(scores, 2):
        best = [set(np.argsort(-scores[name], kind="stable")[:TOP].tolist()) for name in (a, b)]
        tau = float(kendalltau(scores[a], scores[b]).statistic)
        rows.append({"a": a, "b": b, "tau": tau, "top": len(best[0] & best[1]), "of": min(map(len, best))})
    return pd.DataFrame(rows, columns=["a", "b", "tau", "top", "of"])


def leanings(scores: pd.DataFrame, tokens: pd.Series | None = None) -> pd.DataFrame:
    """What the scores of a run lean towards over all its users: the rank correlation of a candidate's score with its
    popularity and with the length of its text, within each user's candidates, averaged over users.

    `scores` is what `user_ranking.own_scores` gives with `whole`; `tokens` are text lengths by item where it has none.
    Rows: property (popularity, text length), and mean, low, high (95 % interval, NaN where none holds), users and why.
    A user whose candidates are all alike in a property does not count. Zero: it leans neither way.
    """
    values = {"popularity": scores.popularity}
    lengths = scores.tokens if "tokens" in scores else scores.item.map(tokens) if tokens is not None else None
    if lengths is not None:
        values["text length"] = lengths
    rows = []
    for name, column in values.items():
        found = _within(scores.row, scores.score, column)
        rows.append({"property": name, **(mean_interval(found) if len(found) else {"mean": np.nan, "users": 0})})
    table = pd.DataFrame(rows, columns=["property", "mean", "low", "high", "users", "why"])
    return table.astype({"low": float, "high": float})


def _within(row: pd.Series, left: pd.Series, right: pd.Series) -> np.ndarray:
    """Spearman's correlation within each row, of rows where it is defined."""
    table = pd.DataFrame({"row": row, "x": left, "y": right}).dropna()
    # -inf stands for "cannot be scored": the lowest rank, which is what it gets.
    ranks = table.groupby("row")[["x", "y"]].rank()
    centred = ranks - ranks.groupby(table.row).transform("mean")
    sums = pd.DataFrame({"xy": centred.x * centred.y, "xx": centred.x**2, "yy": centred.y**2}).groupby(table.row).sum()
    sums = sums[(sums.xx > 0) & (sums.yy > 0)]
    return (sums.xy / np.sqrt(sums.xx * sums.yy)).to_numpy()


def correlation(left: Sequence[float], right: Sequence[float]) -> float:
    """Spearman's correlation for one user; NaN where one side is constant."""
    left, right = pd.Series(left, dtype=float), pd.Series(right, dtype=float)
    found = _within(pd.Series(np.zeros(len(left))), left, right)
    return float(found[0]) if len(found) else float("nan")
