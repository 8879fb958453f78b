"""What models vary by: the frozen records that a run names its model with, one type for each kind of model."""

import math
from typing import Literal, Self

from pydantic import Field, model_validator

from upsr_core.schema import Spec
from upsr_core.text.design import Design
from upsr_core.training.spec import TrainingSpec


class PlmRef(Spec):
    """A language model as `plm.loading` takes it, with the digest of its weights, configuration and tokenizer."""

    name: str
    content: str


class ModelSpec(Spec):
    """A model and all that varies in it; `name` is its name in the registry and says which type of record it is."""

    name: str

    @property
    def trains(self) -> bool:
        """Whether there are weights of its own to rank with."""
        return False

    @property
    def seed(self) -> int:
        """The seed of its training; 0 where nothing is random."""
        return 0

    @property
    def own_score(self) -> str:
        """The name of the score that stands for a run of it, see `Model.scores`."""
        return SCORE

    @property
    def recipe(self) -> str:
        """What a person calls the recipe of its training, and its score where that is not the recipe's; else empty."""
        return ""

    def with_seed(self, seed: int) -> Self:
        """The same with another seed; a model in which nothing is random stays as it is."""
        return self

    def pretraining_record(self) -> dict:
        """What the weights that a pre-training leaves depend on, beside the datasets that it saw."""
        return {}


SCORE = "score"  # the one score of every model that has no named scores


class TextModelSpec(ModelSpec):
    """A model that reads item texts: how they are made, and the language model that reads them."""

    design: Design
    plm: PlmRef

    def pretraining_record(self) -> dict:
        """The text of the tuning does not count: a pre-training has not seen it."""
        return self.model_dump(mode="json", include={"name", "plm"}) | {
            "design": self.design.model_dump(mode="json", exclude={"finetune"})
        }


class SequenceSpec(Spec):
    """A transformer over the items of a history, and its training.

    `width`, `inner`, `layers`, `heads`, `dropout` and `attention_dropout` are the transformer's; `length` is how many
    of the newest items it sees. An epoch sees every training event once, `batch` of `batch_unit` a step: whole
    histories, or as many of them as have so many items to predict on average. `beta2`, `weight_decay` and `clip` (the
    largest norm of all gradients, 0 for any) are Adam's. The validation NDCG@10 is taken every `evaluate_every`
    epochs; training stops after `patience` of them without a gain or after `epochs`, and the best is kept.
    `mask_share` and `last_only` are the cloze task's: the share of items hidden, and of histories of which only the
    last is. `pretrain_epochs` are spent first, on the datasets of the pre-training, `pretrain_batch` predictions a
    step; with no `epochs` after them it ranks as they left it.
    """

    width: int = Field(default=64, ge=1)
    inner: int = Field(default=256, ge=1)
    layers: int = Field(default=2, ge=1)
    heads: int = Field(default=2, ge=1)
    dropout: float = Field(default=0.5, ge=0, lt=1)
    attention_dropout: float = Field(default=0.5, ge=0, lt=1)
    length: int = Field(default=50, ge=2)
    epochs: int = Field(ge=0)
    pretrain_epochs: int = Field(default=0, ge=0)
    batch: int = Field(default=256, ge=1)
    batch_unit: Literal["histories", "predictions"] = "histories"
    pretrain_batch: int = Field(default=8192, ge=1)
    learning_rate: float = Field(default=1e-3, gt=0)
    beta2: float = Field(default=0.999, gt=0, lt=1)
    weight_decay: float = Field(default=0.0, ge=0)
    clip: float = Field(default=0.0, ge=0)
    evaluate_every: int = Field(default=1, ge=1)
    patience: int = Field(default=10, ge=1)
    mask_share: float = Field(default=0.6, gt=0, le=1)
    last_only: float = Field(default=0.1, ge=0, le=1)
    seed: int = 0

    @model_validator(mode="after")
    def _heads_share_the_width(self):
        if self.width % self.heads:
            raise ValueError(f"a width of {self.width} cannot be shared by {self.heads} heads")
        if not self.epochs and not self.pretrain_epochs:
            raise ValueError("it ranks nothing before it is trained: give it epochs, or epochs of pre-training")
        return self

    @property
    def evaluations(self) -> int:
        """Validations in all, where none ends the training."""
        return max(1, math.ceil(self.epochs / self.evaluate_every))


class TrainedModelSpec(ModelSpec):
    """A model that is trained step by step."""

    training: TrainingSpec | SequenceSpec

    @property
    def trains(self) -> bool:
        return True

    @property
    def seed(self) -> int:
        return self.training.seed

    def with_seed(self, seed: int) -> Self:
        return self.with_training(seed=seed)

    def with_training(self, **changes: object) -> Self:
        """The same with other values in its training."""
        return self.model_copy(update={"training": self.training.model_copy(update=changes)})
