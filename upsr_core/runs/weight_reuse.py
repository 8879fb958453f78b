"""Weights that several runs share: one training, judged with other candidates; one pre-training, before several."""

import os
import shutil
from pathlib import Path

from upsr_core.errors import RunError
from upsr_core.logs import note, warn
from upsr_core.models.base import PRETRAINING
from upsr_core.runs.run import Run, list_runs
from upsr_core.runs.spec import RunSpec
from upsr_core.storage.atomic import write_atomically
from upsr_core.storage.records import Damaged, check_folder


def trained_run(spec: RunSpec) -> Run | None:
    """A run whose weights are those of this specification's training, itself included; None where there is none."""
    if not spec.trains:
        return None
    return next((run for run in list_runs() if _same_training(run, spec)), None)


def _same_training(run: Run, spec: RunSpec) -> bool:
    try:
        return run.model_folder.exists() and run.spec.training_digest == spec.training_digest
    except RunError:  # a run whose specification cannot be read offers nothing; its own page says what is wrong
        return False


def take_weights(run: Run) -> bool:
    """Give a run the weights and the learning curve of another run of the same training; False where none has them.

    The files are linked, so that they take no room twice and stay when the other run is deleted.
    """
    source = trained_run(run.spec)
    if source is None:
        return False
    try:
        curve = source.curve_file.read_text(encoding="utf-8") if source.curve_file.exists() else None
    except FileNotFoundError:  # it is being deleted at this moment
        return False
    temporary = _taken(run, source, source.model_folder)
    if temporary is None:
        return False
    if curve is not None:
        write_atomically(run.curve_file, curve)
    run.note_training(source.trained_by or source.id, source.training_seconds)
    temporary.rename(run.model_folder)
    return True


def pretrained_run(spec: RunSpec) -> Run | None:
    """A run that has gone through this specification's pre-training, itself included; None where there is none."""
    if spec.pretraining_digest is None:
        return None
    return next((run for run in list_runs() if _same_pretraining(run, spec)), None)


def _same_pretraining(run: Run, spec: RunSpec) -> bool:
    try:
        noted = (run.pretrained_folder / PRETRAINING).exists()
        return noted and run.spec.pretraining_digest == spec.pretraining_digest
    except RunError:
        return False


def take_pretraining(run: Run) -> None:
    """Give a run what another run's pre-training left, where it is the same and this run has not done it."""
    source = None if run.pretrained_folder.exists() else pretrained_run(run.spec)
    if source and (temporary := _taken(run, source, source.pretrained_folder)):
        temporary.rename(run.pretrained_folder)
        note(f"run {run.id}: has the pre-training of run {source.id}, which is the same")


def _taken(run: Run, source: Run, folder: Path) -> Path | None:
    """A folder of weights of another run, linked into this one under a passing name; None where it is not whole."""
    temporary = run.folder / ".taken"
    shutil.rmtree(temporary, ignore_errors=True)
    try:
        shutil.copytree(folder, temporary, copy_function=_link)
        check_folder(temporary)
    except FileNotFoundError:  # it is being deleted at this moment
        return None
    except (shutil.Error, Damaged) as error:
        warn(f"run {run.id}: the weights of run {source.id} are not taken, {type(error).__name__}")
        shutil.rmtree(temporary, ignore_errors=True)
        return None
    return temporary


def _link(source: str, target: str) -> None:
    """A second name of a file, or a copy where the file system knows no second names. A saved model never changes."""
    try:
        os.link(source, target)
    except FileNotFoundError:
        raise
    except OSError:
        shutil.copy2(source, target)
