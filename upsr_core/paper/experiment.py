"""What an experiment is: its specification, its cells, what it leaves, and the paper's claims it looks at."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import pandas as pd
import plotly.graph_objects as go
from pydantic import Field

from upsr_core.datasets.splits import SplitSpec
from upsr_core.datasets.store import Dataset
from upsr_core.errors import RunError
from upsr_core.likelihood.scores import Score, ScoreSpec
from upsr_core.models.registry import model_named
from upsr_core.models.spec import ModelSpec, TrainedModelSpec
from upsr_core.models.upsr import UpsrSpec
from upsr_core.runs.run import Run
from upsr_core.runs.spec import RunSpec, plan_run
from upsr_core.runs.unseen_events import check_pretraining
from upsr_core.runtime import Progress, home
from upsr_core.schema import Spec
from upsr_core.text.design import Design, ItemDesign, parse_design
from upsr_core.training.recipes import PAPER, score_of

# The paper's tables show these, in percent.
SHOWN = ("NDCG@1", "NDCG@5", "NDCG@10", "HR@5", "HR@10")
DPT = ("brand", "price", "description")


@dataclass(frozen=True)
class Scale:
    """How much an experiment spends: the budget of every run, seeds, and items that indicators read."""

    title: str
    description: str
    budget: str
    seeds: int
    items: int


SCALES = {
    "smoke": Scale("Smoke", "Shows that everything fits together; its figures mean nothing.", "smoke", 1, 30),
    "quick": Scale(
        "Quick",
        "Each run a First look, two to four minutes on two free cores: signs, not results.",
        "first-look",
        1,
        300,
    ),
    "standard": Scale("Standard", "Each run on the standard budget, three seeds.", "standard", 3, 1000),
}


class ExperimentSpec(Spec):
    """An experiment on stored datasets; its runs have digests of their own, which name the data by content.

    `plm` names one language model, or with a comma two: the experiments that compare T5 and FLAN-T5, or a smaller and a
    larger one, take the first for the first. `pretrain_on` are the domains of the pre-training, `recipe` is that of
    every training of UPSR.
    """

    name: str
    datasets: tuple[str, ...] = Field(min_length=1)
    scale: str = "quick"
    plm: str = "embedded"
    pretrain_on: tuple[str, ...] = ()
    recipe: str = PAPER

    @property
    def plms(self) -> tuple[str, ...]:
        return tuple(name.strip() for name in self.plm.split(",") if name.strip())

    @property
    def size(self) -> Scale:
        return SCALES[self.scale]

    @property
    def folder(self) -> Path:
        """Where the experiment keeps what it makes."""
        return home() / "experiments" / self.digest

    @property
    def command(self) -> str:
        plm = "" if self.plm == "embedded" else f" --plm {self.plm}"
        first = f" --pretrain-on {','.join(self.pretrain_on)}" if self.pretrain_on else ""
        recipe = "" if self.recipe == PAPER else f" --recipe {self.recipe}"
        which = f"{self.name} --dataset {','.join(self.datasets)} --scale {self.scale}"
        return f"upsr experiment {which}{plm}{first}{recipe}"


@dataclass(frozen=True)
class Cell:
    """One run of a grid: in which column of which dataset its result stands."""

    dataset: str
    column: str
    spec: RunSpec


@dataclass(frozen=True)
class Claim:
    """What the paper found: one column above another in a metric, on which of its datasets."""

    better: str
    worse: str
    metric: str
    where: str


@dataclass(frozen=True)
class Outcome:
    """What an experiment leaves. `table` has the columns dataset, row and one for each column of the paper's table,
    `beside` the same with the paper's values, `claims` what became of the paper's findings; `notes` say in words what
    differs from the paper."""

    table: pd.DataFrame
    beside: pd.DataFrame
    figure: go.Figure
    claims: pd.DataFrame = field(default_factory=pd.DataFrame)
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Experiment:
    """A table or figure of the paper.

    `cells` gives its runs, none where it needs none; `collect` makes the outcome of finished runs, and may work long
    itself. `paper` are the published values: dataset -> row -> values per column. `pretrains` says whether it takes
    domains to pre-train on, `plms` how many language models it takes at most, `smaller` the one that stands before
    another where only that is named.
    """

    name: str
    title: str
    question: str
    cells: Callable[[ExperimentSpec], list[Cell]]
    collect: Callable[[ExperimentSpec, list[tuple[Cell, Run]], Progress], Outcome]
    columns: tuple[str, ...]
    paper: Mapping[str, Mapping[str, tuple]]
    claims: tuple[Claim, ...] = ()
    pretrains: Literal["no", "may", "must"] = "no"
    plms: int = 1
    smaller: str = ""


def letters(data: Dataset, code: str) -> ItemDesign:
    """An item design from the paper's letters: T title, C category, D brand, price, description.

    Of D it takes what the dataset has. Raises RunError where there is nothing for a letter.
    """
    names: list[str] = []
    for letter in code:
        wanted = {"T": ("title",), "C": ("category",), "D": DPT}[letter]
        found = [name for name in wanted if name in data.attributes]
        if not found:
            raise RunError(
                f"The dataset {data.name!r} has no {' or '.join(wanted)}",
                f"it has {', '.join(data.attributes)}",
                "Choose another dataset for this experiment.",
            )
        names += found
    return ItemDesign(attributes=tuple(names))


def design_of(data: Dataset, code: str, pretrain: str | None = None) -> Design:
    """A design of both stages from the paper's letters; without `pretrain` as `parse_design` has it."""
    first = None if pretrain is None else ",".join(letters(data, pretrain).attributes)
    return parse_design(",".join(letters(data, code).attributes), first)


def planned(
    spec: ExperimentSpec, dataset: str, column: str, design: Design | None = None, *, model: str = "upsr",
    plm: str = "", pretrain_on: tuple[str, ...] = (), split: SplitSpec | None = None,
    training: Mapping[str, Any] | None = None, score: Score | None = None,
) -> list[Cell]:  # fmt: skip
    """The cells of one column: a run for every seed of the scale, on uniformly drawn candidates as in the paper.

    Parameters
    ----------
    spec
        The experiment; its budget and recipe are those of every run.
    dataset, column
        Where the result stands.
    design, model, pretrain_on
        As `runs.spec.plan_run` takes them.
    plm
        A language model of `spec.plms`, the first unless named.
    split, training, score
        What differs from the planned run: another split, values in the training, the score of UPSR.

    Raises
    ------
    RunError
        The pre-training would see what a dataset is judged by, and as `plan_run` does.
    """
    recipe, cells = spec.recipe if model_named(model).recipes else "", []
    for seed in range(spec.size.seeds):
        run = plan_run(
            dataset,
            design,
            plm or spec.plms[0],
            spec.size.budget,
            "",
            "uni100",
            seed,
            pretrain_on,
            model,
            recipe=recipe,
        )
        changed = _changed(run.model, spec.recipe, training or {}, score)
        run = run.model_copy(update={"model": changed, "split": split or run.split})
        check_pretraining(run)
        cells.append(Cell(dataset, column, run))
    return cells


def _changed(model: ModelSpec, recipe: str, training: Mapping[str, Any], score: Score | None) -> ModelSpec:
    """A model with other values in its training, and of UPSR with the score that belongs to it, or another."""
    if training and isinstance(model, TrainedModelSpec):
        model = model.with_training(**training)
        if isinstance(model, UpsrSpec):
            score = score or score_of(recipe, model.training)
    return model.model_copy(update={"score": ScoreSpec(name=score)}) if score else model


def published(experiment: Experiment) -> pd.DataFrame:
    """The paper's values: dataset, row, one column for each of the paper's."""
    rows = [
        {"dataset": f"{dataset} (paper)", "row": row, **dict(zip(experiment.columns, values, strict=True))}
        for dataset, block in experiment.paper.items()
        for row, values in block.items()
    ]
    return pd.DataFrame(rows, columns=["dataset", "row", *experiment.columns])
