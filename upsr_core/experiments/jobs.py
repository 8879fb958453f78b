"""Runs as detached processes, one at a time on a machine; they outlive the page and the server that began them."""

import subprocess
import sys
import time
from pathlib import Path

import psutil

from upsr_core.errors import RunError
from upsr_core.experiments.runs import STOP, Run, list_runs
from upsr_core.runtime import Cancelled


def start(run: Run) -> None:
    """Queue a run as a process of its own; also how a cancelled, failed or dead run is resumed.

    Raises RunError while it is queued or running, or when it is done.
    """
    status = run.status()
    if status.active:
        raise RunError(f"Run {run.id} is already {status.state}", how="Wait for it, or cancel it first.")
    if status.state == "done":
        raise RunError(f"Run {run.id} is done", how="Delete it to run the same specification again.")
    enqueue(run)
    with (run.folder / "log.txt").open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "upsr_core", "work", run.id],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            cwd=Path(__file__).resolve().parents[2],
        )
    # A job that dies before its first word must be seen too; its own first word is the same.
    claim(run, process.pid)


resume = start


def enqueue(run: Run) -> None:
    """Take a place in the queue."""
    (run.folder / STOP).unlink(missing_ok=True)
    run.write_status(
        state="queued", phase="waiting", step=0, total=0, seconds_left=None, message="", queued=time.time(),
        started=None, finished=None, pid=None, process_created=None,
    )  # fmt: skip


def claim(run: Run, pid: int) -> None:
    """Say which process works on a run."""
    try:
        run.write_status(pid=pid, process_created=psutil.Process(pid).create_time())
    except psutil.NoSuchProcess:
        run.write_status(pid=pid, process_created=0)


def cancel(run: Run) -> None:
    """Ask a run to stop; it saves a checkpoint first, so that it can be resumed."""
    if run.status().active:
        (run.folder / STOP).touch()


def check_cancelled(run: Run) -> None:
    """Raise Cancelled where the user asked this run to stop."""
    if (run.folder / STOP).exists():
        raise Cancelled


def wait_for_turn(run: Run) -> None:
    """Block until no earlier run of this machine is queued or running. Raises Cancelled."""
    while True:
        check_cancelled(run)
        mine = run.status()
        ahead = [
            other
            for other in list_runs()
            if other.id != run.id
            and (status := other.status()).active
            and (status.state != "queued" or (status.queued, other.id) < (mine.queued, run.id))
        ]
        if not ahead:
            return
        run.write_status(message=f"Waiting for {len(ahead)} earlier run{'s' if len(ahead) > 1 else ''}.")
        time.sleep(0.5)
