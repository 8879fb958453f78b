"""The specification of a run: everything that it depends on."""

from pathlib import Path

from pydantic import Field, model_validator

from upsr_core.datasets.splits import SplitSpec
from upsr_core.datasets.store import Dataset, load_dataset
from upsr_core.errors import RunError
from upsr_core.evaluation.candidates import MODES, CandidateSpec
from upsr_core.likelihood.scores import SCORES, ScoreSpec
from upsr_core.models.registry import MODELS, SCORE, ModelInfo, SequenceSpec, model_info
from upsr_core.plm.loading import model_digest
from upsr_core.runs.budgets import BUDGETS, VALIDATION_USERS, training_of
from upsr_core.schema import Spec, digest_of
from upsr_core.text.design import Design
from upsr_core.training.recipes import PAPER, RECIPES, recipe_of, score_of
from upsr_core.training.spec import TrainingSpec

# What a training does with the dataset that is ranked, and not before.
_OF_THE_DATASET = {"tokens", "evaluations", "epochs", "evaluate_every", "patience"}


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


class PlmRef(Spec):
    """A language model as the door takes it, with the digest of its weights."""

    name: str
    content: str


class RunSpec(Spec):
    """Everything a run depends on. Two runs with one digest are the same run.

    `design` and `plm` are there for models that read item texts, `training` for those that are trained.
    """

    model: str = "upsr"
    dataset: DatasetRef
    pretrain_on: tuple[DatasetRef, ...] = ()
    split: SplitSpec = SplitSpec()
    design: Design | None = None
    plm: PlmRef | None = None
    training: TrainingSpec | SequenceSpec | None = None
    score: ScoreSpec = ScoreSpec()
    validation_users: int = Field(ge=1)
    candidates: CandidateSpec

    @model_validator(mode="after")
    def _has_what_its_model_needs(self):
        if self.model not in MODELS:
            raise ValueError(f"there is no model {self.model!r}")
        if self.info.text != (self.design is not None) or self.info.text != (self.plm is not None):
            raise ValueError(f"the model {self.model!r} {'needs' if self.info.text else 'has no use for'} a design")
        wanted = {"likelihood": TrainingSpec, "none": type(None)}.get(self.info.task, SequenceSpec)
        if not isinstance(self.training, wanted):
            raise ValueError(f"the model {self.model!r} is trained with a {wanted.__name__}")
        return self

    @property
    def digest(self) -> str:
        record = self.model_dump(mode="json")
        if self.model == "upsr":
            del record["model"]  # runs that were stored when there was no other model keep their ids
        return digest_of({"spec": "RunSpec", **record})

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
        record = self.model_dump(mode="json", include={"model", "pretrain_on", "plm", "design", "training"})
        record |= {
            "design": {name: value for name, value in record["design"].items() if name != "finetune"},
            "training": {name: value for name, value in record["training"].items() if name not in _OF_THE_DATASET},
            "split": self.pretraining_split.model_dump(mode="json"),
        }
        return digest_of({"spec": "pretraining", **record})

    @property
    def trains(self) -> bool:
        """Whether there are weights of its own to rank with."""
        return self.training is not None and self.training.trains

    @property
    def info(self) -> ModelInfo:
        return MODELS[self.model]

    @property
    def own_score(self) -> str:
        """The name of the score that stands for the run."""
        return self.score.name if self.info.task == "likelihood" else SCORE

    @property
    def label(self) -> str:
        """Model, and the text it reads. UPSR, the product's own, goes without its name."""
        names = [] if self.model == "upsr" else [self.info.title]
        if self.info.text:
            names += [self.design.finetune.label, Path(self.plm.name).name]
        return " · ".join(names)

    @property
    def recipe(self) -> str:
        """What a person calls the recipe of UPSR's training, and the score where it is not the recipe's own; empty for
        the paper's, and where nothing is trained."""
        if self.info.task != "likelihood" or not self.trains:
            return ""
        name = recipe_of(self.training, BUDGETS["quick"].training)
        usual = score_of(name, self.training) if name in RECIPES else self.score.name
        parts = [] if name == PAPER else [f"{name} recipe"]
        return ", ".join(parts if usual == self.score.name else [*parts, f"{self.score.name} score"])

    @property
    def seed(self) -> int:
        return self.training.seed if self.training else 0

    @property
    def pretraining_split(self) -> SplitSpec:
        """What a pre-training sees of its datasets; zero-shot is said of the dataset that is ranked alone."""
        return SplitSpec() if self.split.kind == "zero-shot" else self.split

    @property
    def validation(self) -> CandidateSpec:
        """What the learning curve is taken on; a model that scores its whole catalogue at once ranks all of it."""
        mode = "uni100" if self.info.task == "likelihood" else "full"
        return CandidateSpec(part="validation", mode=mode, users=self.validation_users, seed=self.candidates.seed)


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
    recipe: str = PAPER,
) -> RunSpec:
    """The specification of a trial, checked against what is stored.

    `recipe` names what UPSR's training does with its tokens, `dtype` what it computes in; without a `score` it is the
    recipe's own. With `pretrain_on` the budget's tokens or epochs for pre-training are first spent on those datasets.
    A model that reads no text takes no design, and leaves the language model alone. Raises DataError for an unknown
    dataset, DesignError for attributes it does not have, ModelError for the language model, RunError for an unknown
    budget or model and for what the model cannot do.
    """
    info, dataset = model_info(model), load_dataset(dataset_name)
    if recipe in RECIPES and budget in BUDGETS:
        score = score or score_of(recipe, BUDGETS[budget].training)
    named = (("recipe", recipe, RECIPES), ("budget", budget, BUDGETS), ("score", score, SCORES), ("mode", mode, MODES))
    for what, value, allowed in named:
        if value not in allowed:
            raise RunError(f"There is no {what} {value!r}", how=f"Choose among {', '.join(allowed)}.")
    if info.text != (design is not None):
        how = "Name attributes, such as category,title." if info.text else "Leave the design out."
        raise RunError(f"{info.title} {'reads' if info.text else 'does not read'} item texts", how=how)
    if dtype not in ("float32", "bfloat16"):
        raise RunError(f"A training in {dtype!r} is not offered", how="Choose float32 or bfloat16: float16 overflows.")
    if dtype != "float32" and info.task != "likelihood":
        raise RunError(f"{info.title} trains in float32 only", how="Leave the dtype out.")
    if recipe != PAPER and info.task != "likelihood":
        raise RunError(f"{info.title} has no recipes", how="Leave the recipe out.")
    if pretrain_on and not info.pretrains:
        raise RunError(f"{info.title} cannot learn from other datasets", info.limits, "Leave the pre-training out.")
    sources = [load_dataset(name) for name in pretrain_on]
    if info.text:
        design.finetune.check(dataset.attributes, dataset.name)
        for source in sources:
            design.pretrain.check(source.attributes, source.name)
    chosen, cheap = BUDGETS[budget], info.task != "likelihood"
    return RunSpec(
        model=model,
        dataset=DatasetRef(name=dataset.name, content=dataset.digest),
        pretrain_on=tuple(DatasetRef(name=source.name, content=source.digest) for source in sources),
        design=design,
        plm=PlmRef(name=plm, content=model_digest(plm, info.reads_with)) if info.text else None,
        training=training_of(info, budget, seed, bool(sources), dtype, recipe),
        score=ScoreSpec(name=score),
        validation_users=VALIDATION_USERS if cheap else chosen.validation_users,
        candidates=CandidateSpec(mode=mode, users=None if cheap else chosen.test_users),
    )


def budget_of(spec: RunSpec) -> str:
    """The name of the budget that a run was planned with, "own budget" where none was."""
    recipe = PAPER
    if spec.info.task == "likelihood":
        found = recipe_of(spec.training, BUDGETS["quick"].training)
        recipe = found if found in RECIPES else PAPER
    for name in BUDGETS:
        try:
            planned = training_of(spec.info, name, spec.seed, bool(spec.pretrain_on), recipe=recipe)
        except RunError:
            continue
        if planned is None:
            return ""
        size = "tokens" if isinstance(planned, TrainingSpec) else "epochs"
        if getattr(planned, size) == getattr(spec.training, size):
            return name
    return "own budget"
