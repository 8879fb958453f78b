"""Experiments as detached processes: they outlive the page that began them, and are found again by their folder."""

import json
import subprocess
import sys
import time

import psutil

from upsr_core.errors import RunError
from upsr_core.paper.runner import PaperRun
from upsr_core.runs import queue, status
from upsr_core.runs.run import Run, run_folder
from upsr_core.storage.atomic import storing, write_json

PROCESS, LOG = "process.json", "log.txt"


def start(paper_run: PaperRun) -> None:
    """Work on an experiment in a process of its own; also how one goes on that was cancelled or failed.

    Raises RunError while it is being worked on.
    """
    if working(paper_run):
        raise RunError("This experiment is being worked on already", how="Wait for it, or cancel it first.")
    spec, folder = paper_run.spec, paper_run.folder
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


def process_of(paper_run: PaperRun) -> psutil.Process | None:
    """The living process that works on an experiment; None where there is none."""
    try:
        mark = json.loads((paper_run.folder / PROCESS).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return status.process_of(mark) if isinstance(mark, dict) else None


def working(paper_run: PaperRun) -> bool:
    """Whether a process works on the experiment, or on a run of it."""
    return process_of(paper_run) is not None or bool(_active(paper_run))


def _active(paper_run: PaperRun) -> list[Run]:
    return [run for cell in paper_run.cells() if (run := Run(run_folder(cell.spec))).status().active]


def cancel(paper_run: PaperRun) -> None:
    """Stop an experiment: the run at work saves a checkpoint first; between runs the process ends at once."""
    active = _active(paper_run)
    for run in active:
        queue.cancel(run)
    process = process_of(paper_run)
    if process is not None and not active:
        process.terminate()


def last_words(paper_run: PaperRun) -> str:
    """The last line that the process of an experiment said, where it ended without an outcome."""
    try:
        lines = (paper_run.folder / LOG).read_text(encoding="utf-8", errors="replace").strip().splitlines()
    except OSError:
        return ""
    return lines[-1] if lines else ""
