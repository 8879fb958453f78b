"""Named recipes: what a training does with its tokens. `upsr experiment recipes` judges them at equal tokens."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from upsr_core.training.spec import TrainingSpec


@dataclass(frozen=True)
class Recipe:
    """What a recipe is for, and what it changes of the paper's training."""

    title: str
    description: str
    training: Mapping[str, Any] = field(default_factory=dict)


PAPER = "paper"
RECIPES = {
    PAPER: Recipe("Paper's", "One item in ten is masked at random, in one sample of ten the last one alone."),
    "personal": Recipe(
        "Personal",
        "The last item alone is masked, its text against those of other users in the batch, in small steps that keep "
        "what the language model knows.",
        {"learning_rate": 1e-4, "last_only": 1.0, "prefixes": True, "contrast": 1.0},
    ),
}
_TOLD_BY = ("learning_rate", "mask_share", "last_only", "prefixes", "informative", "contrast", "shorter_first")


def recipe_of(training: TrainingSpec, paper: TrainingSpec) -> str:
    """The name of the recipe by which a training differs from the paper's; "own recipe" where it has none.

    >>> recipe_of(TrainingSpec(tokens=1, **RECIPES["personal"].training), TrainingSpec(tokens=1))
    'personal'
    """
    for name, recipe in RECIPES.items():
        wanted = paper.model_copy(update=dict(recipe.training))
        if all(getattr(training, each) == getattr(wanted, each) for each in _TOLD_BY):
            return name
    return "own recipe"
