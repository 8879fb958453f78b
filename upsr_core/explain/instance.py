"""What is explained: one history and its candidates, as they are stored or changed by a what-if. No torch."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from upsr_core.datasets.splits import split, training_counts
from upsr_core.datasets.store import Dataset
from upsr_core.errors import RunError
from upsr_core.likelihood.scores import prior_of
from upsr_core.runs.run import Run
from upsr_core.runs.user_ranking import evaluated_users, ranked
from upsr_core.schema import ITEM
from upsr_core.text.design import Design

PRIOR = "its popularity"  # what a score has that no attribute says
MOST = 101  # candidates of a case: all of the sampled modes, the best of a whole catalogue


@dataclass(frozen=True, eq=False)
class Case:
    """A history and candidates, item by item; changing one makes another case and touches nothing that is stored.

    `history` (n rows, oldest first) and `candidates` (c rows, as ranked when stored) have the columns item (index in
    the dataset), item_id and one text column per attribute. Candidates have besides: target (bool), stored (score on
    disk, NaN where there is none), stored_rank, popularity (training events) and prior (see `score.prior_of`).
    `design` is None for models that read no text.
    """

    design: Design | None
    history: pd.DataFrame
    candidates: pd.DataFrame

    def without(self, place: int) -> "Case":
        """The case without the history item at `place`."""
        return replace(self, history=self.history.drop(index=place).reset_index(drop=True))

    def without_attribute(self, attribute: str) -> "Case":
        """The case with `attribute` empty in every history item; the candidates keep theirs."""
        return replace(self, history=self.history.assign(**{attribute: ""}))

    def with_item(self, dataset: Dataset, item: int, place: int) -> "Case":
        """The case with an item of the catalogue put into the history before `place`."""
        new = item_rows(dataset, [item])
        parts = [self.history.iloc[:place], new, self.history.iloc[place:]]
        return replace(self, history=pd.concat(parts, ignore_index=True))

    def in_order(self, places: Sequence[int]) -> "Case":
        """The case with only the history items at `places`, in that order."""
        return replace(self, history=self.history.iloc[list(places)].reset_index(drop=True))

    def with_text(self, part: str, place: int, **values: str) -> "Case":
        """The case with other attribute values for one item; `part` is history or candidates."""
        table = getattr(self, part).copy()
        for name, value in values.items():
            table.loc[place, name] = value
        return replace(self, **{part: table})

    def with_design(self, design: Design) -> "Case":
        """The case read with another design."""
        return replace(self, design=design)

    def same_as(self, other: "Case") -> bool:
        """Whether a model reads the same."""
        return (
            self.design == other.design
            and self.history.equals(other.history)
            and (self.candidates is other.candidates or self.candidates.equals(other.candidates))
        )

    def place_of(self, item_id: str) -> int:
        """The row of a candidate. Raises RunError where there is none of this id."""
        found = np.flatnonzero((self.candidates[ITEM] == item_id).to_numpy())
        if not len(found):
            raise RunError(
                f"{item_id!r} is not among the candidates",
                f"there are {len(self.candidates)}, such as {self.candidates[ITEM].iloc[0]!r}",
                "Choose one of those; `upsr rank` lists them.",
            )
        return int(found[0])


def item_rows(dataset: Dataset, items: Sequence[int]) -> pd.DataFrame:
    """Items (indices) as the rows of a case."""
    items = np.asarray(items, dtype=np.int64)
    rows = dataset.items.iloc[items].reset_index(drop=True)
    rows.insert(0, "item", items)
    return rows


def case_of(run: Run, user: int, also: Sequence[str] = ()) -> Case:
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
    return Case(run.spec.design, item_rows(dataset, dataset.history(user)[: int(instance.end)]), candidates)


def _find_item(dataset: Dataset, item_id: str) -> int:
    found = np.flatnonzero((dataset.items[ITEM] == item_id).to_numpy())
    if not len(found):
        raise RunError(
            f"The dataset {dataset.name!r} has no item {item_id!r}",
            how=f"An item of it is {dataset.items[ITEM].iloc[0]!r}; `upsr rank` lists the candidates of a user.",
        )
    return int(found[0])


def name_of(item: pd.Series) -> str:
    """What a person calls an item: its title, else its id."""
    return item.get("title", "") or item[ITEM]


def pair_of(case: Case, a: str | None = None, b: str | None = None) -> tuple[int, int]:
    """Rows of the two candidates to compare, by item id.

    Left open, they are the target and the best other candidate, the better ranked first. Raises RunError for an
    unknown id, or one id twice.
    """
    if a is not None and a == b:
        raise RunError(f"{a!r} cannot be compared with itself", how="Name two candidates.")
    ranks = case.candidates.stored_rank.fillna(np.inf).to_numpy()
    order = [int(place) for place in np.argsort(ranks, kind="stable")]
    target = int(np.flatnonzero(case.candidates.target.to_numpy())[0])
    if a is None and b is None:
        best = next(place for place in order if place != target)
        return (best, target) if ranks[best] < ranks[target] else (target, best)
    given = case.place_of(a if a is not None else b)
    other = target if given != target else next(place for place in order if place != given)
    if a is not None and b is not None:
        other = case.place_of(b)
    return (given, other) if a is not None else (other, given)


def ranks_of(scores: np.ndarray) -> np.ndarray:
    """Expected ranks (c,) of scores (c,), the best 1; ties share their mean.

    >>> ranks_of(np.array([0.1, 0.5, 0.5])).tolist()
    [3.0, 1.5, 1.5]
    """
    return pd.Series(scores).rank(ascending=False, method="average").to_numpy()
