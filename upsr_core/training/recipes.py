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
        What it changes of the paper's `TrainingSpec`.
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


PAPER, PERSONAL = "paper", "personal"
RECIPES = {
    PAPER: Recipe(
        "Paper's", "One item in ten is masked at random, in one sample of ten the last one alone; ranked by perplexity."
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
_TOLD_BY = ("learning_rate", "mask_share", "last_only", "prefixes", "informative", "contrast", "shorter_first", "dealt")


def score_of(recipe: str, training: TrainingSpec) -> Score:
    """The name of the score by which a recipe ranks after this training."""
    return RECIPES[recipe].score if training.tokens else RECIPES[recipe].untrained


def recipe_of(training: TrainingSpec, paper: TrainingSpec) -> str:
    """The name of the recipe by which a training differs from the paper's; "own" where it has none.

    >>> recipe_of(TrainingSpec(tokens=1, **RECIPES["personal"].training), TrainingSpec(tokens=1))
    'personal'
    """
    for name, recipe in RECIPES.items():
        wanted = paper.model_copy(update=dict(recipe.training))
        if all(getattr(training, each) == getattr(wanted, each) for each in _TOLD_BY):
            return name
    return "own"
