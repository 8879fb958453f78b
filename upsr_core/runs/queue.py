"""Runs as detached processes, one at a time on a machine; they outlive the page and the server that began them."""

import os
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from filelock import FileLock

from upsr_core.errors import RunError, system_error
from upsr_core.logs import note
from upsr_core.runs.run import Run, all_runs
from upsr_core.runs.status import STOP, Job, mark_of
from upsr_core.runtime import Cancelled, Progress, home

NICE = 10  # of a job: a tenth of what a page gets where both want the processor
MOST_NICE = 19
BEGINNING, WAIT = ".begin.lock", 30  # held for a moment by whoever begins a job; seconds


def start(job: Job, processes: int = 1, options: Sequence[str] = ()) -> None:
    """Begin a job as a process of its own; also how a cancelled, failed or dead one is resumed.

    With several `processes`, torchrun starts them on this machine and ends all of them where one is lost. `options`
    are those of the job's command. Raises RunError while it is queued or running, or when it is done.
    """
    way, name = niceness(), type(job).__name__
    if job.status().state == "done":
        raise RunError(f"{name} {job.id} is done", how="Delete it to do the same again.")
    enqueue(job)
    environment = dict(os.environ)
    launcher = []
    if processes > 1:
        launcher = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", str(processes)]
        environment.setdefault("OMP_NUM_THREADS", str(max(1, (os.cpu_count() or 1) // processes)))
    with _log_of(job) as log:
        process = subprocess.Popen(
            [sys.executable, *launcher, "-m", "upsr_core", *job.command, job.id, *options],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            env=environment,
        )
    _give_way(process.pid, way)
    note(f"{job.title_for_log}: given to process {process.pid}")
    # A job that dies before its first word must be seen too; its own first word is the same.
    claim(job, process.pid)


resume = start


def niceness() -> int:
    """How far jobs give way, from 0 for not at all to 19: `UPSR_NICE`. Raises RunError where it is anything else."""
    text = os.environ.get("UPSR_NICE") or str(NICE)
    if text not in map(str, range(MOST_NICE + 1)):
        raise RunError(f"UPSR_NICE is {text!r}", how=f"Set a number from 0 to {MOST_NICE}, or leave it out for {NICE}.")
    return int(text)


def _give_way(pid: int, niceness: int) -> None:
    """Let a job take what people who use the machine leave: pages stay quick beside a training.

    Linux weighs the sessions of one another by `autogroup`, and processes within one by their priority.
    """
    with suppress(OSError, AttributeError):  # it has ended, or there is no such thing here
        os.setpriority(os.PRIO_PROCESS, pid, niceness)
        Path(f"/proc/{pid}/autogroup").write_text(str(niceness))


def _log_of(job: Job):
    try:
        return (job.folder / "log.txt").open("ab")
    except OSError as error:
        raise system_error(error, job.folder) from error


def enqueue(job: Job) -> None:
    """Take a place in the queue; it is this process's, until the one that works on the job claims it.

    So a kill before that is seen at once, and nobody waits for a job that has no process. Raises RunError where it is
    queued or running: of several that begin it at once all but one are told so.
    """
    try:
        with FileLock(home() / BEGINNING, timeout=WAIT):
            status, name = job.status(), type(job).__name__
            if status.active:
                raise RunError(f"{name} {job.id} is already {status.state}", how="Wait for it, or cancel it first.")
            (job.folder / STOP).unlink(missing_ok=True)
            job.write_status(
                state="queued", phase="waiting", step=0, total=0, seconds_left=None, message="", queued=time.time(),
                started=None, finished=None, **mark_of(os.getpid()),
            )  # fmt: skip
    except OSError as error:
        raise system_error(error, job.folder) from error


def claim(job: Job, pid: int) -> None:
    """Say which process works on a job."""
    job.write_status(**mark_of(pid))


def cancel(job: Job) -> None:
    """Ask a job to stop; it saves a checkpoint first, so that it can be resumed."""
    if job.status().active:
        note(f"{job.title_for_log}: asked to stop")
        try:
            (job.folder / STOP).touch()
        except OSError as error:
            raise system_error(error, job.folder) from error


def check_cancelled(job: Job) -> None:
    """Raise Cancelled where the user asked this job to stop."""
    if (job.folder / STOP).exists():
        raise Cancelled


def wait_for_turn(run: Run, also: Progress | None = None) -> None:
    """Block until no earlier run of this machine is queued or running; `also` is told of it. Raises Cancelled."""
    while True:
        check_cancelled(run)
        mine = run.status()
        ahead = [
            other
            for other in all_runs()
            if other.id != run.id
            and (status := other.status()).active
            and (status.state != "queued" or (status.queued, other.id) < (mine.queued, run.id))
        ]
        if not ahead:
            return
        message = f"Waiting for {len(ahead)} earlier run{'s' if len(ahead) > 1 else ''}."
        run.write_status(message=message)
        if also:
            also(0, 0, message)
        time.sleep(0.5)
