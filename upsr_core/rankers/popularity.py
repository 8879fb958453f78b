"""The two references that every result is shown against."""

from collections.abc import Sequence

import numpy as np

from upsr_core.datasets.splits import Split
from upsr_core.datasets.store import Dataset
from upsr_core.rankers.base import Items


class Popularity:
    """Ranks by the number of training events of an item; validation and test events do not count."""

    def __init__(self, dataset: Dataset, parts: Split):
        ends = np.zeros(len(dataset.users), dtype=np.int64)
        ends[parts.training.user.to_numpy()] = parts.training.end.to_numpy()
        position = np.arange(len(dataset.sequence)) - np.repeat(dataset.offsets[:-1], np.diff(dataset.offsets))
        trained = position < np.repeat(ends, np.diff(dataset.offsets))
        self.counts = np.bincount(dataset.sequence[trained], minlength=len(dataset.items))

    def scores(self, histories: Sequence[np.ndarray], items: Items) -> list[np.ndarray]:
        return [self.counts[items(row)].astype(float) for row in range(len(histories))]


class Random:
    """Every candidate alike: with ties in expectation this is the exact mean over all random orders."""

    def scores(self, histories: Sequence[np.ndarray], items: Items) -> list[np.ndarray]:
        return [np.zeros(len(items(row))) for row in range(len(histories))]
