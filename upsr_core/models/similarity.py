"""Text similarity: the mean vector of the history's texts against every item's. Nothing is trained."""

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd

from upsr_core.datasets.splits import Split
from upsr_core.datasets.store import Dataset
from upsr_core.models.base import LEAVE_ONE_OUT, HistoryEffects, Model, Request
from upsr_core.models.catalogue_ranker import CatalogueRanker
from upsr_core.models.cost import DataSizes, Work, encoder_size
from upsr_core.models.instance import Instance, name_of
from upsr_core.models.spec import TextModelSpec
from upsr_core.plm.loading import ENCODERS
from upsr_core.runtime import Progress, silent
from upsr_core.schema import ITEM

CONTRIBUTIONS = "contributions"


class SimilaritySpec(TextModelSpec):
    """Text similarity with a design and an encoder."""

    name: Literal["text-similarity"] = "text-similarity"


class LinearRanker(CatalogueRanker):
    """A ranker whose scores are linear in the history: each item of it adds a share of its own.

    `vectors` (items, d) are held against what stands for a history (d,), the sum of its items' `shares`.
    """

    vectors: np.ndarray

    def __init__(self, item_count: int):
        self.item_count = item_count
        self.scorable = np.ones(item_count, dtype=bool)

    def shares(self, history: np.ndarray) -> np.ndarray:
        """Vectors (n, d), one for each item of a history, whose sum is what stands for the history."""
        raise NotImplementedError

    def query(self, history: np.ndarray) -> np.ndarray:
        """What stands for a history (d,)."""
        return self.shares(history).sum(0)

    def queries(self, histories: Sequence[np.ndarray]) -> np.ndarray:
        """What stands for each history (h, d)."""
        return np.stack([self.query(np.asarray(history)) for history in histories])

    def raw_scores(self, histories: Sequence[np.ndarray]) -> np.ndarray:
        return (self.queries(histories) @ self.vectors.T).astype(np.float32)

    def effects(self, instance: Instance, a: int, b: int, method: str, progress: Progress = silent) -> HistoryEffects:
        """What every item of the history adds to both scores: exact, the scores are sums of these."""
        if method != CONTRIBUTIONS:
            return super().effects(instance, a, b, method, progress)
        items = instance.candidates.item.to_numpy()[[a, b]]
        added = self.shares(instance.history.item.to_numpy()) @ self.vectors[items].T  # (n, 2)
        table = pd.DataFrame({"place": np.arange(1, len(added) + 1), "item_id": instance.history[ITEM].to_numpy()})
        table["name"] = [name_of(row) for _, row in instance.history.iterrows()]
        table["effect_a"], table["effect_b"] = added.T
        table["effect"] = table.effect_a - table.effect_b
        return HistoryEffects("contribution of each item, exact: the score is their sum", table, None, None)


class SimilarityRanker(LinearRanker):
    """Mean cosine of an item's text vector with those of the history's items."""

    def __init__(self, vectors: np.ndarray):
        super().__init__(len(vectors))
        self.vectors = unit_length(vectors)

    def shares(self, history: np.ndarray) -> np.ndarray:
        return self.vectors[history] / max(1, len(history))


class TextSimilarity(Model[SimilaritySpec]):
    name = "text-similarity"
    title = "Text similarity"
    note = "The mean vector of the history's texts, as a frozen language model reads them, against every item's."
    limits = "It has learned nothing of behaviour, and items with the same text are the same to it."
    spec_type = SimilaritySpec
    reads_text = True
    plm_kinds = ENCODERS
    plm_note = "Its texts may also be read by an encoder: the folder or hub id of a BERT-like model."
    methods = (CONTRIBUTIONS, LEAVE_ONE_OUT)

    def plan(self, request: Request) -> SimilaritySpec:
        return SimilaritySpec.model_validate({"design": request.design, "plm": self.plm_ref(request.plm)})

    def open(
        self, spec: SimilaritySpec, dataset: Dataset, parts: Split, mode: str, weights: Path | None
    ) -> SimilarityRanker:
        from upsr_core.models.text_vectors import text_vectors

        return SimilarityRanker(text_vectors(dataset, spec.design.finetune, spec.plm.name, silent))

    def work(self, spec: SimilaritySpec, sizes: DataSizes, trained: float, pretrained: float) -> Work:
        return Work(0.0, encoding_work(spec, sizes) + 4.0 * sizes.tested * sizes.items * 256)

    def tells_speed(self, spec: SimilaritySpec) -> bool:
        return True


def unit_length(vectors: np.ndarray) -> np.ndarray:
    """Vectors (n, d) of length one; a zero vector stays as it is."""
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors / np.where(lengths > 0, lengths, 1.0)


def encoding_work(spec: TextModelSpec, sizes: DataSizes) -> float:
    """Floating-point operations of reading all item texts once."""
    return 2 * sizes.items * sizes.text_tokens(spec) * encoder_size(spec.plm.name)
