"""One history and its candidates, item by item, as they are stored or changed by a what-if: what a model explains."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from upsr_core.datasets.store import Dataset
from upsr_core.errors import RunError
from upsr_core.schema import ITEM
from upsr_core.text.design import Design


@dataclass(frozen=True, eq=False)
class Instance:
    """A history and candidates, item by item; changing one makes another instance and touches nothing that is stored.

    `history` (n rows, oldest first) and `candidates` (c rows, as ranked when stored) have the columns item (index in
    the dataset), item_id and one text column per attribute. Candidates have besides: target (bool), stored (score on
    disk, NaN where there is none), stored_rank, popularity (training events) and prior (see `scores.prior_of`).
    `design` is None for models that read no text.
    """

    design: Design | None
    history: pd.DataFrame
    candidates: pd.DataFrame

    @property
    def attributes(self) -> tuple[str, ...]:
        """The attributes of the texts that a model reads, in order; none where it reads no text."""
        return self.design.finetune.attributes if self.design else ()

    def without(self, place: int) -> "Instance":
        """The instance without the history item at `place`."""
        return replace(self, history=self.history.drop(index=place).reset_index(drop=True))

    def without_attribute(self, attribute: str) -> "Instance":
        """The instance with `attribute` empty in every history item; the candidates keep theirs."""
        return replace(self, history=self.history.assign(**{attribute: ""}))

    def with_item(self, dataset: Dataset, item: int, place: int) -> "Instance":
        """The instance with an item of the catalogue put into the history before `place`."""
        new = item_rows(dataset, [item])
        parts = [self.history.iloc[:place], new, self.history.iloc[place:]]
        return replace(self, history=pd.concat(parts, ignore_index=True))

    def in_order(self, places: Sequence[int]) -> "Instance":
        """The instance with only the history items at `places`, in that order."""
        return replace(self, history=self.history.iloc[list(places)].reset_index(drop=True))

    def with_text(self, part: str, place: int, **values: str) -> "Instance":
        """The instance with other attribute values for one item; `part` is history or candidates."""
        table = (self.history if part == "history" else self.candidates).copy()
        for name, value in values.items():
            table.loc[place, name] = value
        return replace(self, history=table) if part == "history" else replace(self, candidates=table)

    def with_design(self, design: Design) -> "Instance":
        """The instance read with another design."""
        return replace(self, design=design)

    def same_as(self, other: "Instance") -> bool:
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


def item_rows(dataset: Dataset, items: Sequence[int] | np.ndarray | pd.Series) -> pd.DataFrame:
    """Items (indices) as the rows of an instance."""
    places = np.asarray(items, dtype=np.int64)
    rows = dataset.items.iloc[places].reset_index(drop=True)
    rows.insert(0, "item", places)
    return rows


def name_of(item: pd.Series) -> str:
    """What a person calls an item: its title, else its id."""
    return item.get("title", "") or item[ITEM]
