"""Made data in which one thing alone decides what a user takes next, and a model that has learned it.

Explanations are checked against it: what they name must be what was planted.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd

from upsr_core.plm.loading import load_model, load_tokenizer
from upsr_core.runtime import Progress
from upsr_core.text.design import parse_design
from upsr_core.text.prompt import SequenceBuilder
from upsr_core.text.render import ItemTexts
from upsr_core.text.tokenizer import TextTokenizer
from upsr_core.training.batches import MaskedBatches, Source
from upsr_core.training.objective import loss_of
from upsr_core.training.spec import TrainingSpec
from upsr_core.training.trainer import train

Cause = Literal["brand", "item"]
DESIGN = parse_design("category,title,brand")
ITEMS, BRANDS, LENGTH, CANDIDATES = 600, 12, 6, 20
TRAINING = TrainingSpec(tokens=600_000, batch_tokens=4096, learning_rate=1e-3, last_only=1.0, evaluations=1)


@dataclass(frozen=True)
class Planted:
    """Items with random titles, and users (n,) of whom one thing decides the next item.

    `brand`: all items of a history share their brand with the next one, and nothing else. `item`: one item of the
    history, at a random place, shares its brand with the next one; the others have none, so they say nothing.
    `histories` (n, LENGTH) and `targets` (n,) are item indices, `causes` (n,) the place of the deciding item, -1
    where it is the brand.
    """

    cause: Cause
    items: pd.DataFrame
    histories: np.ndarray
    targets: np.ndarray
    causes: np.ndarray

    def candidates(self, user: int, seed: int = 0) -> np.ndarray:
        """The target, then others of other brands (CANDIDATES,)."""
        rng = np.random.default_rng([seed, user])
        brand = self.items.brand
        others = np.flatnonzero(((brand != brand[self.targets[user]]) & (brand != "")).to_numpy())
        return np.concatenate([[self.targets[user]], rng.choice(others, CANDIDATES - 1, replace=False)])


def plant(cause: Cause, users: int, tokenizer: TextTokenizer, seed: int = 0) -> Planted:
    """Make `users` users. Items and brands follow from the seed 0 alone: other seeds are other users of one shop."""
    items = _items(tokenizer, np.random.default_rng([0, 1]))
    rng = np.random.default_rng([seed, 2])
    of_brand = [np.flatnonzero(items.brand == name) for name in dict.fromkeys(items.brand) if name]
    bare = np.flatnonzero(items.brand == "")
    histories, targets, causes = np.empty((users, LENGTH), np.int64), np.empty(users, np.int64), np.full(users, -1)
    for user in range(users):
        same = of_brand[rng.integers(len(of_brand))]
        if cause == "brand":
            *histories[user], targets[user] = rng.choice(same, LENGTH + 1, replace=False)
            continue
        histories[user], causes[user] = rng.choice(bare, LENGTH, replace=False), rng.integers(LENGTH)
        histories[user, causes[user]], targets[user] = rng.choice(same, 2, replace=False)
    return Planted(cause, items, histories, targets, causes)


def _items(tokenizer: TextTokenizer, rng: np.random.Generator) -> pd.DataFrame:
    """Titles, categories and brands of words of one token each: texts differ in length only where there is no brand."""
    vocabulary = tokenizer.backend.get_vocab()
    words = sorted(token[1:] for token in vocabulary if token[0] == "▁" and token[1:].isalpha() and len(token) > 4)
    words = [word for word in words if word.islower() and word.isascii()]
    chosen = rng.choice(words, 260, replace=False)
    brands, categories, titles = chosen[:BRANDS], chosen[BRANDS : BRANDS + 8], chosen[BRANDS + 8 :]
    pairs, brand = rng.integers(len(titles), size=(ITEMS, 2)), rng.choice(brands, ITEMS).astype(object)
    brand[rng.random(ITEMS) < 0.3] = ""
    return pd.DataFrame(
        {
            "item_id": [f"item{number}" for number in range(ITEMS)],
            "title": [f"{titles[a]} {titles[b]}" for a, b in pairs],
            "category": rng.choice(categories, ITEMS),
            "brand": brand,
        }
    )


def learn(planted: Sequence[Planted], folder: Path, progress: Progress, training: TrainingSpec, plm: str = "embedded"):
    """The language model after training on the users of one shop, as UPSR trains; checkpoints in `folder`."""
    model, tokenizer = load_model(plm), load_tokenizer(plm)
    builder = SequenceBuilder(DESIGN, ItemTexts(DESIGN.finetune, planted[0].items, tokenizer))
    histories = [
        np.append(history, target)
        for part in planted
        for history, target in zip(part.histories, part.targets, strict=True)
    ]
    batches = MaskedBatches([Source(builder, histories)], training, training.tokens)
    loss = partial(loss_of, spec=training)
    train(model, batches, training, folder, progress, "learning what is planted", loss=loss)
    return model
