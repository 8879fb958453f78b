"""The specification of a run: everything that it depends on."""

from pathlib import Path
from typing import Any

from pydantic import Field, SerializeAsAny, field_validator, model_validator

from upsr_core.datasets.splits import SplitSpec
from upsr_core.datasets.store import Dataset, load_dataset
from upsr_core.errors import RunError
from upsr_core.evaluation.candidates import MODES, CandidateSpec
from upsr_core.models.base import Model, Request
from upsr_core.models.budgets import BUDGETS
from upsr_core.models.registry import MODELS, model_named, model_spec
from upsr_core.models.spec import ModelSpec, PlmRef, TextModelSpec
from upsr_core.schema import Spec, digest_of
from upsr_core.text.design import Design


class DatasetRef(Spec):
    """A stored dataset by name, with the digest that its content must have."""

    name: str
    content: str

    def load(self) -> Dataset:
        """The dataset. Raises RunError where what is stored under its name is no longer the same data."""
        return self.check(load_dataset(self.name))

    def check(self, dataset: Dataset) -> Dataset:
        """The dataset itself, once it is known to be the same data. Raises RunError where it is not."""
        if dataset.digest != self.content:
            raise RunError(
                f"The dataset {self.name!r} is not the one of this run",
                f"digest {dataset.digest} instead of {self.content}",
                "Import it again as it was, or start a new run.",
            )
        return dataset


class RunSpec(Spec):
    """Everything a run depends on. Two runs with one digest are the same run.

    `model` is of the type that its name has in the registry: of a model that reads texts it holds the design and the
    language model, of one that is trained its training.
    """

    model: SerializeAsAny[ModelSpec]
    dataset: DatasetRef
    pretrain_on: tuple[DatasetRef, ...] = ()
    split: SplitSpec = SplitSpec()
    validation_users: int = Field(ge=1)
    candidates: CandidateSpec

    @field_validator("model", mode="before")
    @classmethod
    def _of_its_kind(cls, value: Any) -> Any:
        return model_spec(value) if isinstance(value, dict) else value

    @model_validator(mode="after")
    def _can_be_pretrained(self):
        if self.pretrain_on and not self.kind.pretrains:
            raise ValueError(f"the model {self.model.name!r} cannot learn from other datasets")
        return self

    @property
    def kind(self) -> Model[Any]:
        """The model itself: what it is, needs and costs."""
        return MODELS[self.model.name]

    @property
    def reads_text(self) -> bool:
        return isinstance(self.model, TextModelSpec)

    @property
    def text(self) -> TextModelSpec:
        """The model and its texts. Raises RunError where it reads none."""
        if not isinstance(self.model, TextModelSpec):
            raise RunError(f"{self.kind.title} reads no item texts", how="Choose a run of a model that does.")
        return self.model

    @property
    def design(self) -> Design:
        """How item texts are made. Raises RunError where the model reads none."""
        return self.text.design

    @property
    def plm(self) -> PlmRef:
        """The language model that reads the texts. Raises RunError where the model reads none."""
        return self.text.plm

    @property
    def training_digest(self) -> str:
        """What the trained weights depend on: runs that agree in it differ in the candidates of their test alone.

        The candidates of the validation belong to it, because they decide when a training stops and which state is
        kept; so does the score, by which the validation of UPSR ranks.
        """
        record = self.model_dump(mode="json", exclude={"candidates", "validation_users"})
        return digest_of({"spec": "training", **record, "validation": self.validation.model_dump(mode="json")})

    @property
    def pretraining_digest(self) -> str | None:
        """What the weights that a pre-training leaves depend on; None where there is none.

        The dataset that is ranked, its text, and for how long and with what validation is trained on it, do not count.
        """
        if not self.pretrain_on:
            return None
        record = {"model": self.model.pretraining_record(), **self.model_dump(mode="json", include={"pretrain_on"})}
        return digest_of({"spec": "pretraining", **record, "split": self.pretraining_split.model_dump(mode="json")})

    @property
    def trains(self) -> bool:
        """Whether there are weights of its own to rank with."""
        return self.model.trains

    @property
    def seed(self) -> int:
        return self.model.seed

    @property
    def label(self) -> str:
        """Model, and the text it reads. UPSR, the product's own, goes without its name."""
        names = [] if self.model.name == "upsr" else [self.kind.title]
        if isinstance(self.model, TextModelSpec):
            names += [self.design.finetune.label, Path(self.plm.name).name]
        return " · ".join(names)

    @property
    def pretraining_split(self) -> SplitSpec:
        """What a pre-training sees of its datasets; zero-shot is said of the dataset that is ranked alone."""
        return SplitSpec() if self.split.kind == "zero-shot" else self.split

    @property
    def validation(self) -> CandidateSpec:
        """What the learning curve is taken on; a model that scores its whole catalogue at once ranks all of it."""
        record = {"part": "validation", "mode": self.kind.validation_mode, "users": self.validation_users}
        return CandidateSpec.model_validate({**record, "seed": self.candidates.seed})


def plan_run(
    dataset_name: str,
    design: Design | None = None,
    plm: str = "embedded",
    budget: str = "quick",
    score: str = "",
    mode: str = "uni100",
    seed: int = 0,
    pretrain_on: tuple[str, ...] = (),
    model: str = "upsr",
    dtype: str = "float32",
    recipe: str = "",
) -> RunSpec:
    """The specification of a trial, checked against what is stored.

    Parameters
    ----------
    dataset_name
        A stored dataset, see `list_datasets`.
    design
        Item texts of both stages; of models that read texts.
    plm
        Their language model: embedded, a folder, or a hub id.
    budget, score, mode, recipe
        By name; score and recipe are the model's usual ones unless given.
    seed, dtype
        Of the training.
    pretrain_on
        Datasets to learn from first; the budget has tokens or epochs of its own for that.
    model
        A name of `models.registry.MODELS`.

    Raises
    ------
    DataError
        There is no such dataset.
    DesignError
        A dataset lacks an attribute of the design.
    ModelError
        The language model cannot be read.
    RunError
        There is no such budget, score, mode, recipe or model, or the model cannot do what is asked.
    """
    kind, dataset = model_named(model), load_dataset(dataset_name)
    for what, value, allowed in (("budget", budget, BUDGETS), ("mode", mode, MODES)):
        if value not in allowed:
            raise RunError(f"There is no {what} {value!r}", how=f"Choose among {', '.join(allowed)}.")
    request = Request(budget, design, plm, score, recipe, dtype, seed, bool(pretrain_on))
    kind.check(request)
    sources = [load_dataset(name) for name in pretrain_on]
    if design is not None:
        design.finetune.check(dataset.attributes, dataset.name)
        for source in sources:
            design.pretrain.check(source.attributes, source.name)
    validation_users, test_users = kind.users(BUDGETS[budget])
    return RunSpec(
        model=kind.plan(request),
        dataset=DatasetRef(name=dataset.name, content=dataset.digest),
        pretrain_on=tuple(DatasetRef(name=source.name, content=source.digest) for source in sources),
        validation_users=validation_users,
        candidates=CandidateSpec.model_validate({"mode": mode, "users": test_users}),
    )


def budget_of(spec: RunSpec) -> str:
    """The name of the budget that a run was planned with: "own budget" where none was, empty where none counts."""
    kind, size = spec.kind, spec.kind.size(spec.model)
    if not size[0]:
        return ""
    for name in kind.budgets():
        if kind.budget_size(name, spec.model) == size[1]:
            return name
    return "own budget"
