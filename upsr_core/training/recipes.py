"""Named recipes: what a training does with its tokens. `upsr experiment recipes` judges them at equal tokens."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from upsr_core.likelihood.scores import Score, ScoreSpec
from upsr_core.training.spec import TrainingSpec


@dataclass(frozen=True)
class Recipe:
    """A way to train, and to rank with what was trained.

    Attributes
    ----------
    title, description
        For people.
    training
        What it sets in a `TrainingSpec`.
    score, untrained
        The score that it is made for, and that where nothing is learned of the dataset.
    share
        The part of a budget's tokens that it takes in the same time.
    """

    title: str
    description: str
    training: Mapping[str, Any] = field(default_factory=dict)
    score: Score = ScoreSpec().name
    untrained: Score = ScoreSpec().name
    share: float = 1.0


PAPER, SHORT, PERSONAL = "paper", "paper-short", "personal"
_TASK = {"mask_share": 0.1, "last_only": 0.1}
RECIPES = {
    # Every number of the paper (section 4.1 and 3.4.1); tests hold them to `paper.published_values`.
    PAPER: Recipe(
        "Paper's",
        "The paper's numbers: one item in ten is masked at random, in one sample of ten the last one alone; a learning "
        "rate of 3e-4 and 64 histories a batch (128 in a pre-training, of 20 epochs at most); ranked by perplexity. A "
        "short budget has few such steps.",
        {**_TASK, "learning_rate": 3e-4, "batch": 64, "pretrain_batch": 128, "pretrain_epochs": 20},
    ),
    SHORT: Recipe(
        "Paper's, short",
        "The paper's task in more and larger steps, for budgets that end long before its training would. Ours are the "
        "learning rate of 1e-3 and the batches of 8,192 tokens (2,048 at smoke). Ranked by perplexity.",
        {**_TASK, "learning_rate": 1e-3},
    ),
    PERSONAL: Recipe(
        "Personal",
        "The last item of every beginning of a history is masked, and its text has to stand out from the texts of "
        "other users, in small steps that keep what the language model knows; ranked by the posterior score. A token "
        "costs twice the time, so the same budget has fewer.",
        {"learning_rate": 1e-4, "last_only": 1.0, "prefixes": True, "contrast": 1.0},
        "posterior",
        "conditional",
        0.45,
    ),
}
# What a budget, a seed and a machine decide; all else of a training is the recipe's.
_OF_THE_BUDGET = {"tokens", "pretrain_tokens", "batch_tokens", "evaluations", "patience", "seed", "dtype"}


def score_of(recipe: str, training: TrainingSpec) -> Score:
    """The name of the score by which a recipe ranks after this training."""
    return RECIPES[recipe].score if training.tokens else RECIPES[recipe].untrained


def whole(recipe: str) -> dict[str, Any]:
    """All that a recipe decides of a training, what it leaves as it is by default included."""
    return TrainingSpec(tokens=0, **RECIPES[recipe].training).model_dump(exclude=_OF_THE_BUDGET)


def recipe_of(training: TrainingSpec) -> str:
    """The name of the recipe of a training; "own" where it has none.

    >>> recipe_of(TrainingSpec(tokens=1, seed=7, **RECIPES["personal"].training))
    'personal'
    """
    own = training.model_dump(exclude=_OF_THE_BUDGET)
    return next((name for name in RECIPES if whole(name) == own), "own")
