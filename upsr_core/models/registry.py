"""What models there are, what they need and cannot do, and what a sequence model varies by; no torch, pages read it."""

import math
from dataclasses import dataclass
from typing import Literal

from pydantic import Field, model_validator

from upsr_core.errors import RunError
from upsr_core.likelihood.scores import SCORES
from upsr_core.plm.loading import ENCODERS, T5
from upsr_core.schema import Spec

SCORE = "score"  # the one score of every model that has no named scores


class SequenceSpec(Spec):
    """A transformer over the items of a history, and its training.

    `width`, `inner`, `layers`, `heads` and `dropout` are the transformer's; `length` is how many of the newest items
    it sees. An epoch sees every training event once, `batch` histories a step. The validation NDCG@10 is taken every
    `evaluate_every` epochs; training stops after `patience` of them without a gain or after `epochs`, and the best is
    kept. `mask_share` and `last_only` are the cloze task's: the share of items hidden, and of histories of which
    only the last is. `pretrain_epochs` are spent first, on the datasets of the pre-training; with no
    `epochs` after them it ranks as they left it.
    """

    width: int = Field(default=64, ge=1)
    inner: int = Field(default=256, ge=1)
    layers: int = Field(default=2, ge=1)
    heads: int = Field(default=2, ge=1)
    dropout: float = Field(default=0.5, ge=0, lt=1)
    length: int = Field(default=50, ge=2)
    epochs: int = Field(ge=0)
    pretrain_epochs: int = Field(default=0, ge=0)
    batch: int = Field(default=256, ge=1)
    learning_rate: float = Field(default=1e-3, gt=0)
    evaluate_every: int = Field(default=2, ge=1)
    patience: int = Field(default=5, ge=1)
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
    def trains(self) -> bool:
        return True

    @property
    def evaluations(self) -> int:
        """Validations in all, where none ends the training."""
        return max(1, math.ceil(self.epochs / self.evaluate_every))


Task = Literal["likelihood", "next", "cloze", "none"]
Loss = Literal["cross-entropy", "sampled"]  # over the whole catalogue, or against one sampled negative


@dataclass(frozen=True)
class ModelInfo:
    """A model that a run can name.

    `text`: it reads item texts, so it needs a design and a language model; `ids`: it learns something for each item
    of its dataset; `task` and `loss` are how it learns; `scores` are the names of its scores, its own first; `limits`
    says what it cannot do. `training` are its settings with its longest training, None where nothing is trained or a
    language model is; a budget takes a share of its epochs.
    """

    title: str
    note: str
    limits: str
    task: Task
    text: bool = False
    ids: bool = True
    loss: Loss = "cross-entropy"
    scores: tuple[str, ...] = (SCORE,)
    training: SequenceSpec | None = None

    @property
    def reads_with(self) -> tuple[str, ...]:
        """Kinds of language models that it can read texts with: UPSR needs one that also writes."""
        return T5 if self.task == "likelihood" else ENCODERS

    @property
    def pretrains(self) -> bool:
        """Whether it can learn from other datasets first."""
        return self.text


BOUND = "It knows only items that occur in its training events: others rank last, and it cannot be used on other data."
MODELS = {
    "upsr": ModelInfo(
        "UPSR", "Ranks candidates by the likelihood of their text given the text of the history.",
        "Scoring costs a decoder pass for each candidate.", "likelihood", text=True, ids=False, scores=SCORES,
    ),
    "sasrec-ce": ModelInfo(
        "SASRec, cross-entropy",
        "Self-attention over item ids (Kang and McAuley, ICDM 2018), the next item among all items at every position.",
        BOUND, "next", training=SequenceSpec(epochs=200),
    ),
    "sasrec-bce": ModelInfo(
        "SASRec, binary cross-entropy",
        "Self-attention over item ids as first published: one sampled negative at every position (Kang and McAuley, "
        "ICDM 2018).",
        BOUND, "next", loss="sampled", training=SequenceSpec(epochs=400, evaluate_every=5),
    ),
    "bert4rec": ModelInfo(
        "BERT4Rec",
        "Bidirectional self-attention over item ids, hidden items among all items (Sun et al., CIKM 2019). Needs long "
        "training: see whether its curve still rises.",
        BOUND, "cloze", training=SequenceSpec(epochs=1000, evaluate_every=10),
    ),
    "unisrec": ModelInfo(
        "UniSRec, inductive",
        "Self-attention over frozen text vectors of items, adapted by a mixture of experts (Hou et al., KDD 2022). "
        "Knows items by their text alone.",
        "Items with the same text are the same to it.", "next", text=True, ids=False,
        training=SequenceSpec(epochs=200, pretrain_epochs=50),
    ),
    "unisrec-transductive": ModelInfo(
        "UniSRec, transductive", "UniSRec with a learned vector for every item beside its text (Hou et al., KDD 2022).",
        "Of items without training events it has learned nothing beside the text.", "next", text=True,
        training=SequenceSpec(epochs=200, pretrain_epochs=50),
    ),
    "popularity": ModelInfo("Popularity", "Training events of an item.", "It does not look at the user.", "none"),
    "random": ModelInfo("Random order", "Every candidate alike.", "It looks at nothing.", "none", ids=False),
}  # fmt: skip


def model_info(name: str) -> ModelInfo:
    """The model of a name. Raises RunError where there is none."""
    if name not in MODELS:
        raise RunError(f"There is no model {name!r}", how=f"Choose among {', '.join(MODELS)}.")
    return MODELS[name]
