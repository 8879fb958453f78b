"""What the history did: every item, and every attribute of it, left out once and everything scored anew."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from upsr_core.explain.instance import Case, name_of, ranks_of
from upsr_core.explain.scoring import Scoring, silent
from upsr_core.runtime import Progress
from upsr_core.schema import ITEM


@dataclass(frozen=True)
class LeftOut:
    """Scores of all c candidates: `full` (c,) with the whole history, `items` (n, c) without each item of it, and
    `attributes` (k, c) with each attribute of the design empty in all of its items (k is 0 without a design).
    """

    full: np.ndarray
    items: np.ndarray
    attributes: np.ndarray


def leave_out(case: Case, scoring: Scoring, progress: Progress = silent) -> LeftOut:
    """Leave every history item out, and every attribute: exact, because each edited history is read anew."""
    names = case.design.finetune.attributes if case.design else ()
    variants = [case.without(place) for place in range(len(case.history))]
    variants += [case.without_attribute(name) for name in names]

    def say(done: float, total: float, _: str) -> None:
        progress(done, total, "leaving items out")

    full, *rest = scoring.scores([case, *variants], say)
    scores = np.array(rest).reshape(-1, len(full))
    return LeftOut(full, scores[: len(case.history)], scores[len(case.history) :])


def item_effects(case: Case, left: LeftOut, a: int, b: int) -> pd.DataFrame:
    """One row per history item: what is lost without it.

    Columns: place (from 1, oldest first), item_id, name, effect_a and effect_b (score with the item minus score
    without), effect (on a's lead over b), rank_a and rank_b (without it). An older item that had fallen off the
    prompt may come back when one is left out; that belongs to the effect.
    """
    names = [name_of(row) for _, row in case.history.iterrows()]
    head = {"place": np.arange(1, len(names) + 1), "item_id": case.history[ITEM].to_numpy(), "name": names}
    return _effects(head, left.full, left.items, a, b)


def attribute_effects(case: Case, left: LeftOut, a: int, b: int) -> pd.DataFrame:
    """One row per attribute of the design: what is lost when it is empty in every history item.

    Columns: attribute, items (how many have a value), and the effects and ranks of `item_effects`.
    """
    names = list(case.design.finetune.attributes) if case.design else []
    head = {"attribute": names, "items": [int((case.history[name] != "").sum()) for name in names]}
    return _effects(head, left.full, left.attributes, a, b)


def _effects(head: dict[str, Sequence], full: np.ndarray, scores: np.ndarray, a: int, b: int) -> pd.DataFrame:
    table = pd.DataFrame(head)
    ranks = np.array([ranks_of(row) for row in scores]).reshape(scores.shape)
    table["effect_a"], table["effect_b"] = full[a] - scores[:, a], full[b] - scores[:, b]
    table["effect"] = table.effect_a - table.effect_b
    table["rank_a"], table["rank_b"] = ranks[:, a], ranks[:, b]
    return table
