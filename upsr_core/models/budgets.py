"""The budgets that a user chooses from; each model makes its training of them.

A budget says how much is spent, and its recipe (`training.recipes`) how.
"""

from dataclasses import dataclass

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
        TrainingSpec(tokens=40_000, batch_tokens=2048, evaluations=2),
        8,
        20,
        40_000,
        0.01,
    ),
    "first-look": Budget(
        "First look",
        "Two to four minutes on two cores with the embedded model: signs, not results.",
        TrainingSpec(tokens=400_000, evaluations=3),
        60,
        150,
        400_000,
        0.03,
    ),
    "quick": Budget(
        "Quick",
        "At most ten minutes on two cores with the embedded model.",
        TrainingSpec(tokens=1_600_000, evaluations=4),
        80,
        500,
        1_600_000,
        0.1,
    ),
    "standard": Budget(
        "Standard",
        "About an hour on two cores with the embedded model.",
        TrainingSpec(tokens=16_000_000, evaluations=10),
        400,
        3000,
        16_000_000,
        1.0,
    ),
    "zero-shot": Budget(
        "Zero-shot",
        "No training on the dataset that is ranked: the language model as it is, or after other datasets.",
        TrainingSpec(tokens=0),
        1,
        500,
        1_600_000,
        0.0,
    ),
}
