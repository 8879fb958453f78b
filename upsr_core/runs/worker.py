"""The process of a run: waits for its turn, works, and keeps the status file true."""

import logging
import os
import time
from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

from upsr_core.errors import RunError, UpsrError
from upsr_core.logs import explained, logged
from upsr_core.parallel import Workers
from upsr_core.runs.queue import check_cancelled, claim, wait_for_turn
from upsr_core.runs.results import RunResult
from upsr_core.runs.run import Run
from upsr_core.runs.status import Job
from upsr_core.runtime import Cancelled, Progress
from upsr_core.training import distributed

Done = TypeVar("Done")
EVERY = 1.0  # seconds between writes of the status


class StatusProgress:
    """A progress callback that writes the status at most once a second, with the time left, and honours Cancel.

    `message` goes into the status with the next write.
    """

    def __init__(self, job: Job, also: Progress | None = None):
        self.job, self.also, self.message = job, also, ""
        self.phase, self.began, self.first, self.written = "", 0.0, 0.0, 0.0

    def __call__(self, done: float, total: float, phase: str) -> None:
        now = time.monotonic()
        if phase != self.phase:
            # A resumed phase begins in the middle, so its speed counts from there.
            self.phase, self.began, self.first = phase, now, done
        if now - self.written > EVERY or done >= total:
            worked = done - self.first
            left = (now - self.began) / worked * (total - done) if worked > 0 else None
            self.job.write_status(
                state="running", phase=phase, step=done, total=total, seconds_left=left, message=self.message
            )
            self.written = now
        if self.also:
            self.also(done, total, phase)
        check_cancelled(self.job)


def work_on(
    run: Run, also: Progress | None = None, accumulation: int = 1, workers: Workers | None = None
) -> RunResult | None:
    """Work on a queued run in this process to its end; None where it was cancelled.

    In several processes the first answers for the run, and the others, which return None, train with it. For
    `accumulation` and `workers` see `pipeline.execute`. Raises UpsrError as it came, StorageError for an error of the
    system, UnexpectedError for what nobody foresaw. The status says each.
    """
    distributed.connect()
    if not distributed.first():
        from upsr_core.runs.pipeline import execute

        with suppress(Cancelled):
            return execute(run, lambda *_: None, accumulation, Workers())
        return None

    def do(progress: Progress) -> RunResult:
        wait_for_turn(run, also)
        run.write_status(state="running", phase="loading", started=time.time(), message="")
        from upsr_core.runs.pipeline import execute

        try:
            result = execute(run, progress, accumulation, workers or Workers())
        except RuntimeError as error:
            if distributed.count() == 1 or "onnection" not in str(error):
                raise
            raise RunError(
                f"One of the {distributed.count()} processes was lost",
                f"{run.folder / 'log.txt'} may say why",
                f"`upsr resume {run.id}` goes on from the last checkpoint.",
            ) from error
        assert result is not None  # this is the first process, which has it
        return result

    return carry_out(run, do, also)


def carry_out(job: Job, do: Callable[[StatusProgress], Done], also: Progress | None = None) -> Done | None:
    """Do the work of a queued job in this process and keep its status true; see `work_on`."""
    logging.basicConfig(level=logging.WARNING)
    try:
        with logged(job.title_for_log):
            claim(job, os.getpid())
            result = do(StatusProgress(job, also))
    except (Cancelled, KeyboardInterrupt):
        _ended(job, "cancelled", "Cancelled. It can be resumed.")
        return None
    except Exception as error:
        known = explained(job.title_for_log, error)
        _ended(job, "failed", str(known))
        if known is error:
            raise
        raise known from error
    job.write_status(state="done", phase="done", finished=time.time(), seconds_left=0, message="")
    return result


def _ended(job: Job, state: str, message: str) -> None:
    """Say how it ended, where anything can be written still; otherwise it is seen that the process is gone."""
    with suppress(UpsrError):
        job.write_status(state=state, finished=time.time(), seconds_left=None, message=message)
