"""The budgets that a user chooses from, and the training that a budget gives a model."""

import math
from dataclasses import dataclass

from upsr_core.errors import RunError
from upsr_core.models.registry import ModelInfo, SequenceSpec
from upsr_core.training.recipes import PAPER, PERSONAL, RECIPES
from upsr_core.training.spec import TrainingSpec


@dataclass(frozen=True)
class Budget:
    """A named size of a trial. `pretrain_tokens` are spent on the datasets of a pre-training where there are any.

    `share` is the part of its longest training that a sequence model gets; 0 where it has nothing to do.
    """

    title: str
    description: str
    training: TrainingSpec
    validation_users: int
    test_users: int | None
    pretrain_tokens: int
    share: float


BUDGETS = {
    "smoke": Budget(
        "Smoke",
        "Seconds. Shows that everything fits together; its figures mean nothing.",
        TrainingSpec(tokens=40_000, batch_tokens=2048, evaluations=2, learning_rate=1e-3),
        8,
        20,
        40_000,
        0.01,
    ),
    "first-look": Budget(
        "First look",
        "Two to four minutes on two cores with the embedded model: signs, not results.",
        TrainingSpec(tokens=400_000, evaluations=3, learning_rate=1e-3),
        60,
        150,
        400_000,
        0.03,
    ),
    "quick": Budget(
        "Quick",
        "At most ten minutes on two cores with the embedded model.",
        TrainingSpec(tokens=1_600_000, evaluations=4, learning_rate=1e-3),
        80,
        500,
        1_600_000,
        0.1,
    ),
    "standard": Budget(
        "Standard",
        "About an hour on two cores with the embedded model.",
        TrainingSpec(tokens=16_000_000, evaluations=10, learning_rate=1e-3),
        400,
        3000,
        16_000_000,
        1.0,
    ),
    "zero-shot": Budget(
        "Zero-shot",
        "No training on the dataset that is ranked: the language model as it is, or after other datasets.",
        TrainingSpec(tokens=0, learning_rate=1e-3),
        1,
        500,
        1_600_000,
        0.0,
    ),
}
# Evaluating a model that scores its whole catalogue at once costs little: all test users, and many of validation.
VALIDATION_USERS = 5000


def usual_recipe(info: ModelInfo) -> str:
    """The recipe that a trial has unless another is asked for: the one that looks at the user soonest."""
    return PERSONAL if info.task == "likelihood" else PAPER


def training_of(
    info: ModelInfo, budget: str, seed: int = 0, pretrains: bool = False, dtype: str = "float32", recipe: str = PAPER
) -> TrainingSpec | SequenceSpec | None:
    """The training of a model on a budget; None where it is not trained. Raises RunError where it has to be."""
    chosen = BUDGETS[budget]
    if info.task == "likelihood":
        how = RECIPES[recipe]
        sizes = {"tokens": chosen.training.tokens, "pretrain_tokens": chosen.pretrain_tokens if pretrains else 0}
        update = {"seed": seed, "dtype": dtype} | {name: round(tokens * how.share) for name, tokens in sizes.items()}
        if any(sizes.values()):  # without a training a recipe would change the name of a run alone
            update |= how.training
        return chosen.training.model_copy(update=update)
    if info.training is None:
        return None
    if not chosen.share:
        raise RunError(f"{info.title} ranks nothing before it is trained", how="Choose another budget.")
    longest = info.training
    epochs = math.ceil(longest.epochs * chosen.share)
    update = {"seed": seed, "epochs": epochs, "evaluate_every": min(longest.evaluate_every, epochs)}
    update["pretrain_epochs"] = math.ceil(longest.pretrain_epochs * chosen.share) if pretrains else 0
    return longest.model_copy(update=update)
