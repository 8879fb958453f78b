"""A changed instance beside the instance as it was."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from upsr_core.explain.instance import ranks_of
from upsr_core.models.base import InstanceScorer
from upsr_core.models.instance import Instance
from upsr_core.schema import ITEM


def edited_history(instance: Instance, table: pd.DataFrame, attributes: Sequence[str]) -> Instance:
    """A instance whose history is as a table says: a row per item of it, in the same order.

    Columns: use (bool, without it the item is left out), place (a number by which items are ordered, missing ones
    keep theirs) and the `attributes`, whose texts count.
    """
    history = instance.history.copy()
    for name in attributes:
        history[name] = table[name].fillna("").astype(str).to_numpy()
    places = table.place.astype(float).fillna(pd.Series(np.arange(1.0, len(table) + 1), index=table.index)).to_numpy()
    order = np.argsort(places, kind="stable")
    used = table.use.fillna(False).to_numpy(dtype=bool)
    return replace(instance, history=history.iloc[order[used[order]]].reset_index(drop=True))


def compare(before: Instance, after: Instance, ranker: InstanceScorer) -> pd.DataFrame:
    """One row per candidate, in the order of the instance: what a change does to it.

    Columns: candidate (its row), item_id, target, edited (its text was changed), score_before, score_after, before
    and after (ranks).
    """
    old, new = (found.scores for found in ranker.read([before, after]))
    table = before.candidates[[ITEM, "target"]].copy()
    table.insert(0, "candidate", np.arange(len(table)))
    differs = before.candidates.astype(object).ne(after.candidates.astype(object))
    table["edited"] = differs[[name for name in differs if name not in ("stored", "stored_rank")]].any(axis=1)
    return table.assign(score_before=old, score_after=new, before=ranks_of(old), after=ranks_of(new))
