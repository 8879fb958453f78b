"""SASRec and BERT4Rec: transformers over item ids. What they are and cost; `sequence_ranker` has them at work."""

import math
from abc import abstractmethod
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Literal, TypeVar

import numpy as np

from upsr_core.datasets.splits import Split
from upsr_core.datasets.store import Dataset
from upsr_core.models.base import Model, Request, TrainingJob
from upsr_core.models.budgets import BUDGETS
from upsr_core.models.cost import DataSizes, Work
from upsr_core.models.differences import Difference, Published
from upsr_core.models.published_rivals import (
    BERT4REC_DEVIATIONS,
    BERT4REC_EFFECTS,
    FIRST_BERT4REC,
    FIRST_SASREC,
    RECBOLE_SASREC,
    SASREC_BCE_DEVIATIONS,
    SASREC_CE_DEVIATIONS,
)
from upsr_core.models.spec import ModelSpec, SequenceSpec, TrainedModelSpec

if TYPE_CHECKING:
    import torch

    from upsr_core.models.networks import SequenceNetwork
    from upsr_core.models.sequence_ranker import SequenceRanker

Task = Literal["next", "cloze"]  # the next item at every position, or hidden items
Loss = Literal["cross-entropy", "sampled"]  # over the whole catalogue, or against one sampled negative
OF_THE_DATASET = {"epochs", "evaluate_every", "patience"}  # what a training does with the dataset that is ranked
STEP = 8e8  # operations that take as long as what every step has to do: Trainer's own work, Adam over all items
BOUND = "It knows only items that occur in its training events: others rank last, and it cannot be used on other data."


class SequenceModelSpec(TrainedModelSpec):
    """A model of item ids and its training."""

    name: Literal["sasrec-ce", "sasrec-bce", "bert4rec"]
    training: SequenceSpec


S = TypeVar("S", bound=ModelSpec)


class SequenceModel(Model[S]):
    """What all transformers over items share.

    `longest` are its settings with its longest training: a budget takes a share of its epochs, and of that `pace`
    where it is not the whole training, for models whose epochs take longer. `task` and `loss` are how it learns.
    `published` is the code that it is built after, `deviations` are what is not as there whatever the budget, and
    `effects` say what a setting that is not as there does.
    """

    task: ClassVar[Task] = "next"
    loss: ClassVar[Loss] = "cross-entropy"
    longest: ClassVar[SequenceSpec]
    pace: ClassVar[float] = 1.0
    published: ClassVar[Published]
    deviations: ClassVar[tuple[Difference, ...]]
    effects: ClassVar[Mapping[str, str]] = {}

    @abstractmethod
    def network(self, training: SequenceSpec, items: int, texts: "torch.Tensor | None") -> "SequenceNetwork":
        """A fresh network for so many items, over text vectors (items, d) where it reads texts."""

    @abstractmethod
    def training_of(self, spec: S) -> SequenceSpec:
        """Transformer and training of a record."""

    def planned(self, request: Request) -> SequenceSpec:
        """The training that a budget pays for."""
        longest, share = self.longest, request.chosen_budget.share
        if share < 1:
            share *= self.pace
        epochs = math.ceil(longest.epochs * share)
        update = {"seed": request.seed, "epochs": epochs, "evaluate_every": min(longest.evaluate_every, epochs)}
        update["pretrain_epochs"] = math.ceil(longest.pretrain_epochs * share) if request.pretrains else 0
        return longest.model_copy(update=update)

    def open(self, spec: S, dataset: Dataset, parts: Split, mode: str, weights: Path | None) -> "SequenceRanker":
        from upsr_core.models.sequence_ranker import SequenceRanker

        if weights is None:
            raise ValueError(f"{self.title} ranks nothing before it is trained")
        return SequenceRanker.load(self, weights, dataset, parts)

    def train(self, spec: S, job: TrainingJob) -> None:
        """Train, validated by ranking, and save the model."""
        from upsr_core.models.sequence_ranker import SequenceRanker
        from upsr_core.models.validation import validate

        training = self.training_of(spec)
        ranker = SequenceRanker(self, training, job.dataset, job.parts, self.texts(spec, job))
        self.begin(ranker, spec, job)
        if training.epochs:
            validation = job.validation()
            ranker.fit(job.folder / "tuning", job.progress, lambda _: validate(ranker, validation), job.write_curve)
        with job.saved_model() as folder:
            ranker.save(folder)

    def texts(self, spec: S, job: TrainingJob) -> np.ndarray | None:
        """Text vectors (items, d) of the catalogue, of a model that reads texts."""
        return None

    def begin(self, ranker: "SequenceRanker", spec: S, job: TrainingJob) -> None:
        """What is done before the training on the dataset that is ranked."""

    def published_as(self) -> str:
        return self.published.source

    def differences(self, budget: str) -> list[Difference]:
        settings = self.planned(Request(budget, pretrains=self.pretrains))
        return [*self.published.beside(settings, self.effects), *self.deviations]

    def budgets(self) -> list[str]:
        return [name for name, budget in BUDGETS.items() if budget.share]

    def budget_line(self, budget: str) -> str:
        training = self.planned(Request(budget))
        every = "epoch" if training.evaluate_every == 1 else f"{training.evaluate_every} epochs"
        return (
            f"At most {training.epochs} epochs; training stops after {training.patience} validations without a gain, "
            f"one every {every}. All test users are evaluated."
        )

    def size(self, spec: S) -> tuple[str, float]:
        return "epochs", float(self.training_of(spec).epochs)

    def budget_size(self, budget: str, spec: S) -> float:
        return float(self.planned(Request(budget)).epochs)

    def used(self, spec: S, seen: float, lengths: Callable[[], np.ndarray]) -> float:
        """Epochs: the last item of a history is only predicted, but in a cloze it is read too."""
        read = [length - (self.task == "next") for length in lengths() if length > 1]
        return seen / sum(read)

    def patience(self, spec: S) -> int:
        return self.training_of(spec).patience

    def work(self, spec: S, sizes: DataSizes, trained: float, pretrained: float) -> Work:
        own = self.training_of(spec)
        state, catalogue = self.layers_size(own), own.width * sizes.items
        predicted = (1.0 if self.task == "next" else own.mask_share) * (self.loss == "cross-entropy")
        events = sizes.events - 2 * sizes.users
        step = own.batch if own.batch_unit == "predictions" else own.batch * events / sizes.users  # events of it
        training = own.epochs * trained * events * (6 * (state + catalogue * predicted) + STEP / step)
        per_user = 2 * (state * sizes.events / sizes.users + catalogue)
        validated = min(sizes.users, sizes.validated) * own.evaluations * trained
        return Work(training, 2 * per_user * (validated + sizes.tested))

    @staticmethod
    def layers_size(training: SequenceSpec) -> float:
        """Weights of the transformer that an item of a history meets."""
        return training.layers * (4.0 * training.width**2 + 2 * training.width * training.inner)


class _OfItemIds(SequenceModel[SequenceModelSpec]):
    spec_type = SequenceModelSpec
    learns_items = True
    limits = BOUND

    def plan(self, request: Request) -> SequenceModelSpec:
        return SequenceModelSpec.model_validate({"name": self.name, "training": self.planned(request)})

    def training_of(self, spec: SequenceModelSpec) -> SequenceSpec:
        return spec.training

    def network(self, training: SequenceSpec, items: int, texts: "torch.Tensor | None") -> "SequenceNetwork":
        from upsr_core.models.networks import SasrecNetwork

        return SasrecNetwork(training, items)


class SasrecCe(_OfItemIds):
    name = "sasrec-ce"
    title = "SASRec, cross-entropy"
    note = (
        "Self-attention over item ids (Kang and McAuley, ICDM 2018) as RecBole builds it: the next item among all "
        "items at every position."
    )
    longest = SequenceSpec(epochs=300, batch=2048, batch_unit="predictions")
    published, deviations = RECBOLE_SASREC, SASREC_CE_DEVIATIONS


class SasrecBce(_OfItemIds):
    name = "sasrec-bce"
    title = "SASRec, binary cross-entropy"
    note = (
        "Self-attention over item ids with blocks, scaling and loss as first published: one sampled negative at every "
        "position (Kang and McAuley, ICDM 2018)."
    )
    loss = "sampled"
    longest = SequenceSpec(
        width=50, inner=50, heads=1, epochs=201, batch=128, beta2=0.98, evaluate_every=20, patience=5
    )
    published, deviations = FIRST_SASREC, SASREC_BCE_DEVIATIONS

    def network(self, training: SequenceSpec, items: int, texts: "torch.Tensor | None") -> "SequenceNetwork":
        from upsr_core.models.first_sasrec import FirstSasrecNetwork

        return FirstSasrecNetwork(training, items)


class Bert4rec(_OfItemIds):
    name = "bert4rec"
    title = "BERT4Rec"
    note = (
        "Bidirectional self-attention over item ids, hidden items among all items (Sun et al., CIKM 2019). Needs long "
        "training: see whether its curve still rises."
    )
    task = "cloze"
    longest = SequenceSpec(
        attention_dropout=0.2, epochs=1000, evaluate_every=10, patience=5, last_only=1 / 11, weight_decay=0.01, clip=5.0
    )
    pace = 0.55
    published, deviations, effects = FIRST_BERT4REC, BERT4REC_DEVIATIONS, BERT4REC_EFFECTS

    def network(self, training: SequenceSpec, items: int, texts: "torch.Tensor | None") -> "SequenceNetwork":
        from upsr_core.models.networks import Bert4recNetwork

        return Bert4recNetwork(training, items)
