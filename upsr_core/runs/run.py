"""Run folders: specification, status, curve, per-user results, model. Reading them needs no torch."""

import json
import shutil
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import pandas as pd

from upsr_core.errors import RunError, UpsrError
from upsr_core.logs import note, warn
from upsr_core.models.base import PRETRAINING
from upsr_core.runs.results import RunResult
from upsr_core.runs.spec import RunSpec, budget_of
from upsr_core.runs.status import Job, Status, newest_first
from upsr_core.runs.unseen_events import check_pretraining
from upsr_core.storage.atomic import stored_in, storing, write_atomically
from upsr_core.storage.records import Damaged, Newer, Record, check_file, check_folder, read_record, write_record
from upsr_core.storage.tables import read_table
from upsr_core.training.spec import CURVE

SPEC, RESULT, NOTE = "spec.json", "result.json", "trained.json"
# Whose sums are kept with the result.
WITH_RESULT = ("per_user.parquet", "scores.parquet", "catalogue_scores.parquet", "curve.csv")


@dataclass(frozen=True)
class Run(Job):
    """One run folder."""

    command = ("work",)
    HALF_WRITTEN = (".taken",)  # folders that get their name once they are whole

    @cached_property
    def spec(self) -> RunSpec:
        try:
            return RunSpec.model_validate(read_record(self.folder / SPEC, "run")["spec"])
        except (OSError, ValueError, KeyError, UpsrError) as error:
            reason = error.what if isinstance(error, UpsrError) else str(error).splitlines()[0]
            raise RunError(
                f"The specification of run {self.id} cannot be read: {reason}",
                str(self.folder / SPEC),
                "" if isinstance(error, Newer) else "Start the same run again: what it has done stays.",
            ) from None

    def status(self) -> Status:
        """As of any job; a finished run whose result cannot be read is `damaged`, and can be resumed."""
        status = super().status()
        if status.state != "done":
            return status
        try:
            self._result()
        except Newer as error:
            return replace(status, state="damaged", message=f"The result cannot be read: {error}.")
        except (OSError, ValueError) as error:
            message = f"The result is damaged: {error}. Resume the run to make it again."
            return replace(status, state="damaged", message=message)
        return status

    @property
    def title(self) -> str:
        """What a person calls this run: dataset, model or attributes and language model, budget, candidates."""
        spec = self.spec
        parts = [part for part in (spec.dataset.name, spec.label, self.budget, spec.model.recipe) if part]
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
        try:
            record = self._result() if (self.folder / RESULT).exists() else None  # until then the curve grows
            if not self.curve_file.exists() and (record is None or self.curve_file.name not in record["files"]):
                return pd.DataFrame(columns=list(CURVE))
            curve = pd.read_csv(self.curve_file if record is None else check_file(record, self.curve_file))
            if list(curve.columns) != list(CURVE):
                raise Damaged(self.curve_file, "has other columns than a learning curve")
        except (OSError, ValueError) as error:
            raise self.damaged(error) from error
        return curve

    def write_curve(self, curve: pd.DataFrame) -> None:
        write_atomically(self.curve_file, curve.to_csv(index=False))

    @property
    def model_folder(self) -> Path:
        """Where the trained weights are; there whole, or not at all."""
        return self.folder / "model"

    @property
    def pretrained_folder(self) -> Path:
        """What the pre-training left; there whole, or not at all."""
        return self.folder / "pretrained"

    @property
    def pretraining_elsewhere(self) -> float:
        """Seconds of the pre-training where another run did it; 0 where this one did, or none was done."""
        try:
            note = json.loads((self.pretrained_folder / PRETRAINING).read_text(encoding="utf-8"))
            return 0.0 if note["run"] == self.id else float(note["seconds"])
        except (OSError, ValueError, KeyError, TypeError):  # there was no pre-training, or its note is damaged
            return 0.0

    def note_training(self, run_id: str, seconds: float | None) -> None:
        """Keep which run trained the weights, in how many seconds since its last start (None where unknown), and how
        its learning curve went: a second copy, from which a damaged one is restored."""
        curve = self.curve_file.read_text(encoding="utf-8") if self.curve_file.exists() else None
        write_record(self.folder / NOTE, "training", {"run": run_id, "seconds": seconds, "curve": curve})

    @property
    def has_note(self) -> bool:
        return (self.folder / NOTE).exists()

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
        try:
            return read_record(self.folder / NOTE, "training")
        except (OSError, ValueError):  # who trained the weights is told to people, nothing depends on it
            return {}

    def result(self) -> RunResult | None:
        """What the run found; None before it is done, or where `status` says it is damaged."""
        try:
            record = self._result()
            return RunResult.model_validate({name: value for name, value in record.items() if name != "files"})
        except (OSError, ValueError):
            return None

    def finished_result(self) -> RunResult:
        """What the run found. Raises RunError where it is not done."""
        result = self.result()
        if result is None:
            raise RunError(f"Run {self.id} has no results yet", str(self.folder), "Wait for its end, or resume it.")
        return result

    def _result(self) -> Record:
        return read_record(self.folder / RESULT, "result")

    def write_result(self, result: RunResult) -> None:
        """Keep the result, the last of what a run writes, with the sums of the files that belong to it."""
        files = [name for name in WITH_RESULT if (self.folder / name).exists()]
        write_record(self.folder / RESULT, "result", result.model_dump(mode="json"), files)

    def drop_damaged(self) -> None:
        """Remove what is damaged and can be made again. Raises RunError where a newer version wrote it."""
        try:
            self._result()
        except Newer as error:
            raise RunError(f"Run {self.id} cannot go on here: {error}", str(error.file)) from None
        except (OSError, ValueError):
            pass
        try:
            self.curve()
        except RunError as error:
            warn(f"run {self.id}: its learning curve is damaged and restored: {type(error.__cause__).__name__}")
            if kept := self._training_note().get("curve"):
                write_atomically(self.curve_file, kept)
            else:
                self.curve_file.unlink(missing_ok=True)
        for name in ("model", "pretrained"):
            if (self.folder / name).exists() and (problem := self._problem_of(name)):
                warn(f"run {self.id}: {problem}; removed to be made again")
                shutil.rmtree(self.folder / name)

    def damage(self) -> list[str]:
        """What is wrong with the files of this run, in words; all of them are looked at, the training's own aside."""
        found = [problem for name in ("model", "pretrained") if (problem := self._problem_of(name))]
        if self.problem:
            return [self.problem]
        with suppress(FileNotFoundError):
            try:
                read_record(self.folder / NOTE, "training")
            except Damaged as error:
                found.append(str(error))
        if (self.folder / RESULT).exists():
            try:
                record = self._result()
                for name in WITH_RESULT:
                    if name in record["files"]:
                        check_file(record, self.folder / name)
            except (OSError, ValueError) as error:
                found.append(str(error))
        return found

    def _problem_of(self, name: str) -> str:
        """Why a folder of weights cannot be used; empty where it can."""
        try:
            check_folder(self.folder / name)
        except FileNotFoundError:
            return ""
        except Newer as error:
            raise RunError(f"Run {self.id} cannot go on here: {error}", str(error.file)) from None
        except (OSError, ValueError) as error:
            return f"{name}/{error}"
        return ""

    def check_model(self) -> None:
        """Raises RunError where the trained weights are not what was saved."""
        if problem := self._problem_of("model"):
            raise self.damaged(ValueError(problem), "trains it again where its checkpoints are gone")

    def damaged(self, error: Exception, again: str = "makes it again") -> RunError:
        """The error of a damaged file of this run, which is marked as damaged, so that it can be resumed."""
        with suppress(UpsrError):
            if super().status().state == "done":
                self.write_status(state="damaged", message=f"{error}. Resume the run to make it again.")
        return RunError(f"Run {self.id} is damaged: {error}", str(self.folder), f"`upsr resume {self.id}` {again}.")

    def per_user(self) -> pd.DataFrame:
        """One row per evaluated instance and score: user, target, rank, metrics; those of the references beside."""
        return self._table("per_user")

    def scores(self) -> pd.DataFrame:
        """One row per evaluated instance and candidate: logprob, tokens, unconditional, popularity."""
        return self._table("scores")

    def catalogue_scores(self) -> pd.DataFrame:
        """One row per item of the catalogue of some evaluated instances, of which `scores` has the best alone; empty
        where it has all."""
        name = "catalogue_scores"
        try:
            kept = f"{name}.parquet" in self._result()["files"]  # a lost file is no evaluation without one
        except (OSError, ValueError):
            kept = True  # `_table` says what is wrong
        return self._table(name) if kept else pd.DataFrame()

    def _table(self, name: str) -> pd.DataFrame:
        file = self.folder / f"{name}.parquet"
        if not (self.folder / RESULT).exists():
            raise RunError(f"Run {self.id} has no results yet", str(file), "Wait for its end, or resume it.")
        try:
            return read_table(file, self._result())
        except (OSError, ValueError) as error:
            raise self.damaged(error) from error


def runs_folder() -> Path:
    return stored_in("runs")


def run_folder(spec: RunSpec) -> Path:
    """Where the run of a specification is, or will be."""
    return runs_folder() / spec.digest


def create_run(spec: RunSpec) -> Run:
    """The run of a specification; an existing one is returned as it is.

    Raises RunError where its pre-training would see what it is judged by.
    """
    run = Run(run_folder(spec))
    try:
        read_record(run.folder / SPEC, "run")
    except Newer:
        _ = run.spec  # says so
    except (OSError, ValueError):  # not there yet, or damaged: it is known what it says
        check_pretraining(spec)
        with storing(run.folder):
            run.folder.mkdir(parents=True, exist_ok=True)
            write_record(run.folder / SPEC, "run", {"spec": spec.model_dump(mode="json")})
    return run


def load_run(run_id: str) -> Run:
    """The run with this id or with an id that begins like it. Raises RunError if none or several do."""
    found = [run for run in all_runs() if run_id and run.id.startswith(run_id)]
    if len(found) != 1:
        what = "There is no run" if not found else f"{len(found)} runs begin with"
        raise RunError(f"{what} {run_id!r}", how="See `upsr runs` for their ids.")
    return found[0]


def all_runs() -> list[Run]:
    """All runs, newest first, whether or not they can be read."""
    return [Run(folder) for folder in newest_first(runs_folder(), SPEC)]


def list_runs() -> list[Run]:
    """The runs whose specification can be read, newest first."""
    return [run for run in all_runs() if not run.problem]


def unreadable_runs() -> dict[str, str]:
    """Of the others, by id, why they cannot be read."""
    return {run.id: run.problem for run in all_runs() if run.problem}


def delete_run(run: Run) -> None:
    """Remove a run folder. Raises RunError while it is active."""
    if run.status().active:
        raise RunError(f"Run {run.id} is still {run.status().state}", how="Cancel it first.")
    note(f"run {run.id}: deleted")
    with storing(run.folder):
        # The specification goes first: a kill meanwhile leaves nothing that looks like a run.
        (run.folder / SPEC).unlink(missing_ok=True)
        if run.folder.exists():  # somebody else may have deleted it
            shutil.rmtree(run.folder)
