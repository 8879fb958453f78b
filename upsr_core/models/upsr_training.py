"""The training of UPSR: masked item text prediction, over several domains first where there are any (section 3.4.1)."""

import shutil
import time
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from upsr_core.datasets.splits import training_histories
from upsr_core.models.base import TrainingJob
from upsr_core.models.upsr import Upsr, UpsrSpec
from upsr_core.models.validation import validate
from upsr_core.plm.loading import load_model, load_tokenizer, locate
from upsr_core.text.prompt import SequenceBuilder
from upsr_core.text.text_cache import texts_of
from upsr_core.text.tokenizer import TextTokenizer
from upsr_core.training import distributed
from upsr_core.training.batches import MaskedBatches, Source
from upsr_core.training.objective import informative_weights, loss_of
from upsr_core.training.trainer import train

MODEL_FILES = ("tokenizer.json", "tokenizer_config.json", "spiece.model")


def train_upsr(upsr: Upsr, spec: UpsrSpec, job: TrainingJob) -> None:
    """Train and save the T5 of a run; of several processes all train, and the first alone saves and validates."""
    model, tokenizer = load_model(spec.plm.name), load_tokenizer(spec.plm.name)
    options = {"loss": partial(loss_of, spec=spec.training), "half": spec.training.dtype == "bfloat16"}
    if spec.training.pretrain_tokens:
        _pretrain(model, tokenizer, spec, job, options)
    if spec.training.tokens:
        model = _tune(upsr, model, spec, job, options)
    if distributed.first():
        with job.saved_model() as folder:
            _save(model, spec, folder)


def _pretrain(model: Any, tokenizer: TextTokenizer, spec: UpsrSpec, job: TrainingJob, options: dict) -> None:
    """Masked item text prediction over several domains with the pre-training stage of the design."""
    began = time.monotonic()
    if not distributed.broadcast(job.pretrained.exists()):
        batches = _pretraining_batches(tokenizer, spec, job)
        checkpoints = job.folder / "pretraining"
        trained = train(
            model, batches, spec.training, checkpoints, job.progress, "pre-training",
            accumulation=_parts(spec, spec.training.pretrain_batch, job), **options,
        )  # fmt: skip
        if distributed.first():
            with job.saved_pretraining(time.monotonic() - began) as folder:
                _save(trained, spec, folder)
        distributed.wait_for_all()
        if trained is model:
            return
    model.load_state_dict(load_model(str(job.pretrained)).state_dict())


def _pretraining_batches(tokenizer: TextTokenizer, spec: UpsrSpec, job: TrainingJob) -> MaskedBatches:
    sources = [
        Source(
            SequenceBuilder(spec.design, texts_of(dataset, spec.design.pretrain, tokenizer)),
            training_histories(dataset, parts),
        )
        for dataset, parts in job.sources()
    ]
    own = spec.training
    return MaskedBatches(sources, own, own.pretrain_tokens, own.pretrain_batch, own.pretrain_epochs)


def _parts(spec: UpsrSpec, batch: int, job: TrainingJob) -> int:
    """In how many parts each process goes through its share of a batch; it changes memory and nothing else."""
    needed = spec.training.parts(batch, spec.design.max_tokens)
    return max(job.accumulation, -(-needed // distributed.count()))


def _tune(upsr: Upsr, model: Any, spec: UpsrSpec, job: TrainingJob, options: dict) -> Any:
    """Masked item text prediction on the dataset that is ranked, validated by ranking; the trained model."""
    first = distributed.first()
    ranker = upsr.with_model(model, spec, job.dataset, job.parts, upsr.validation_mode)
    share, weights = spec.training.informative, None
    if share:
        costs = distributed.broadcast(ranker.token_costs() if first else np.zeros(0))
        weights = informative_weights(costs, share)
    source = Source(ranker.builder, training_histories(job.dataset, job.parts), weights)
    batches = MaskedBatches([source], spec.training, spec.training.tokens, spec.training.batch)
    candidates = job.validation() if first else None

    def validated(whole: Any) -> dict[str, float]:
        assert candidates is not None  # only the first process validates
        return validate(ranker.with_model(whole), candidates)

    return train(
        model, batches, spec.training, job.folder / "tuning", job.progress, "training", validate=validated,
        curve=job.write_curve, accumulation=_parts(spec, spec.training.batch, job), **options,
    )  # fmt: skip


def _save(model: Any, spec: UpsrSpec, folder: Path) -> None:
    """Weights, configuration and tokenizer into a folder."""
    model.save_pretrained(folder)
    for file in MODEL_FILES:
        if (locate(spec.plm.name) / file).is_file():
            shutil.copy(locate(spec.plm.name) / file, folder / file)
