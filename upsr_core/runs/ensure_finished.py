"""Runs wanted by their specifications: those that are done are taken as they are, the others are worked on in turn."""

from collections.abc import Callable, Sequence

from upsr_core.errors import RunError, UpsrError
from upsr_core.parallel import Workers
from upsr_core.runs.run import Run, create_run
from upsr_core.runs.spec import RunSpec
from upsr_core.runtime import Progress, silent


def finish(spec: RunSpec, progress: Progress = silent, workers: Workers | None = None) -> Run:
    """The finished run of a specification, worked on in this process unless it is done.

    `workers` score UPSR's test users. Raises RunError while another process works on it or where it was cancelled, and
    whatever its work raises.
    """
    from upsr_core.runs.queue import enqueue
    from upsr_core.runs.worker import work_on

    run = create_run(spec)
    status = run.status()
    if status.state == "done":
        return run
    if status.active:
        raise RunError(f"Run {run.id} is already {status.state}", how="Wait for it, or cancel it first.")
    enqueue(run)
    if work_on(run, progress, workers=workers) is None:
        raise RunError(f"Run {run.id} was cancelled", how="Start again to go on with it.")
    return run


def finish_all(
    specs: Sequence[RunSpec], progress: Progress = silent, failed: Callable[[RunSpec, UpsrError], None] | None = None
) -> list[Run]:
    """The finished runs of all specifications. With `failed` an error of one is told and the others go on."""
    runs = []
    for number, spec in enumerate(specs):
        name = f"run {number + 1} of {len(specs)}"

        def report(done: float, total: float, what: str, name: str = name) -> None:
            progress(done, total, f"{name}: {what}")

        try:
            runs.append(finish(spec, report))
        except UpsrError as error:
            if failed is None:
                raise
            failed(spec, error)
    return runs
