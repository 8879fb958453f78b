"""UniSRec: a transformer over adapted text vectors of items (Hou et al., KDD 2022). Its network: `unisrec_network`."""

import time
from typing import TYPE_CHECKING, ClassVar, Literal

import numpy as np

from upsr_core.datasets.splits import training_histories
from upsr_core.datasets.store import Dataset
from upsr_core.models.base import Request, TrainingJob
from upsr_core.models.cost import DataSizes, Work
from upsr_core.models.published_rivals import UNISREC, UNISREC_DEVIATIONS, UNISREC_EFFECTS
from upsr_core.models.sequential import OF_THE_DATASET, SequenceModel
from upsr_core.models.spec import SequenceSpec, TextModelSpec, TrainedModelSpec
from upsr_core.plm.loading import ENCODERS, width
from upsr_core.runtime import Progress
from upsr_core.text.design import ItemDesign

if TYPE_CHECKING:
    import torch

    from upsr_core.models.networks import SequenceNetwork
    from upsr_core.models.sequence_ranker import SequenceRanker

EXPERTS = 8
SMALL_BATCH = 1024  # predictions of a step of a short pre-training
WORDS_DROPPED = 0.15  # share of the words that the second view of an item's text leaves out
WEIGHTS = "model.safetensors"


class UnisrecSpec(TextModelSpec, TrainedModelSpec):
    """UniSRec over the texts of a design, and its training."""

    name: Literal["unisrec", "unisrec-transductive"]
    training: SequenceSpec

    def pretraining_record(self) -> dict:
        training = self.training.model_dump(mode="json", exclude=OF_THE_DATASET)
        return super().pretraining_record() | {"training": training}


class Unisrec(SequenceModel[UnisrecSpec]):
    name = "unisrec"
    title = "UniSRec, inductive"
    note = (
        "Self-attention over frozen text vectors of items, adapted by a mixture of experts (Hou et al., KDD 2022). "
        "Knows items by their text alone."
    )
    limits = "Items with the same text are the same to it."
    spec_type = UnisrecSpec
    reads_text = True
    pretrains = True
    plm_kinds = ENCODERS
    plm_note = "Its texts may also be read by an encoder: the folder or hub id of a BERT-like model."
    longest: ClassVar[SequenceSpec] = SequenceSpec(
        width=300, epochs=300, batch=2048, batch_unit="predictions", pretrain_epochs=300
    )
    pace = 0.12
    published, deviations, effects = UNISREC, UNISREC_DEVIATIONS, UNISREC_EFFECTS

    def planned(self, request: Request) -> SequenceSpec:
        """Short budgets pre-train in smaller batches, so that they are more than a few steps."""
        found = super().planned(request)
        return found if request.chosen_budget.share == 1 else found.model_copy(update={"pretrain_batch": SMALL_BATCH})

    def plan(self, request: Request) -> UnisrecSpec:
        record = {"name": self.name, "design": request.design, "plm": self.plm_ref(request.plm)}
        return UnisrecSpec.model_validate({**record, "training": self.planned(request)})

    def training_of(self, spec: UnisrecSpec) -> SequenceSpec:
        return spec.training

    def network(self, training: SequenceSpec, items: int, texts: "torch.Tensor | None") -> "SequenceNetwork":
        from upsr_core.models.unisrec_network import UnisrecNetwork

        if texts is None:
            raise ValueError(f"{self.title} needs text vectors")
        return UnisrecNetwork(training, texts, self.learns_items)

    def texts(self, spec: UnisrecSpec, job: TrainingJob) -> np.ndarray:
        return _vectors(job.dataset, spec.design.finetune, spec, job.progress)

    def begin(self, ranker: "SequenceRanker", spec: UnisrecSpec, job: TrainingJob) -> None:
        """Begin from a pre-training where there is one to be had; done once, then read again."""
        from safetensors.torch import load_file, save_file

        from upsr_core.models.unisrec_network import Domain, UnisrecNetwork, pretrain

        if not spec.training.pretrain_epochs:
            return
        if not (job.pretrained / WEIGHTS).exists():
            began = time.monotonic()
            domains = []
            for dataset, parts in job.sources():
                texts, worded = (
                    _vectors(dataset, spec.design.pretrain, spec, job.progress, share) for share in (0.0, WORDS_DROPPED)
                )
                domains.append(Domain(texts, worded, training_histories(dataset, parts)))
            shared = pretrain(domains, spec.training, job.folder / "pretraining", job.progress)
            with job.saved_pretraining(time.monotonic() - began) as folder:
                save_file(shared, folder / WEIGHTS)
        assert isinstance(ranker.network, UnisrecNetwork)
        ranker.network.adopt(load_file(job.pretrained / WEIGHTS))

    def work(self, spec: UnisrecSpec, sizes: DataSizes, trained: float, pretrained: float) -> Work:
        """All items are adapted anew at every step, and those of the histories one by one, by all experts."""
        own, found = spec.training, super().work(spec, sizes, trained, pretrained)
        adaptor, layers = EXPERTS * width(spec.plm.name) * own.width, self.layers_size(own)
        events = sizes.events - 2 * sizes.users
        adapted = own.epochs * trained * (events + -(-events // own.batch) * sizes.items)
        # Of a pre-training: two views and the targets adapted, two views encoded, both held against a whole batch.
        batch = own.width * min(own.pretrain_batch, sizes.pretraining)
        before = own.pretrain_epochs * pretrained * sizes.pretraining * (3 * adaptor + 2 * layers + 2 * batch)
        return Work(found.training + 6 * (adaptor * adapted + before), found.scoring)


class UnisrecTransductive(Unisrec):
    name = "unisrec-transductive"
    title = "UniSRec, transductive"
    note = "UniSRec with a learned vector for every item beside its text (Hou et al., KDD 2022)."
    limits = "Of items without training events it has learned nothing beside the text."
    learns_items = True


def _vectors(
    dataset: Dataset, design: ItemDesign, spec: UnisrecSpec, progress: Progress, words_dropped: float = 0.0
) -> np.ndarray:
    from upsr_core.models.text_vectors import text_vectors

    return text_vectors(dataset, design, spec.plm.name, progress, words_dropped)
