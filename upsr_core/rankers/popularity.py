"""The two references that every result is shown against."""

from collections.abc import Sequence

import numpy as np

from upsr_core.datasets.splits import Split, training_counts
from upsr_core.datasets.store import Dataset
from upsr_core.rankers.base import Items


class Popularity:
    """Ranks by the number of training events of an item; validation and test events do not count."""

    def __init__(self, dataset: Dataset, parts: Split):
        self.counts = training_counts(dataset, parts)

    def scores(self, histories: Sequence[np.ndarray], items: Items) -> list[np.ndarray]:
        return [self.counts[items(row)].astype(float) for row in range(len(histories))]


class Random:
    """Every candidate alike: with ties in expectation this is the exact mean over all random orders."""

    def scores(self, histories: Sequence[np.ndarray], items: Items) -> list[np.ndarray]:
        return [np.zeros(len(items(row))) for row in range(len(histories))]
