"""How a command works on a run: here, or in several processes, with a progress bar and one answer."""

import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from upsr_core.cli.terminal import Terminal
from upsr_core.parallel import Workers

if TYPE_CHECKING:
    from upsr_core.runs.results import RunResult
    from upsr_core.runs.run import Run

console = Terminal()

Processes = Annotated[int, typer.Option(min=1, help="Train UPSR in so many processes of this machine.")]
Accumulate = Annotated[int, typer.Option(min=1, help="Parts of a batch one after the other: less memory, same result.")]
Backend = Annotated[str, typer.Option(help="Who scores UPSR's test users: threads, loky, dask or ray.")]
Address = Annotated[
    str | None, typer.Option(help="Of a Dask or Ray cluster that runs; without it, one is started here.")
]
Count = Annotated[int | None, typer.Option("--workers", min=1, help="How many score at a time; all cores without it.")]


@dataclass(frozen=True)
class Working:
    """With whom a run is worked on: processes that train, parts of a batch in each, and who scores test users."""

    processes: int
    accumulation: int
    workers: Workers

    @property
    def options(self) -> tuple[str, ...]:
        """Those of `upsr work` that say the same."""
        pairs = {
            "--accumulate": self.accumulation, "--backend": self.workers.backend, "--address": self.workers.address,
            "--workers": self.workers.count,
        }  # fmt: skip
        return tuple(word for name, value in pairs.items() if value for word in (name, str(value)))


def train_with_first(accumulation: int) -> bool:
    """In all processes but the first of several: train the runs that the first announces. False in the first."""
    from upsr_core.training import distributed

    distributed.connect()
    if distributed.first():
        return False
    from upsr_core.runs.run import load_run
    from upsr_core.runs.worker import work_on

    for run_id in distributed.broadcast(list[str]()):
        work_on(load_run(run_id), accumulation=accumulation)
    return True


def announce(runs: list["Run"]) -> None:
    """Tell the other processes, where there are any, which runs they train with this one, in order."""
    from upsr_core.training import distributed

    distributed.broadcast([run.id for run in runs])


def finish(run: "Run", by: Working) -> "RunResult":
    """Queue a run and work on it to its result: in this process, in those that torchrun started, or in new ones.

    Raises RunError where the run is active already, was cancelled, or failed.
    """
    return _in_processes(run, by) if by.processes > 1 else _here(run, by)


def _here(run: "Run", by: Working) -> "RunResult":
    from upsr_core.runs.queue import enqueue
    from upsr_core.runs.worker import work_on

    _check_idle(run)
    enqueue(run)
    with _bar() as advance:
        result = work_on(run, advance, by.accumulation, by.workers)
    return _result(run, result)


def _in_processes(run: "Run", by: Working) -> "RunResult":
    from upsr_core.errors import RunError
    from upsr_core.runs import queue

    _check_idle(run)
    if not run.spec.kind.splits_training:
        raise RunError(
            f"The training of {run.spec.kind.title} cannot be split over processes",
            "only UPSR's batches can be split",
            "Leave --processes out: it is small.",
        )
    queue.start(run, by.processes, by.options)
    try:
        with _bar() as advance:
            while (status := run.status()).active:
                advance(status.step, status.total, status.message or status.phase)
                time.sleep(0.3)
    except KeyboardInterrupt:
        queue.cancel(run)
        raise
    if status.state in ("failed", "died"):
        raise RunError(f"Run {run.id} {status.state}: {status.message}", how=f"`upsr resume {run.id}` goes on with it.")
    return _result(run, run.result() if status.state == "done" else None)


def _check_idle(run: "Run") -> None:
    from upsr_core.errors import RunError

    if run.status().active:
        raise RunError(f"Run {run.id} is already {run.status().state}", how="See `upsr runs`.")


def _result(run: "Run", result: "RunResult | None") -> "RunResult":
    from upsr_core.errors import RunError

    if result is None:
        raise RunError(f"Run {run.id} was cancelled", how=f"`upsr resume {run.id}` goes on with it.")
    return result


@contextmanager
def _bar():
    """A progress bar; gives the function that moves it."""
    from rich.markup import escape
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console) as bar:
        task, waits = bar.add_task("waiting for its turn", total=None), set()

        def advance(done: float, total: float, phase: str) -> None:
            bar.update(task, completed=done, total=total or None, description=escape(phase))
            if not console.is_terminal and phase.startswith("Waiting") and phase not in waits:  # no bar is drawn there
                waits.add(phase)
                console.print(phase)

        yield advance
