"""What the history did: every item, or every attribute of it, left out once and everything scored anew."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from upsr_core.explain.case import Case, name_of, ranks_of
from upsr_core.explain.reading import Scoring, silent
from upsr_core.runtime import Progress
from upsr_core.schema import ITEM


def leave_items_out(
    case: Case, scoring: Scoring, a: int, b: int, progress: Progress = silent, full: np.ndarray | None = None
) -> pd.DataFrame:
    """One row per history item: what is lost without it. Exact: each edited history is read anew.

    Columns: place (from 1, oldest first), item_id, name, effect_a and effect_b (score with the item minus score
    without), effect (on a's lead over b), rank_a and rank_b (without it). An older item that had fallen off the
    prompt may come back when one is left out; that belongs to the effect. `full` are the scores with all items, where
    they are known.
    """
    names = [name_of(row) for _, row in case.history.iterrows()]
    head = {"place": np.arange(1, len(names) + 1), "item_id": case.history[ITEM].to_numpy(), "name": names}
    variants = [case.without(place) for place in range(len(names))]
    return _effects(head, case, variants, scoring, a, b, progress, full)


def leave_attributes_out(
    case: Case, scoring: Scoring, a: int, b: int, progress: Progress = silent, full: np.ndarray | None = None
) -> pd.DataFrame:
    """One row per attribute of the design: what is lost when it is empty in every history item.

    Columns: attribute, items (how many have a value), and the effects and ranks of `leave_items_out`.
    """
    names = list(case.design.finetune.attributes)
    head = {"attribute": names, "items": [int((case.history[name] != "").sum()) for name in names]}
    variants = [case.without_attribute(name) for name in names]
    return _effects(head, case, variants, scoring, a, b, progress, full)


def _effects(
    head: dict, case: Case, variants: Sequence[Case], scoring: Scoring, a: int, b: int, progress: Progress, full
) -> pd.DataFrame:
    if full is None:
        full, *rest = scoring.scores([case, *variants], progress)
    else:
        rest = scoring.scores(variants, progress)
    scores = np.stack(rest) if rest else np.zeros((0, len(case.candidates)))
    ranks = np.array([ranks_of(row) for row in rest]).reshape(scores.shape)
    table = pd.DataFrame(head)
    table["effect_a"], table["effect_b"] = full[a] - scores[:, a], full[b] - scores[:, b]
    table["effect"] = table.effect_a - table.effect_b
    table["rank_a"], table["rank_b"] = ranks[:, a], ranks[:, b]
    return table
