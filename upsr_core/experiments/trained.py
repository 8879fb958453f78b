"""Trained weights that several runs share: one training, judged with other candidates."""

import os
import shutil

from upsr_core.errors import RunError
from upsr_core.experiments.runs import Run, list_runs
from upsr_core.experiments.spec import RunSpec
from upsr_core.logs import warn
from upsr_core.runtime import write_atomically
from upsr_core.stored import Damaged, check_folder


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
    temporary = run.folder / ".taken"
    shutil.rmtree(temporary, ignore_errors=True)
    try:
        curve = source.curve_file.read_text(encoding="utf-8") if source.curve_file.exists() else None
        shutil.copytree(source.model_folder, temporary, copy_function=_link)
        check_folder(temporary)
    except FileNotFoundError:
        if not any(temporary.glob("*")) or not source.model_folder.exists():  # it is being deleted at this moment
            return False  # otherwise an older version saved it, without sums
    except (shutil.Error, Damaged) as error:
        warn(f"run {run.id}: the weights of run {source.id} are not taken, {type(error).__name__}")
        shutil.rmtree(temporary, ignore_errors=True)
        return False
    if curve is not None:
        write_atomically(run.curve_file, curve)
    run.note_training(source.trained_by, source.training_seconds)
    temporary.rename(run.model_folder)
    return True


def _link(source: str, target: str) -> None:
    """A second name of a file, or a copy where the file system knows no second names. A saved model never changes."""
    try:
        os.link(source, target)
    except FileNotFoundError:
        raise
    except OSError:
        shutil.copy2(source, target)
