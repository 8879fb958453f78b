"""What is explained: the test instance of a user as a run evaluated it, and the pair of candidates. No torch."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from upsr_core.datasets.splits import split, training_counts
from upsr_core.datasets.store import Dataset
from upsr_core.errors import RunError
from upsr_core.likelihood.scores import prior_of
from upsr_core.models.instance import Instance, item_rows
from upsr_core.runs.run import Run
from upsr_core.runs.user_ranking import evaluated_users, ranked
from upsr_core.schema import ITEM

PRIOR = "its popularity"  # what a score has that no attribute says
MOST = 101  # candidates of an instance: all of the sampled modes, the best of a whole catalogue


def instance_of(run: Run, user: int, also: Sequence[str] = ()) -> Instance:
    """The test instance of a user (index) as a run evaluated it, with at most 101 candidates, the target among them.

    `also` are ids of items of the catalogue that are candidates too. Raises RunError where the run did not evaluate
    this user or the catalogue has no such item.
    """
    dataset = run.spec.dataset.load()
    table = ranked(run, user)
    table = table[(table.index < MOST) | table.target].reset_index(drop=True)
    instance = evaluated_users(run).set_index("user").loc[[user]].iloc[0]
    candidates = item_rows(dataset, table.item)
    known = {"target": table.target, "stored": table.score, "stored_rank": table["rank"]}
    candidates = candidates.assign(**known)
    further = [item_id for item_id in dict.fromkeys(also) if item_id not in set(candidates[ITEM])]
    if further:
        rows = item_rows(dataset, [_find_item(dataset, item_id) for item_id in further])
        nothing = {"target": False, "stored": np.nan, "stored_rank": np.nan}
        candidates = pd.concat([candidates, rows.assign(**nothing)], ignore_index=True)
    counts = training_counts(dataset, split(dataset, run.spec.split))[candidates.item]
    candidates = candidates.assign(popularity=counts, prior=prior_of(counts, run.spec.candidates.mode))
    design = run.spec.design if run.spec.reads_text else None
    return Instance(design, item_rows(dataset, dataset.history(user)[: int(instance.end)]), candidates)


def _find_item(dataset: Dataset, item_id: str) -> int:
    found = np.flatnonzero((dataset.items[ITEM] == item_id).to_numpy())
    if not len(found):
        raise RunError(
            f"The dataset {dataset.name!r} has no item {item_id!r}",
            how=f"An item of it is {dataset.items[ITEM].iloc[0]!r}; `upsr rank` lists the candidates of a user.",
        )
    return int(found[0])


def pair_of(instance: Instance, a: str | None = None, b: str | None = None) -> tuple[int, int]:
    """Rows of the two candidates to compare, by item id.

    Left open, they are the target and the best other candidate, the better ranked first. Raises RunError for an
    unknown id, or one id twice.
    """
    if a is not None and a == b:
        raise RunError(f"{a!r} cannot be compared with itself", how="Name two candidates.")
    ranks = instance.candidates.stored_rank.fillna(np.inf).to_numpy()
    order = [int(place) for place in np.argsort(ranks, kind="stable")]
    target = int(np.flatnonzero(instance.candidates.target.to_numpy())[0])
    if a is None and b is None:
        best = next(place for place in order if place != target)
        return (best, target) if ranks[best] < ranks[target] else (target, best)
    rows = [None if item_id is None else instance.place_of(item_id) for item_id in (a, b)]

    def other_than(given: int) -> int:
        return target if given != target else next(place for place in order if place != given)

    first, second = rows
    if first is None:
        assert second is not None
        return other_than(second), second
    return first, other_than(first) if second is None else second


def ranks_of(scores: np.ndarray) -> np.ndarray:
    """Expected ranks (c,) of scores (c,), the best 1; ties share their mean.

    >>> ranks_of(np.array([0.1, 0.5, 0.5])).tolist()
    [3.0, 1.5, 1.5]
    """
    return pd.Series(scores).rank(ascending=False, method="average").to_numpy()
