"""Which users are worth looking at: gains and losses between two runs, misses, near ties, cold targets. No torch."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from upsr_core.runs.run import Run
from upsr_core.runs.user_ranking import evaluated_users, own_scores


@dataclass(frozen=True)
class Order:
    """A reason to look at a user: which users it is about (a column of bool, "" for all) and by what they are sorted.

    `pair` orders need a second run.
    """

    title: str
    note: str
    column: str
    ascending: bool
    only: str = ""
    pair: bool = False


ORDERS = {
    "stored": Order("As stored", "The order of the dataset.", "row", True),
    "best": Order("Best", "The target ranked first.", "rank", True),
    "worst": Order("Worst misses", "The target ranked last.", "rank", False),
    "gain": Order("Largest gains", "The first run ranks the target far better.", "gain", False, pair=True),
    "loss": Order("Largest losses", "The first run ranks the target far worse.", "gain", True, pair=True),
    "tie": Order("Near ties", "Another candidate has almost the target's score.", "margin", True),
    "cold": Order("Cold targets", "Targets that are in no training event, best first.", "rank", True, only="cold"),
}


def users_worth_looking_at(run: Run, other: Run | None = None) -> pd.DataFrame:
    """One row per user that the run evaluated, and with `other` that both did.

    Columns: user (index), user_id, row, items (of the history), target (item index), cold, rank, ties, margin
    (distance in score from the nearest candidate with another score; infinite where there is none); with another run
    other_rank and gain (1 / rank - 1 / other_rank, the difference in reciprocal rank, in which the top counts most).
    """
    table = evaluated_users(run)[["user", "user_id", "row", "end", "target", "cold", "rank", "ties"]]
    if other is not None:
        same = ["user", "end", "target"]  # a user may have several instances, and runs other ones of them
        theirs = evaluated_users(other)[[*same, "rank"]].rename(columns={"rank": "other_rank"})
        table = table.merge(theirs, on=same)
        table["gain"] = 1 / table["rank"] - 1 / table.other_rank
    table = table.drop_duplicates("user").rename(columns={"end": "items"}).merge(_margins(run), on="row", how="left")
    table["margin"] = table.margin.fillna(np.inf)
    return table.reset_index(drop=True)


def _margins(run: Run) -> pd.DataFrame:
    scores = own_scores(run)
    targets = scores[scores.target].drop_duplicates("row").set_index("row").score
    apart = (scores.score - scores.row.map(targets)).abs()
    apart = apart[(apart > 0) & np.isfinite(apart)].groupby(scores.row).min()
    return apart.rename("margin").rename_axis("row").reset_index()


def in_order(table: pd.DataFrame, name: str) -> pd.DataFrame:
    """The users of `users_worth_looking_at` that an order (a name of ORDERS) is about, the most telling first."""
    order = ORDERS[name]
    chosen = table[table[order.only]] if order.only else table
    if order.pair:
        chosen = chosen[chosen.gain < 0] if order.ascending else chosen[chosen.gain > 0]
    if name == "tie":
        chosen = chosen[np.isfinite(chosen.margin)]
    return chosen.sort_values([order.column, "row"], ascending=[order.ascending, True], ignore_index=True)
