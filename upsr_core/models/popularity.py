"""The two references that every result is shown against."""

from collections.abc import Sequence

import numpy as np

from upsr_core.datasets.splits import Split, training_counts
from upsr_core.datasets.store import Dataset
from upsr_core.models.base import CatalogueRanker


class Popularity(CatalogueRanker):
    """Ranks by the number of training events of an item; validation and test events do not count."""

    def __init__(self, dataset: Dataset, parts: Split):
        self.counts = training_counts(dataset, parts)
        self.item_count = len(self.counts)
        self.scorable = np.ones(self.item_count, dtype=bool)

    def raw_scores(self, histories: Sequence[np.ndarray]) -> np.ndarray:
        return np.tile(self.counts.astype(np.float32), (len(histories), 1))


class Random(CatalogueRanker):
    """Every candidate alike: with ties in expectation this is the exact mean over all random orders."""

    def __init__(self, dataset: Dataset):
        self.item_count = dataset.n_items
        self.scorable = np.ones(self.item_count, dtype=bool)

    def raw_scores(self, histories: Sequence[np.ndarray]) -> np.ndarray:
        return np.zeros((len(histories), self.item_count), dtype=np.float32)
