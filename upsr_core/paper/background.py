"""Experiments as detached processes: they outlive the page that began them, and are found again by their folder."""

import json
import subprocess
import sys
import time

import psutil

from upsr_core.errors import RunError
from upsr_core.paper.runner import Study
from upsr_core.runs import queue, status
from upsr_core.runs.run import Run, run_folder
from upsr_core.storage.atomic import storing, write_json

PROCESS, LOG = "process.json", "log.txt"


def start(study: Study) -> None:
    """Work on an experiment in a process of its own; also how one goes on that was cancelled or failed.

    Raises RunError while it is being worked on.
    """
    if working(study):
        raise RunError("This experiment is being worked on already", how="Wait for it, or cancel it first.")
    spec, folder = study.spec, study.folder
    with storing(folder):
        folder.mkdir(parents=True, exist_ok=True)
    arguments = ["experiment", spec.name, "--dataset", ",".join(spec.datasets), "--scale", spec.scale]
    arguments += ["--plm", spec.plm, "--pretrain-on", ",".join(spec.pretrain_on), "--recipe", spec.recipe]
    with (folder / LOG).open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "upsr_core", *arguments],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    write_json(folder / PROCESS, {**status.mark_of(process.pid), "started": time.time()})


def process_of(study: Study) -> psutil.Process | None:
    """The living process that works on an experiment; None where there is none."""
    try:
        mark = json.loads((study.folder / PROCESS).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return status.process_of(mark) if isinstance(mark, dict) else None


def working(study: Study) -> bool:
    """Whether a process works on the experiment, or on a run of it."""
    return process_of(study) is not None or bool(_active(study))


def _active(study: Study) -> list[Run]:
    return [run for cell in study.cells() if (run := Run(run_folder(cell.spec))).status().active]


def cancel(study: Study) -> None:
    """Stop an experiment: the run at work saves a checkpoint first; between runs the process ends at once."""
    active = _active(study)
    for run in active:
        queue.cancel(run)
    process = process_of(study)
    if process is not None and not active:
        process.terminate()


def last_words(study: Study) -> str:
    """The last line that the process of an experiment said, where it ended without an outcome."""
    try:
        lines = (study.folder / LOG).read_text(encoding="utf-8", errors="replace").strip().splitlines()
    except OSError:
        return ""
    return lines[-1] if lines else ""
