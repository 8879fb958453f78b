"""Run folders: specification, status, curve, per-user results, model. Reading them needs no torch."""

import json
import shutil
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import pandas as pd

from upsr_core.errors import RunError, UpsrError
from upsr_core.experiments.spec import RunSpec, budget_of
from upsr_core.experiments.status import Job
from upsr_core.runtime import home, write_atomically, write_json
from upsr_core.training.spec import CURVE

BORROWED = "{}, another user's history"  # names the score of another user's history in `per_user.parquet`


@dataclass(frozen=True)
class Run(Job):
    """One run folder."""

    command = ("work",)

    @cached_property
    def spec(self) -> RunSpec:
        try:
            return RunSpec.model_validate_json((self.folder / "spec.json").read_text())
        except (OSError, ValueError, UpsrError) as error:
            reason = error.what if isinstance(error, UpsrError) else str(error).splitlines()[0]
            raise RunError(
                f"The specification of run {self.id} cannot be read: {reason}",
                str(self.folder / "spec.json"),
                "Delete the run and start it again.",
            ) from None

    @property
    def title(self) -> str:
        """What a person calls this run: dataset, model or attributes and language model, budget, candidates."""
        spec = self.spec
        parts = [part for part in (spec.dataset.name, spec.label, self.budget) if part]
        if spec.pretrain_on:
            parts.append("after " + ", ".join(ref.name for ref in spec.pretrain_on))
        if spec.seed:
            parts.append(f"seed {spec.seed}")
        parts.append(spec.candidates.mode)
        return " · ".join(parts)

    @property
    def budget(self) -> str:
        return budget_of(self.spec)

    @property
    def curve_file(self) -> Path:
        return self.folder / "curve.csv"

    def curve(self) -> pd.DataFrame:
        """The learning curve; columns as in `upsr_core.training.trainer.curve_of`, empty before the first step."""
        if not self.curve_file.exists():
            return pd.DataFrame(columns=list(CURVE))
        return pd.read_csv(self.curve_file)

    def write_curve(self, curve: pd.DataFrame) -> None:
        write_atomically(self.curve_file, curve.to_csv(index=False))

    @property
    def model_folder(self) -> Path:
        """Where the trained weights are; there whole, or not at all."""
        return self.folder / "model"

    def note_training(self, run_id: str, seconds: float | None) -> None:
        """Keep which run trained the weights, and in how many seconds since its last start, None where unknown."""
        write_json(self.folder / "trained.json", {"run": run_id, "seconds": seconds})

    @property
    def trained_by(self) -> str | None:
        """The id of the run that trained the weights: this one's, or another's; None where there are none."""
        if not self.model_folder.exists():
            return None
        return self._training_note().get("run", self.id)

    @property
    def training_seconds(self) -> float | None:
        """Seconds of the training of the weights, by whichever run; None where unknown."""
        return self._training_note().get("seconds")

    def _training_note(self) -> dict:
        # Runs that were stored before weights could be shared have none: they trained their own.
        file = self.folder / "trained.json"
        return json.loads(file.read_text()) if file.exists() else {}

    def result(self) -> dict | None:
        """Metrics, gaps, user dependence, cost; None before the run is done."""
        file = self.folder / "result.json"
        return json.loads(file.read_text()) if file.exists() else None

    def per_user(self) -> pd.DataFrame:
        """One row per evaluated instance and score: user, target, rank, metrics; those of the references beside."""
        return self._table("per_user")

    def scores(self) -> pd.DataFrame:
        """One row per evaluated instance and candidate: logprob, tokens, unconditional, popularity."""
        return self._table("scores")

    def _table(self, name: str) -> pd.DataFrame:
        file = self.folder / f"{name}.parquet"
        if not file.exists():
            raise RunError(f"Run {self.id} has no results yet", str(file), "Wait for its end, or resume it.")
        return pd.read_parquet(file)


def runs_folder() -> Path:
    folder = home() / "runs"
    folder.mkdir(exist_ok=True)
    return folder


def run_folder(spec: RunSpec) -> Path:
    """Where the run of a specification is, or will be."""
    return runs_folder() / spec.digest


def create_run(spec: RunSpec) -> Run:
    """The run of a specification; an existing one is returned as it is."""
    folder = run_folder(spec)
    if not (folder / "spec.json").exists():
        folder.mkdir(exist_ok=True)
        write_atomically(folder / "spec.json", spec.model_dump_json(indent=2) + "\n")
    return Run(folder)


def load_run(run_id: str) -> Run:
    """The run with this id or with an id that begins like it. Raises RunError if none or several do."""
    found = [run for run in list_runs() if run_id and run.id.startswith(run_id)]
    if len(found) != 1:
        what = "There is no run" if not found else f"{len(found)} runs begin with"
        raise RunError(f"{what} {run_id!r}", how="See `upsr runs` for their ids.")
    return found[0]


def list_runs() -> list[Run]:
    """All runs, newest first."""
    files = sorted(runs_folder().glob("*/spec.json"), key=lambda file: file.stat().st_mtime, reverse=True)
    return [Run(file.parent) for file in files]


def delete_run(run: Run) -> None:
    """Remove a run folder. Raises RunError while it is active."""
    if run.status().active:
        raise RunError(f"Run {run.id} is still {run.status().state}", how="Cancel it first.")
    shutil.rmtree(run.folder)
