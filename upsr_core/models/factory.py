"""The models that score their whole catalogue at once, by name: made anew, or opened from where they were saved."""

from pathlib import Path

import numpy as np

from upsr_core.datasets.splits import Split
from upsr_core.datasets.store import Dataset
from upsr_core.models.base import CatalogueRanker
from upsr_core.models.popularity import Popularity, Random
from upsr_core.models.registry import SequenceSpec


def new_ranker(
    model: str, training: SequenceSpec | None, dataset: Dataset, parts: Split, texts: np.ndarray | None = None
) -> CatalogueRanker:
    """The ranker of a name, as it is before its training; `texts` (items, d) are for those that read item texts."""
    if model == "popularity":
        return Popularity(dataset, parts)
    if model == "random":
        return Random(dataset)
    from upsr_core.models.sequential import SequenceRanker

    return SequenceRanker(model, training, dataset, parts, texts)


def stored_ranker(folder: Path, dataset: Dataset, parts: Split) -> CatalogueRanker:
    """A ranker that was saved in `folder`. Raises ModelError where it cannot be used on this dataset."""
    from upsr_core.models.sequential import SequenceRanker

    return SequenceRanker.load(folder, dataset, parts)
