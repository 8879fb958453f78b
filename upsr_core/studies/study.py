"""Do the indicators predict quality? Designs and seeds as quick trials, and every indicator against their NDCG@10."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from itertools import permutations
from pathlib import Path

from pydantic import Field

from upsr_core.datasets.store import Dataset, list_datasets, load_dataset
from upsr_core.errors import RunError
from upsr_core.evaluation.correlation import FEWEST
from upsr_core.evaluation.metrics import HEADLINE, named
from upsr_core.indicators.profile import SAMPLE, Setting
from upsr_core.runs.run import Run, runs_folder
from upsr_core.runs.spec import DatasetRef, RunSpec, plan_run
from upsr_core.runs.status import Job, newest_first
from upsr_core.schema import Spec
from upsr_core.storage.atomic import stored_in, storing
from upsr_core.storage.records import Newer, read_record, write_record
from upsr_core.text.design import ItemDesign, parse_design

DESIGNS, SEEDS = 12, 2
SMOKE_SAMPLE = 100  # items that the model reads in a study of the smallest trials
MOST_DOMAINS = 3  # other domains that consistency compares with
# The sign that the paper's reading of an indicator (section 3.2) gives its rank correlation with quality; 0: none.
# Natural texts have a low perplexity; of length the paper says what it costs, not what it brings.
CLAIMED = {
    "naturalness": -1,
    "familiarity": 1,
    "domain_consistency": 1,
    "informativeness": 1,
    "noise": -1,
    "length": 0,
    "alignment": 1,
}
# Single attributes, the paper's orders and their reverses, from one attribute to all.
USUAL = (
    "title", "category", "category,title", "title,category", "category,title,brand", "brand,title,category",
    "category,title,brand,price,description", "description,price,brand,title,category", "category,title,description",
    "description", "title,brand,price", "brand",
)  # fmt: skip


class StudySpec(Spec):
    """Everything a study depends on: its trials, and with what the indicators are read beside the trials' own."""

    trials: tuple[RunSpec, ...] = Field(min_length=1)
    domains: tuple[DatasetRef, ...] = ()
    budget: str
    sample: int = SAMPLE

    @property
    def dataset(self) -> DatasetRef:
        return self.trials[0].dataset

    @property
    def plm(self) -> str:
        return self.trials[0].plm.name

    @property
    def designs(self) -> tuple[ItemDesign, ...]:
        return tuple(dict.fromkeys(trial.design.finetune for trial in self.trials))

    @property
    def seeds(self) -> int:
        return len({trial.seed for trial in self.trials})

    @property
    def indicators(self) -> tuple[str, ...]:
        return tuple(name for name in CLAIMED if name != "domain_consistency" or self.domains)

    @property
    def metric(self) -> str:
        return named(HEADLINE, self.trials[0].candidates.mode)

    @property
    def runs(self) -> list[Run]:
        """The runs of the trials, whether or not they exist yet."""
        return [Run(runs_folder() / trial.digest) for trial in self.trials]

    def setting(self, load: Callable[[str], Dataset] = load_dataset) -> Setting:
        """With what the indicators are read. Raises RunError where a dataset is no longer the one of the study."""
        data, *others = (ref.check(load(ref.name)) for ref in (self.dataset, *self.domains))
        return Setting(data, self.plm, domains=tuple(others), sample=self.sample)


@dataclass(frozen=True)
class Study(Job):
    """One folder of a study; its trials are runs like any others, under their own digests."""

    command = ("study", "work")

    @classmethod
    def of(cls, spec: StudySpec) -> "Study":
        """The study of a specification, whether or not its folder exists yet."""
        return cls(studies_folder() / spec.digest)

    @cached_property
    def spec(self) -> StudySpec:
        try:
            return StudySpec.model_validate(read_record(self.folder / "spec.json", "study")["spec"])
        except (OSError, ValueError, KeyError) as error:
            reason = str(error).splitlines()[0]
            raise RunError(
                f"The specification of study {self.id} cannot be read: {reason}",
                str(self.folder / "spec.json"),
                "" if isinstance(error, Newer) else "Start the same study again: its trials stay.",
            ) from None

    @property
    def title(self) -> str:
        spec = self.spec
        seeds = f"{spec.seeds} seed{'s' if spec.seeds > 1 else ''}"
        return f"{spec.dataset.name} · {len(spec.designs)} designs · {seeds} · {spec.budget} · {Path(spec.plm).name}"


def usual_designs(dataset: Dataset, most: int = DESIGNS) -> list[str]:
    """Designs of a dataset's attributes that differ in choice and order, as names with commas, at most `most`.

    Attributes that fewer than half of the items have are not used, nor those that the paper discards. Where few of the
    usual designs can be had, further ordered pairs and triples follow.

    >>> import pandas as pd
    >>> from types import SimpleNamespace
    >>> items = pd.DataFrame({"title": ["a", "b"], "year": ["1", "2"], "brand": ["", ""]})
    >>> usual_designs(SimpleNamespace(items=items, attributes=("title", "brand", "year")))
    ['title', 'title,year', 'year,title', 'year']
    """
    names = [
        name
        for name in dataset.attributes
        if name not in ("related", "salesrank") and (dataset.items[name] != "").mean() >= 0.5
    ]
    first = [design for design in USUAL if set(design.split(",")) <= set(names)]
    further = [",".join(order) for size in (2, 3, 1) for order in permutations(names, size)]
    return list(dict.fromkeys([*first, *further]))[:most]


def plan_study(
    dataset_name: str,
    designs: list[str] | None = None,
    seeds: int = SEEDS,
    budget: str = "quick",
    plm: str = "embedded",
) -> StudySpec:
    """The specification of a study, checked against what is stored.

    Up to three other stored datasets of the same kind (synthetic or not) are the domains of the consistency. The trials
    are of UPSR with its usual recipe.

    Parameters
    ----------
    dataset_name
        A stored dataset.
    designs
        Attributes in order with commas each, by default `usual_designs`.
    seeds
        Trials of each design.
    budget, plm
        As `runs.spec.plan_run` takes them.

    Raises
    ------
    RunError
        There are too few designs, or seeds that change nothing; and as `plan_run` does.
    DataError, DesignError, ModelError
        As `plan_run` does.
    """
    dataset = load_dataset(dataset_name)
    wanted = list(
        dict.fromkeys(parse_design(text) for text in (usual_designs(dataset) if designs is None else designs))
    )
    if len(wanted) < FEWEST:
        raise RunError(
            f"A study needs at least {FEWEST} designs, not {len(wanted)}",
            how="Give a dozen, with semicolons: 'title; category,title; brand,title'.",
        )
    if seeds < 1:
        raise RunError(f"A study cannot have {seeds} seeds", how="Give at least one.")
    planned = plan_run(dataset_name, wanted[0], plm, budget)
    for design in wanted:
        design.finetune.check(dataset.attributes, dataset.name)
    first = [planned.text.model_copy(update={"design": design}) for design in wanted]
    if seeds > 1 and not planned.trains:
        raise RunError(f"The budget {budget!r} trains nothing, so seeds change nothing", how="Give one seed.")
    trials = tuple(
        planned.model_copy(update={"model": model.with_seed(seed)}) for seed in range(seeds) for model in first
    )
    others = [
        DatasetRef(name=entry["name"], content=entry["digest"])
        for entry in list_datasets()
        if entry["name"] != dataset.name and entry["synthetic"] == dataset.synthetic and not entry["problem"]
    ]
    sample = SMOKE_SAMPLE if budget == "smoke" else SAMPLE
    return StudySpec(trials=trials, domains=tuple(others[:MOST_DOMAINS]), budget=budget, sample=sample)


def studies_folder() -> Path:
    return stored_in("studies")


def create_study(spec: StudySpec) -> Study:
    """The study of a specification; an existing one is returned as it is."""
    study = Study.of(spec)
    try:
        read_record(study.folder / "spec.json", "study")
    except Newer:
        _ = study.spec  # says so
    except (OSError, ValueError):  # not there yet, or damaged: it is known what it says
        with storing(study.folder):
            study.folder.mkdir(parents=True, exist_ok=True)
            write_record(study.folder / "spec.json", "study", {"spec": spec.model_dump(mode="json")})
    return study


def load_study(study_id: str) -> Study:
    """Raises RunError if there is none of this id."""
    study = Study(studies_folder() / study_id)
    if not study_id or not (study.folder / "spec.json").exists():
        raise RunError(f"There is no study {study_id!r}", how="Start one with `upsr study indicators`.")
    return study


def list_studies() -> list[Study]:
    """All studies whose specification can be read, newest first."""
    return [study for study in map(Study, newest_first(studies_folder(), "spec.json")) if not study.problem]
