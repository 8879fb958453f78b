"""Every model of the registry, planned, trained and opened by the protocol on data whose right answer is known.

A new model is here by its line in the registry. What it needs to learn 24 items in seconds may stand in SMALL.
"""

from dataclasses import dataclass
from functools import partial
from pathlib import Path

import torch
from transformers import T5Config, T5ForConditionalGeneration

from upsr_core.datasets.splits import SplitSpec, split
from upsr_core.evaluation.candidates import CandidateSpec, candidates_for
from upsr_core.models.base import Model, Ranker, Request, TrainingJob
from upsr_core.models.registry import MODELS
from upsr_core.models.spec import ModelSpec, TrainedModelSpec
from upsr_core.plm.loading import locate
from upsr_core.runtime import silent
from upsr_core.text.design import parse_design

_TRANSFORMER = {
    "width": 32, "inner": 64, "dropout": 0.1, "attention_dropout": 0.1, "batch": 64, "batch_unit": "histories",
    "learning_rate": 3e-3, "length": 12, "evaluate_every": 100,
}  # fmt: skip
SMALL = {
    "upsr": {
        "tokens": 600_000, "batch_tokens": 2048, "evaluations": 1, "learning_rate": 5e-3, "last_only": 1.0,
        "contrast": 0.0, "prefixes": False,
    },
    "sasrec-ce": {**_TRANSFORMER, "epochs": 30},
    "sasrec-bce": {**_TRANSFORMER, "epochs": 60, "learning_rate": 1e-2},
    "bert4rec": {**_TRANSFORMER, "epochs": 80, "mask_share": 0.3},
    "unisrec": {**_TRANSFORMER, "epochs": 60},
    "unisrec-transductive": {**_TRANSFORMER, "epochs": 40},
}  # fmt: skip


@dataclass(frozen=True)
class Fitted:
    """A model at work, and all that it was made of."""

    model: Model
    spec: ModelSpec
    ranker: Ranker
    weights: Path | None


def random_t5(folder: Path) -> Path:
    """A small T5 with random weights and the embedded tokenizer, without dropout: it learns 24 titles in seconds."""
    tokenizer = locate("embedded") / "tokenizer.json"
    torch.manual_seed(0)
    config = T5Config(
        vocab_size=8192, d_model=64, d_kv=16, num_heads=4, num_layers=2, d_ff=128, dropout_rate=0.0,
        decoder_start_token_id=0,
    )  # fmt: skip
    T5ForConditionalGeneration(config).save_pretrained(folder)
    (folder / "tokenizer.json").write_bytes(tokenizer.read_bytes())
    return folder


def small_spec(name: str, folder: Path) -> ModelSpec:
    """A model's record as the protocol plans it, with a training of seconds."""
    model = MODELS[name]
    design = parse_design("title") if model.reads_text else None
    plm = str(random_t5(folder / "t5")) if model.rereads_text else "embedded"  # it learns to write texts anew
    spec = model.plan(Request("quick", design, plm, model.scores[0]))
    return spec.with_training(**SMALL[name]) if isinstance(spec, TrainedModelSpec) and name in SMALL else spec


def fitted(name: str, dataset, folder: Path) -> Fitted:
    """Plan, train where there is something to train, and open."""
    model, parts, weights = MODELS[name], split(dataset, SplitSpec()), None
    spec = small_spec(name, folder)
    if spec.trains:
        validation = CandidateSpec(part="validation", mode="full", users=8)
        job = TrainingJob(
            run=name, folder=folder, dataset=dataset, parts=parts, sources=list,
            validation=partial(candidates_for, dataset, parts, validation), progress=silent,
            write_curve=lambda curve: None,
        )  # fmt: skip
        model.train(spec, job)
        weights = folder / "model"
    return Fitted(model, spec, model.open(spec, dataset, parts, "full", weights), weights)
