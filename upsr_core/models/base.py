"""The protocol of everything that ranks: a `Model` says what it is and what it takes, a `Ranker` is one at work."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar, Generic, Protocol, TypeVar

import numpy as np
import pandas as pd

from upsr_core.datasets.splits import Split
from upsr_core.datasets.store import Dataset
from upsr_core.errors import RunError
from upsr_core.evaluation.borrowed import SharedCandidates
from upsr_core.evaluation.candidates import Candidates
from upsr_core.models.budgets import BUDGETS, Budget
from upsr_core.models.cost import Calibration, DataSizes, Work
from upsr_core.models.differences import Difference
from upsr_core.models.instance import Instance
from upsr_core.models.spec import SCORE, ModelSpec, PlmRef
from upsr_core.models.token_scores import TokenScores
from upsr_core.parallel import Workers
from upsr_core.plm.loading import model_digest
from upsr_core.runtime import Progress, silent
from upsr_core.storage.atomic import write_json
from upsr_core.storage.folders import new_sealed_folder
from upsr_core.text.design import Design

Items = Callable[[int], np.ndarray]
PRETRAINING = "pretraining.json"  # beside pre-trained weights: which run made them, in how many seconds
VALIDATION_USERS = 5000  # ranking a whole catalogue at once costs little: many users of validation, all of the test
LEAVE_ONE_OUT = "leave-one-out"


@dataclass(frozen=True)
class Request:
    """What a person asks of a trial, by names; see `runs.spec.plan_run`."""

    budget: str
    design: Design | None = None
    plm: str = "embedded"
    score: str = ""
    recipe: str = ""
    dtype: str = "float32"
    seed: int = 0
    pretrains: bool = False

    @property
    def chosen_budget(self) -> Budget:
        return BUDGETS[self.budget]


@dataclass(frozen=True)
class TrainingJob:
    """With what and where a model is trained; `folder` is the run's.

    Checkpoints go to `tuning` and `pretraining` in it, what a pre-training leaves to `pretrained`, the trained model
    to `model`; the latter two are there whole or not at all. `sources` opens the datasets of a pre-training,
    `validation` the candidates on which the learning curve is taken, which goes to `write_curve`.
    """

    run: str
    folder: Path
    dataset: Dataset
    parts: Split
    sources: Callable[[], list[tuple[Dataset, Split]]]
    validation: Callable[[], Candidates]
    progress: Progress
    write_curve: Callable[[pd.DataFrame], None]
    accumulation: int = 1

    @property
    def pretrained(self) -> Path:
        return self.folder / "pretrained"

    @contextmanager
    def saved_model(self) -> Iterator[Path]:
        """A folder to write the trained model into."""
        with new_sealed_folder(self.folder / "model") as folder:
            yield folder

    @contextmanager
    def saved_pretraining(self, seconds: float) -> Iterator[Path]:
        """A folder to write what the pre-training left into; it took so many seconds."""
        with new_sealed_folder(self.pretrained) as folder:
            yield folder
            write_json(folder / PRETRAINING, {"run": self.run, "seconds": round(seconds, 1)})


@dataclass(frozen=True)
class Evaluated:
    """What an evaluation leaves: ranks and metrics per instance, see `evaluation.metrics.rank_frame`.

    `right` are those of every named score. On the candidates that stand neither in the right nor in another user's
    history (see `evaluation.borrowed`), `shared` are those with the right and `borrowed` those with the other history.
    `candidates` has a row per instance and stored candidate: row, item, target, and what `Model.with_scores` makes
    the scores of. `counts` are what the model says of its evaluation, by name. Of a whole catalogue of which
    `candidates` holds the best alone, `history_kept` has ranks with the items of the history among the candidates, as
    some published tables do, and `sample` every candidate of some instances: row, item and score.
    """

    right: dict[str, pd.DataFrame]
    shared: dict[str, pd.DataFrame]
    borrowed: dict[str, pd.DataFrame]
    candidates: pd.DataFrame
    counts: dict[str, int] = field(default_factory=dict)
    history_kept: pd.DataFrame | None = None
    sample: pd.DataFrame | None = None


@dataclass(frozen=True)
class InstanceScores:
    """Scores (c,) of the candidates of an instance; of models that score texts also what each token adds."""

    scores: np.ndarray
    tokens: TokenScores | None = None


@dataclass(frozen=True)
class HistoryEffects:
    """What a history did to the scores of candidates a and b, as a model's own method finds it.

    `items` has a row per history item: place (from 1, oldest first), item_id, name, effect_a, effect_b and effect (on
    a's lead over b); `attributes` a row per attribute and the same effects, None for models that read no text.
    `gap` is how far the effects together are from what they should sum to, None where they are exact.
    """

    name: str
    items: pd.DataFrame
    attributes: pd.DataFrame | None
    gap: float | None


class InstanceScorer(Protocol):
    """Whatever scores the candidates of instances, which may have been changed."""

    def read(self, instances: Sequence[Instance], progress: Progress = silent) -> list[InstanceScores]:
        """Scores of the candidates of each instance."""
        ...


class Ranker(ABC):
    """A model on one dataset, trained or as it is before its training."""

    @abstractmethod
    def scores(self, histories: Sequence[np.ndarray], items: Items) -> list[np.ndarray]:
        """Scores (c,) of `items(i)` for each history (item indices, oldest first); higher is better."""

    @abstractmethod
    def top(self, history: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray, str]:
        """The k best items of the catalogue without those of the history: (items, scores, how they were found)."""

    @abstractmethod
    def metrics(self, candidates: Candidates) -> pd.DataFrame:
        """Rank of every target and its metrics, a row per instance, see `evaluation.metrics.rank_frame`."""

    @abstractmethod
    def metrics_of_both(self, candidates: Candidates, own: SharedCandidates) -> tuple[pd.DataFrame, pd.DataFrame]:
        """`metrics` of candidates and of those that they share with a borrowed history; each is scored once."""

    @abstractmethod
    def evaluate(
        self, test: Candidates, progress: Progress, workers: Workers, reopen: "Reopen | None" = None
    ) -> Evaluated:
        """All that the result of a run follows from.

        `reopen` gives this ranker and these candidates anew in another process; `workers` share the work where the
        model's costs are worth it.
        """

    @abstractmethod
    def read(self, instances: Sequence[Instance], progress: Progress = silent) -> list[InstanceScores]:
        """Scores of the candidates of instances, which may have been changed."""

    def effects(self, instance: Instance, a: int, b: int, method: str, progress: Progress = silent) -> HistoryEffects:
        """What the history did to candidates a and b (rows), by a method of `Model.methods` of the model's own."""
        raise RunError(f"This model has no method {method!r}", how=f"Choose {LEAVE_ONE_OUT}.")


Reopen = Callable[[], tuple[Ranker, Candidates]]
S = TypeVar("S", bound=ModelSpec)


class Model(ABC, Generic[S]):
    """A model that a run can name: what it is, what it needs, and how it is planned, trained, opened and paid for.

    `title`, `note` and `limits` are for people. `reads_text`: it needs a design and a language model of one of
    `plm_kinds`. `learns_items`: it learns something for each item of its dataset. `pretrains`: it can learn from other
    datasets first. `scores` are the names of its scores, its own first; `recipes` those of its training, the usual one
    first. `usual_mode` are the candidates that a trial of it ranks unless told otherwise. `splits_training`: several
    processes can train it. `calibrates`: its costs can be measured on this machine. `methods` are how it can explain
    what a history did, the usual first. `rereads_text`: it makes something of an edited text or another design.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    note: ClassVar[str]
    limits: ClassVar[str]
    spec_type: ClassVar[type[ModelSpec]]
    reads_text: ClassVar[bool] = False
    learns_items: ClassVar[bool] = False
    pretrains: ClassVar[bool] = False
    plm_kinds: ClassVar[tuple[str, ...]] = ()
    plm_note: ClassVar[str] = ""
    scores: ClassVar[tuple[str, ...]] = (SCORE,)
    recipes: ClassVar[tuple[str, ...]] = ()
    dtypes: ClassVar[tuple[str, ...]] = ("float32",)
    usual_mode: ClassVar[str] = "full"
    validation_mode: ClassVar[str] = "full"
    splits_training: ClassVar[bool] = False
    calibrates: ClassVar[bool] = False
    methods: ClassVar[tuple[str, ...]] = (LEAVE_ONE_OUT,)
    rereads_text: ClassVar[bool] = False
    unit: ClassVar[str] = "items of histories seen"  # of the learning curve's axis

    @abstractmethod
    def plan(self, request: Request) -> S:
        """The record of a trial of this model, without what `check` has seen to. Raises RunError, ModelError."""

    @abstractmethod
    def open(self, spec: S, dataset: Dataset, parts: Split, mode: str, weights: Path | None) -> Ranker:
        """The ranker on a dataset for candidates of a mode: of trained weights, or as it is without a training.

        Raises ModelError where the weights cannot be read or are of another dataset.
        """

    def train(self, spec: S, job: TrainingJob) -> None:
        """Train, and save the model with `job.saved_model`; cut off, the same call goes on from the last checkpoint."""
        raise NotImplementedError(f"{self.title} is not trained")

    def with_scores(self, table: pd.DataFrame, mode: str) -> pd.DataFrame:
        """Stored candidates with a column for each named score; `table` has popularity (training events) too."""
        return table

    def details(self, table: pd.DataFrame) -> pd.DataFrame:
        """What else is worth showing of the candidates of one user, by column, from `with_scores`."""
        return table[[]]

    def budgets(self) -> list[str]:
        """The names of the budgets that it has a use for."""
        return list(BUDGETS)

    def published_as(self) -> str:
        """Whose code a rival is checked against, line by line; empty where nothing was published."""
        return ""

    def differences(self, budget: str) -> list[Difference]:
        """What is not as in the published code where a training has a budget."""
        return []

    def budget_line(self, budget: str) -> str:
        """What a budget means for it, in words."""
        return "Nothing is trained."

    def users(self, budget: Budget) -> tuple[int, int | None]:
        """How many users of the validation and of the test are evaluated; None for all."""
        return VALIDATION_USERS, None

    def usual_score(self, recipe: str, budget: str) -> str:
        """The name of the score that a trial has unless another is asked for."""
        return self.scores[0]

    def size(self, spec: S) -> tuple[str, float]:
        """How large its training on the ranked dataset is at most: ("epochs", 20.0), or ("", 0.0) without one."""
        return "", 0.0

    def budget_size(self, budget: str, spec: S) -> float:
        """What `size` says of a training that a budget pays for, all else as in `spec`."""
        return 0.0

    def used(self, spec: S, seen: float, lengths: Callable[[], np.ndarray]) -> float:
        """How much of `size` a training has used whose learning curve has come to `seen`; `lengths` are those of the
        training histories."""
        return seen

    def patience(self, spec: S) -> int:
        """Validations without a gain that end its training."""
        return 1

    def exchanges(self, spec: S) -> float:
        """Steps of its training at which machines exchange gradients, where they share it."""
        return 0.0

    def work(self, spec: S, sizes: DataSizes, trained: float, pretrained: float) -> Work:
        """Floating-point operations; `trained` and `pretrained` are the shares of its trainings that a run does."""
        return Work(0.0, 4.0 * sizes.users * sizes.items)

    def tells_speed(self, spec: S) -> bool:
        """Whether a finished run of it is long enough to correct forecasts by."""
        return spec.trains

    def cost_record(self, spec: S) -> dict:
        """What a calibration depends on, beside the dataset and the mode."""
        return spec.model_dump(mode="json")

    def calibrate(self, spec: S, dataset: Dataset, parts: Split, test: Candidates) -> Calibration:
        """Measure what a step and a user cost here. Raises RunError where nothing has to be measured."""
        raise RunError(f"{self.title} is foretold from its arithmetic", how="Only UPSR is calibrated.")

    def measured(self, spec: S, costs: Calibration, sizes: DataSizes, trained: float, pretrained: float) -> Work:
        """Seconds of training and scoring from a calibration."""
        raise NotImplementedError

    def disk_mib(self, spec: S, sizes: DataSizes) -> tuple[float, float]:
        """MiB that a run leaves, and the most that it takes on the way."""
        return 0.0, 0.0

    def plm_ref(self, plm: str) -> PlmRef:
        """A language model by name and content. Raises ModelError where it is none that this model can read with."""
        return PlmRef(name=plm, content=model_digest(plm, self.plm_kinds))

    def check(self, request: Request) -> None:
        """Raise RunError for what is asked of a trial and this model cannot do."""
        if self.reads_text != (request.design is not None):
            how = "Name attributes, such as category,title." if self.reads_text else "Leave the design out."
            raise RunError(f"{self.title} {'reads' if self.reads_text else 'does not read'} item texts", how=how)
        if request.dtype not in self.dtypes:
            raise RunError(f"{self.title} trains in {' or '.join(self.dtypes)} only", how="Leave the dtype out.")
        if request.recipe and request.recipe not in self.recipes:
            how = f"Choose among {', '.join(self.recipes)}." if self.recipes else "Leave the recipe out."
            raise RunError(f"{self.title} has no recipe {request.recipe!r}", how=how)
        if request.score and request.score not in self.scores:
            raise RunError(
                f"{self.title} has no score {request.score!r}", how=f"Choose among {', '.join(self.scores)}."
            )
        if request.pretrains and not self.pretrains:
            raise RunError(f"{self.title} cannot learn from other datasets", self.limits, "Leave the pre-training out.")
        if request.budget not in self.budgets():
            raise RunError(f"{self.title} ranks nothing before it is trained", how="Choose another budget.")
