"""What the history did: every item, and every attribute of it, left out once and everything scored anew."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from upsr_core.explain.instance import ranks_of
from upsr_core.models.base import InstanceScorer
from upsr_core.models.instance import Instance, name_of
from upsr_core.runtime import Progress, silent
from upsr_core.schema import ITEM


@dataclass(frozen=True)
class LeftOut:
    """Scores of all c candidates: `full` (c,) with the whole history, `items` (n, c) without each item of it, and
    `attributes` (k, c) with each of k attributes empty in all of its items.
    """

    full: np.ndarray
    items: np.ndarray
    attributes: np.ndarray


def leave_out(
    instance: Instance, ranker: InstanceScorer, attributes: Sequence[str], progress: Progress = silent
) -> LeftOut:
    """Leave every history item out, and each of the `attributes`: exact, because every edited history is read anew."""
    variants = [instance.without(place) for place in range(len(instance.history))]
    variants += [instance.without_attribute(name) for name in attributes]

    def say(done: float, total: float, _: str) -> None:
        progress(done, total, "leaving items out")

    full, *rest = [found.scores for found in ranker.read([instance, *variants], say)]
    scores = np.array(rest).reshape(-1, len(full))
    return LeftOut(full, scores[: len(instance.history)], scores[len(instance.history) :])


def item_effects(instance: Instance, left: LeftOut, a: int, b: int) -> pd.DataFrame:
    """One row per history item: what is lost without it.

    Columns: place (from 1, oldest first), item_id, name, effect_a and effect_b (score with the item minus score
    without), effect (on a's lead over b), rank_a and rank_b (without it). An older item that had fallen off the
    prompt may come back when one is left out; that belongs to the effect.
    """
    names = [name_of(row) for _, row in instance.history.iterrows()]
    head = {"place": np.arange(1, len(names) + 1), "item_id": instance.history[ITEM].to_numpy(), "name": names}
    return _effects(head, left.full, left.items, a, b)


def attribute_effects(instance: Instance, left: LeftOut, a: int, b: int) -> pd.DataFrame:
    """One row per attribute of the design: what is lost when it is empty in every history item.

    Columns: attribute, items (how many have a value), and the effects and ranks of `item_effects`.
    """
    names = list(instance.attributes)
    head = {"attribute": names, "items": [int((instance.history[name] != "").sum()) for name in names]}
    return _effects(head, left.full, left.attributes, a, b)


def _effects(head: Mapping[str, object], full: np.ndarray, scores: np.ndarray, a: int, b: int) -> pd.DataFrame:
    table = pd.DataFrame(dict(head))
    ranks = np.array([ranks_of(row) for row in scores]).reshape(scores.shape)
    table["effect_a"], table["effect_b"] = full[a] - scores[:, a], full[b] - scores[:, b]
    table["effect"] = table.effect_a - table.effect_b
    table["rank_a"], table["rank_b"] = ranks[:, a], ranks[:, b]
    return table
