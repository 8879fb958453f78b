"""Transformers over items at work: training, scoring of the whole catalogue, saving and loading."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from upsr_core.datasets.splits import Split, training_counts, training_histories
from upsr_core.datasets.store import Dataset
from upsr_core.errors import ModelError
from upsr_core.models.catalogue_ranker import CatalogueRanker, Ranking
from upsr_core.models.history_batches import HistoryBatches, PackedHistories
from upsr_core.models.sequential import SequenceModel
from upsr_core.models.spec import SequenceSpec
from upsr_core.runtime import Progress, seed_everything
from upsr_core.storage.atomic import write_json
from upsr_core.training.trainer import Adam, Validate, train

WEIGHTS, RECORD = "model.safetensors", "model.json"


def adam_of(spec: SequenceSpec) -> Adam:
    """The optimiser's settings of a training."""
    return Adam(spec.beta2, spec.weight_decay, spec.clip)


class SequenceRanker(CatalogueRanker):
    """SASRec, BERT4Rec or UniSRec on one dataset.

    A model of item ids cannot score items without a training event, and leaves them out of histories too; a history
    of which nothing is left gives every item the same score. A model of texts needs `texts` (items, d), see
    `text_vectors`, and scores every item.
    """

    def __init__(
        self, model: SequenceModel, spec: SequenceSpec, dataset: Dataset, parts: Split, texts: np.ndarray | None = None
    ):
        self.model, self.spec, self.dataset, self.parts = model, spec, dataset, parts
        self.item_count = dataset.n_items
        self._catalogue: tuple[torch.Tensor, torch.Tensor, torch.Tensor] | None = None
        counts = training_counts(dataset, parts)
        self.scorable = np.ones(len(counts), dtype=bool) if model.reads_text else counts > 0
        frozen = None if texts is None else torch.from_numpy(texts)
        seed_everything(spec.seed)
        self.network = model.network(spec, self.item_count, frozen).eval()
        self.network.to("cuda" if torch.cuda.is_available() else "cpu")

    def fit(
        self,
        folder: Path,
        progress: Progress,
        validate: Validate | None = None,
        curve: Callable[[pd.DataFrame], None] = lambda _: None,
    ) -> None:
        """Train on the training events of the split; checkpoints in `folder`, see `training.trainer.train`."""
        histories = training_histories(self.dataset, self.parts)
        sampled = self.model.loss == "sampled"
        batches = HistoryBatches(
            histories, self.item_count, self.spec, self.model.task, self.spec.epochs, sampled, self.network.from_end
        )
        train(
            self.network, batches, self.spec, folder, progress, "training", validate, curve, schedule="constant",
            adam=adam_of(self.spec),
        )  # fmt: skip

    def rank(self, *args: Any, **options: Any) -> Ranking:
        """The vectors of the catalogue are made once for all users."""
        self._catalogue = self._vectors()
        try:
            return super().rank(*args, **options)
        finally:
            self._catalogue = None

    @torch.inference_mode()
    def _vectors(self) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Of all items as the encoder reads them, and vectors and biases as they are predicted."""
        inputs = self.network.eval().inputs()
        return inputs, *self.network.outputs(inputs)

    @torch.inference_mode()
    def raw_scores(self, histories: Sequence[np.ndarray]) -> np.ndarray:
        self.network.eval()
        known = [np.asarray(history)[self.scorable[history]] for history in histories]
        scores = np.zeros((len(histories), self.item_count), dtype=np.float32)
        places = np.array([place for place, history in enumerate(known) if len(history)], dtype=np.int64)
        if len(places):
            scores[places] = self._scores([known[place] for place in places])
        return scores

    def _scores(self, histories: list[np.ndarray]) -> np.ndarray:
        length = self.spec.length
        cloze = self.model.task == "cloze"
        if cloze:
            mask = np.array([self.item_count])
            pieces = [np.concatenate([history[-(length - 1) :], mask]) for history in histories]
        else:
            pieces = [history[-length:] for history in histories]
        lengths = np.array([len(piece) for piece in pieces])
        packed = PackedHistories.of(lengths, length, self.network.from_end)
        device = next(self.network.parameters()).device
        batch = {name: tensor.to(device) for name, tensor in packed.inputs(np.concatenate(pieces)).items()}
        batch.pop("attention_mask")
        inputs, items, bias = self._catalogue or self._vectors()
        last = np.cumsum(lengths) - 1
        states = self.network.states(inputs, **batch)[packed.row[last], packed.column[last]]
        return torch.addmm(bias, self.network.query(states), items.T).cpu().numpy()

    def save(self, folder: Path) -> None:
        """Weights as safetensors, and a JSON record of what they are, into a folder."""
        weights = {name: tensor.contiguous().cpu() for name, tensor in self.network.state_dict().items()}
        save_file(weights, folder / WEIGHTS)
        record = {"model": self.model.name, "spec": self.spec.model_dump(mode="json"), "dataset": self.dataset.digest}
        write_json(folder / RECORD, record | {"items": self.item_count})

    @classmethod
    def load(cls, model: SequenceModel, folder: Path, dataset: Dataset, parts: Split) -> "SequenceRanker":
        """A saved ranker. Raises ModelError where it was trained on other data or its files cannot be read."""
        try:
            record = json.loads((folder / RECORD).read_text())
            if record["dataset"] != dataset.digest:
                raise ModelError(
                    f"This {model.title} was trained on another dataset than {dataset.name!r}",
                    "its item numbers have no meaning here",
                    "Train it on this dataset.",
                )
            weights = load_file(folder / WEIGHTS)
            texts = weights["texts"].numpy() if "texts" in weights else None
            ranker = cls(model, SequenceSpec.model_validate(record["spec"]), dataset, parts, texts)
            ranker.network.load_state_dict(weights)
        except (OSError, ValueError, KeyError, RuntimeError, SafetensorError) as error:
            reason = str(error).splitlines()[0]
            raise ModelError(f"The model cannot be read: {reason}", str(folder), "Train it again.") from None
        return ranker
