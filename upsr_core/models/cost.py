"""What a model costs: operations by its arithmetic, or seconds of this machine as measured. No torch."""

import json
import os
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from pydantic import BaseModel

from upsr_core.datasets.store import load_dataset
from upsr_core.models.spec import TextModelSpec
from upsr_core.plm.loading import ENCODERS, T5, load_text_tokenizer, locate
from upsr_core.text.design import ItemDesign
from upsr_core.text.render import ItemTexts

# Speed of n cores over one is n to this power; histories of a training and users of an evaluation each have a core.
TRAINING_POWER, SCORING_POWER = 0.9, 0.95
SAMPLED = 400  # items whose texts are rendered to know how long they are


class Work(NamedTuple):
    """Floating-point operations, or seconds, of training (validations among them) and of scoring the test."""

    training: float
    scoring: float


@dataclass(frozen=True)
class DataSizes:
    """What a forecast knows of a run's data: name and digest, `users`, `items` and `events` of the whole dataset.

    `candidates` are ranked for each of the `tested` instances, and validation ranks `validated` ones at a time.
    `pretraining` are the training events of the datasets that a pre-training learns.
    """

    dataset: str
    content: str
    users: int
    items: int
    events: int
    candidates: int
    tested: int
    validated: int
    pretraining: int = 0

    def text_tokens(self, spec: TextModelSpec) -> float:
        """Mean tokens of an item's text as a model reads it."""
        return mean_tokens(self.dataset, self.content, spec.design.finetune, spec.plm.name)


class Calibration(BaseModel):
    """CPU seconds of one core: to open everything, of a real training token, of a user with both histories, of a
    text without one; and the most memory that they took, MiB."""

    opening: float
    token: float
    user: float
    text: float
    memory_mib: float

    def training_seconds(self, tokens: float) -> float:
        return tokens * self.token / cores() ** TRAINING_POWER

    def scoring_seconds(self, users: float, texts: float) -> float:
        return (users * self.user + texts * self.text) / cores() ** SCORING_POWER


def cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@lru_cache(maxsize=16)
def plm_sizes(plm: str) -> tuple[float, float, float]:
    """Parameters of a T5 that a token of the encoder, of the decoder and of the output head meets."""
    config = json.loads((locate(plm) / "config.json").read_text())
    model, inner = config["d_model"], config["num_heads"] * config["d_kv"]
    gated = 3 if "gated" in config.get("feed_forward_proj", "relu") else 2
    attention, feed = 4 * model * inner, gated * model * config["d_ff"]
    layers = config["num_layers"], config.get("num_decoder_layers") or config["num_layers"]
    return layers[0] * (attention + feed), layers[1] * (2 * attention + feed), model * config["vocab_size"]


@lru_cache(maxsize=16)
def encoder_size(plm: str) -> float:
    """Parameters of the layers that a token meets in the encoder of a T5, or of a BERT and its like."""
    config = json.loads((locate(plm, ENCODERS) / "config.json").read_text())
    if config["model_type"] in T5:
        return plm_sizes(plm)[0]
    names = {"width": ("hidden_size", "dim"), "inner": ("intermediate_size", "hidden_dim")}
    names["layers"] = ("num_hidden_layers", "n_layers")
    width, inner, layers = (next(config[key] for key in keys if key in config) for keys in names.values())
    return layers * (4 * width**2 + 2 * width * inner)


def parameters(plm: str) -> int:
    """Weights of a language model, counted in its files."""
    from safetensors import safe_open

    count = 0
    for file in locate(plm).glob("*.safetensors"):
        with safe_open(file, framework="np") as stored:
            count += sum(int(np.prod(stored.get_slice(name).get_shape())) for name in stored.keys())  # noqa: SIM118
    return count


@lru_cache(maxsize=64)
def mean_tokens(dataset: str, content: str, design: ItemDesign, plm: str) -> float:
    """Mean tokens of an item's text, of a sample of the catalogue of this name and digest."""
    items = load_dataset(dataset).items
    sample = items.sample(min(len(items), SAMPLED), random_state=0)
    return float(np.diff(ItemTexts(design, sample, load_text_tokenizer(plm)).offsets).mean())
