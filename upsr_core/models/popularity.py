"""The two references that every result is shown against: popularity, and random order."""

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import numpy as np

from upsr_core.datasets.splits import Split, training_counts
from upsr_core.datasets.store import Dataset
from upsr_core.models.base import Model, Request
from upsr_core.models.catalogue_ranker import CatalogueRanker
from upsr_core.models.spec import ModelSpec


class CountingSpec(ModelSpec):
    """A model of no text and no training: there is nothing that varies in it."""

    name: Literal["popularity", "random"]


class PopularityRanker(CatalogueRanker):
    """Ranks by the number of training events of an item; validation and test events do not count."""

    def __init__(self, dataset: Dataset, parts: Split):
        self.counts = training_counts(dataset, parts)
        self.item_count = len(self.counts)
        self.scorable = np.ones(self.item_count, dtype=bool)

    def raw_scores(self, histories: Sequence[np.ndarray]) -> np.ndarray:
        return np.tile(self.counts.astype(np.float32), (len(histories), 1))


class RandomRanker(CatalogueRanker):
    """Every candidate alike: with ties in expectation this is the exact mean over all random orders."""

    def __init__(self, dataset: Dataset):
        self.item_count = dataset.n_items
        self.scorable = np.ones(self.item_count, dtype=bool)

    def raw_scores(self, histories: Sequence[np.ndarray]) -> np.ndarray:
        return np.zeros((len(histories), self.item_count), dtype=np.float32)


class Popularity(Model[CountingSpec]):
    name = "popularity"
    title = "Popularity"
    note = "Training events of an item."
    limits = "It does not look at the user."
    spec_type = CountingSpec
    learns_items = True

    def plan(self, request: Request) -> CountingSpec:
        return CountingSpec(name="popularity")

    def open(
        self, spec: CountingSpec, dataset: Dataset, parts: Split, mode: str, weights: Path | None
    ) -> PopularityRanker:
        return PopularityRanker(dataset, parts)


class RandomOrder(Model[CountingSpec]):
    name = "random"
    title = "Random order"
    note = "Every candidate alike."
    limits = "It looks at nothing."
    spec_type = CountingSpec

    def plan(self, request: Request) -> CountingSpec:
        return CountingSpec(name="random")

    def open(self, spec: CountingSpec, dataset: Dataset, parts: Split, mode: str, weights: Path | None) -> RandomRanker:
        return RandomRanker(dataset)
