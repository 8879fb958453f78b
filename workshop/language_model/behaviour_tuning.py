"""The behaviour-tuned language model: the embedded one after UPSR pre-training on many invented domains.

Every domain has words, brands, order of attributes and habits of its own, so no item can be learned by heart; what
can be learned is to look at the history.
"""

import re
import shutil
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
from pydantic import Field

from upsr_core.datasets.importing import import_dataset
from upsr_core.datasets.store import Dataset
from upsr_core.plm.loading import load_model, load_tokenizer, locate, weights_digest
from upsr_core.runtime import Progress
from upsr_core.schema import Spec
from upsr_core.storage.atomic import write_json
from upsr_core.text.design import parse_design
from upsr_core.text.prompt import SequenceBuilder
from upsr_core.text.render import ItemTexts
from upsr_core.training.batches import MaskedBatches, Source
from upsr_core.training.objective import loss_of
from upsr_core.training.spec import TrainingSpec
from upsr_core.training.trainer import train
from workshop.language_model.pretraining import TOKENIZER_FILES
from workshop.sample.generator import DOMAINS, write_domain
from workshop.sample.recipe import DomainRecipe

ORDERS = (
    "category,title,brand", "category,title", "title,category,brand", "title,brand", "brand,title", "title",
    "category,title,brand,price", "category,brand,title",
)  # fmt: skip


CURVE_POINTS = 50


class BehaviourSpec(Spec):
    """`domains` invented domains of `users` users and `items` items each; `tokens` real encoder tokens in all."""

    plm: str = "embedded"
    domains: int = Field(default=50, ge=1)
    users: int = Field(default=2000, ge=1)
    items: int = Field(default=700, ge=20)
    renamed: float = Field(default=0.7, ge=0, le=1, description="Share of a domain's words that are other words.")
    training: TrainingSpec = TrainingSpec(tokens=24_000_000, learning_rate=1e-3, last_only=0.3, evaluations=20)
    seed: int = 21


def varied(recipe: DomainRecipe, number: int, words: list[str], share: float, rng: np.random.Generator) -> DomainRecipe:
    """A domain with the habits of `recipe` and other words: each of its words is, with chance `share`, another one."""
    renamed: dict[str, str] = {}

    def other(match: re.Match) -> str:
        word = match[0]
        if word not in renamed:
            taken = words[int(rng.integers(len(words)))]
            taken = taken.capitalize() if word[0].isupper() else taken
            renamed[word] = taken if rng.random() < share else word
        return renamed[word]

    def rename(text: str) -> str:
        return re.sub(r"[A-Za-z]{3,}", other, text)

    return replace(
        recipe,
        name=f"{recipe.name}-{number}",
        root=rename(recipe.root),
        categories=rename(recipe.categories),
        styles=rename(recipe.styles),
        adjectives=rename(recipe.adjectives),
        vocabulary_seed=1000 + number,
    )


def tune(spec: BehaviourSpec, words: list[str], folder: Path, work_folder: Path, progress: Progress) -> dict:
    """Tune `spec.plm` and save it in `folder` with its card; `work_folder` keeps domains and checkpoints for resuming.

    The domains are stored as datasets `invented-NUMBER`, so give this its own UPSR_HOME.
    """
    tokenizer, sources = load_tokenizer(spec.plm), []
    for number in range(spec.domains):
        design = parse_design(ORDERS[number % len(ORDERS)])
        dataset = _domain(spec, number, words, work_folder / "domains")
        texts = ItemTexts(design.finetune, dataset.items, tokenizer)
        histories = [dataset.history(user) for user in range(len(dataset.users))]
        sources.append(Source(SequenceBuilder(design, texts), histories))
        progress(number + 1, spec.domains, "inventing domains")
    model = load_model(spec.plm)
    batches = MaskedBatches(sources, spec.training, spec.training.tokens)
    curves: list[pd.DataFrame] = []
    loss = partial(loss_of, spec=spec.training)
    train(
        model,
        batches,
        spec.training,
        work_folder / spec.digest,
        progress,
        "behaviour tuning",
        curve=curves.append,
        loss=loss,
    )
    curve = curves[-1].dropna(subset=["tokens", "loss"])
    model.cpu().bfloat16().save_pretrained(folder)
    for name in TOKENIZER_FILES:
        shutil.copy(locate(spec.plm) / name, folder / name)
    card = {
        "title": "Embedded T5, behaviour-tuned",
        "parameters": sum(parameter.numel() for parameter in model.parameters()),
        "from": {"model": spec.plm, "weights": weights_digest(spec.plm)},
        "corpora": [
            {
                "name": f"{spec.domains} invented domains with words, brands and order of attributes of their own",
                "licence": "our own",
                "users": sum(len(source.histories) for source in sources),
                "items": sum(len(source.builder.texts) for source in sources),
            }
        ],
        "objective": "masked item text prediction",
        "real_tokens_seen": {"encoder": batches.tokens},
        "histories_seen": sum(map(len, batches.plan)),
        "curve": curve[["step", "tokens", "loss"]][:: max(1, len(curve) // CURVE_POINTS)].to_dict("records"),
        "limits": ["It has learned to look at histories of invented shops; no real behaviour was seen."],
        "spec": spec.model_dump(mode="json"),
    }
    write_json(folder / "card.json", card)
    return card


def _domain(spec: BehaviourSpec, number: int, words: list[str], folder: Path) -> Dataset:
    rng = np.random.default_rng([spec.seed, number])
    recipe = varied(DOMAINS[number % len(DOMAINS)], number, words, spec.renamed, rng)
    folder.mkdir(parents=True, exist_ok=True)
    items, events = write_domain(folder, recipe, spec.users, spec.items, spec.seed)
    return import_dataset(f"invented-{number}", items, events, synthetic=True)
