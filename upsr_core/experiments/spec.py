"""The specification of a run, and the budgets that a user chooses from."""

from dataclasses import dataclass

from pydantic import Field

from upsr_core.datasets.splits import SplitSpec
from upsr_core.datasets.store import Dataset, load_dataset
from upsr_core.errors import RunError
from upsr_core.evaluation.candidates import MODES, CandidateSpec
from upsr_core.likelihood.score import SCORES, ScoreSpec
from upsr_core.plm.door import weights_digest
from upsr_core.schema import Spec
from upsr_core.text.design import Design
from upsr_core.training.spec import TrainingSpec


class DatasetRef(Spec):
    """A stored dataset by name, with the digest that its content must have."""

    name: str
    content: str

    def load(self) -> Dataset:
        """The dataset. Raises RunError where what is stored under its name is no longer the same data."""
        dataset = load_dataset(self.name)
        if dataset.digest != self.content:
            raise RunError(
                f"The dataset {self.name!r} is not the one of this run",
                f"digest {dataset.digest} instead of {self.content}",
                "Import it again as it was, or start a new run.",
            )
        return dataset


class PlmRef(Spec):
    """A language model as the door takes it, with the digest of its weights."""

    name: str
    content: str


class RunSpec(Spec):
    """Everything a run depends on. Two runs with one digest are the same run."""

    dataset: DatasetRef
    pretrain_on: tuple[DatasetRef, ...] = ()
    split: SplitSpec = SplitSpec()
    design: Design
    plm: PlmRef
    training: TrainingSpec
    score: ScoreSpec = ScoreSpec()
    validation_users: int = Field(ge=1)
    candidates: CandidateSpec


@dataclass(frozen=True)
class Budget:
    """A named size of a trial. `pretrain_tokens` are spent on the datasets of a pre-training where there are any."""

    title: str
    description: str
    training: TrainingSpec
    validation_users: int
    test_users: int | None
    pretrain_tokens: int


BUDGETS = {
    "smoke": Budget(
        "Smoke",
        "Seconds. Shows that everything fits together; its figures mean nothing.",
        TrainingSpec(tokens=40_000, batch_tokens=2048, evaluations=2, learning_rate=1e-3),
        20,
        40,
        40_000,
    ),
    "first-look": Budget(
        "First look",
        "About two minutes on two cores with the embedded model: signs, not results.",
        TrainingSpec(tokens=400_000, evaluations=3, learning_rate=1e-3),
        60,
        150,
        400_000,
    ),
    "quick": Budget(
        "Quick",
        "At most ten minutes on two cores with the embedded model.",
        TrainingSpec(tokens=1_600_000, evaluations=4, learning_rate=1e-3),
        80,
        500,
        1_600_000,
    ),
    "standard": Budget(
        "Standard",
        "About an hour on two cores with the embedded model.",
        TrainingSpec(tokens=16_000_000, evaluations=10, learning_rate=1e-3),
        400,
        3000,
        16_000_000,
    ),
    "zero-shot": Budget(
        "Zero-shot",
        "No training on the dataset that is ranked: the language model as it is, or after other datasets.",
        TrainingSpec(tokens=0, learning_rate=1e-3),
        1,
        500,
        1_600_000,
    ),
}


def plan_run(
    dataset_name: str,
    design: Design,
    plm: str = "embedded",
    budget: str = "quick",
    score: str = "perplexity",
    mode: str = "uni100",
    seed: int = 0,
    pretrain_on: tuple[str, ...] = (),
) -> RunSpec:
    """The specification of a trial, checked against what is stored.

    With `pretrain_on` the budget's tokens for pre-training are first spent on those datasets. Raises DataError for an
    unknown dataset, DesignError for attributes it does not have, ModelError for the language model, RunError for
    an unknown budget.
    """
    if budget not in BUDGETS:
        raise RunError(f"There is no budget {budget!r}", how=f"Choose among {', '.join(BUDGETS)}.")
    for what, value, allowed in (("score", score, SCORES), ("mode", mode, MODES)):
        if value not in allowed:
            raise RunError(f"There is no {what} {value!r}", how=f"Choose among {', '.join(allowed)}.")
    chosen = BUDGETS[budget]
    dataset = load_dataset(dataset_name)
    sources = [load_dataset(name) for name in pretrain_on]
    design.finetune.check(dataset.attributes, dataset.name)
    for source in sources:
        design.pretrain.check(source.attributes, source.name)
    update = {"seed": seed, "pretrain_tokens": chosen.pretrain_tokens if sources else 0}
    return RunSpec(
        dataset=DatasetRef(name=dataset.name, content=dataset.digest),
        pretrain_on=tuple(DatasetRef(name=source.name, content=source.digest) for source in sources),
        design=design,
        plm=PlmRef(name=plm, content=weights_digest(plm)),
        training=chosen.training.model_copy(update=update),
        score=ScoreSpec(name=score),
        validation_users=chosen.validation_users,
        candidates=CandidateSpec(mode=mode, users=chosen.test_users),
    )
