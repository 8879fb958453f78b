"""Work that falls into shards, on this machine's cores or on a Dask or Ray cluster.

It goes through joblib, except on Ray: its backend for joblib gives nothing back before all is done.

A shard is an argument of an importable function. Its result must depend on the shard alone, so that it does not matter
where it is computed, or how often: a lost worker costs the shards it was at.
"""

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

import joblib

from upsr_core import __version__
from upsr_core.errors import RunError

BACKENDS = ("threads", "loky", "dask", "ray")
EXTRA = "pip install 'upsr-studio[cluster]', here and on every machine of the cluster."
Shard = TypeVar("Shard")
Result = TypeVar("Result")
PATIENCE = 3  # times in a row that workers may be lost before any shard is done


@dataclass(frozen=True)
class Workers:
    """Who computes shards: `backend`, the `address` of a cluster that runs already, and how many work at a time.

    `threads` share this process, `loky` are processes of this machine; `dask` and `ray` start a cluster of `count`
    workers here where no address is given. Without a count, all cores. Raises RunError for what cannot be.
    """

    backend: str = "threads"
    address: str | None = None
    count: int | None = None

    def __post_init__(self) -> None:
        if self.backend not in BACKENDS:
            raise RunError(f"There is no backend {self.backend!r}", how=f"Choose among {', '.join(BACKENDS)}.")
        if self.address and self.backend in ("threads", "loky"):
            raise RunError(f"The backend {self.backend} works on this machine", "it takes no address", "Leave it out.")

    @property
    def here(self) -> bool:
        """Whether the shards are computed in this process."""
        return self.backend == "threads"


def run_shards(
    function: Callable[[Shard], Result],
    shards: Sequence[Shard],
    workers: Workers,
    report: Callable[[int], object] = lambda _: None,
) -> list[Result]:
    """Compute shards, here or elsewhere.

    Parameters
    ----------
    function
        Importable; what it gives for a shard depends on the shard alone.
    shards
        Its arguments.
    workers
        Who computes.
    report
        Called with the number of shards that are done; what it raises stops the work.

    Returns
    -------
    list
        `function(shard)` of every shard, in their order.

    Raises
    ------
    RunError
        The cluster cannot be reached, or workers are lost again and again.
    """
    results: dict[int, Result] = {}
    with _connected(workers) as (compute, lost):
        failures = 0
        while len(results) < len(shards):
            done = len(results)
            try:
                # As they are done: what is done is kept when a worker is lost.
                for number, result in compute(
                    [(function, n, shards[n]) for n in range(len(shards)) if n not in results]
                ):
                    results[number] = result
                    report(len(results))
            except lost as error:
                failures = failures + 1 if len(results) == done else 0
                if failures == PATIENCE:
                    raise RunError(
                        f"Workers of {workers.backend} are lost again and again: {type(error).__name__}",
                        f"{len(results)} of {len(shards)} shards were done",
                        "Memory is what usually ends them: take fewer workers.",
                    ) from error
    return [results[number] for number in range(len(shards))]


def _numbered(function: Callable, number: int, shard) -> tuple[int, object]:
    return number, function(shard)


def _by_joblib(work: list[tuple], **settings) -> Iterator[tuple[int, object]]:
    with joblib.parallel_config(**settings):
        yield from joblib.Parallel(return_as="generator_unordered")(joblib.delayed(_numbered)(*part) for part in work)


@contextmanager
def _connected(workers: Workers):
    """What computes (function, number, shard) in any order, and the errors that mean a lost worker."""
    count = workers.count or os.cpu_count() or 1
    if workers.backend == "threads":
        yield partial(_by_joblib, backend="threading", n_jobs=count), ()
    elif workers.backend == "loky":
        from joblib.externals.loky.process_executor import BrokenProcessPool

        yield partial(_by_joblib, backend="loky", n_jobs=count, inner_max_num_threads=1), BrokenProcessPool
    else:
        with (_dask if workers.backend == "dask" else _ray)(workers, count) as connected:
            yield connected


@contextmanager
def _dask(workers: Workers, count: int):
    try:
        from distributed import Client, LocalCluster
        from distributed.scheduler import KilledWorker
    except ImportError:
        raise RunError("Dask is not installed", how=EXTRA) from None
    cluster = None if workers.address else LocalCluster(n_workers=count, threads_per_worker=1, dashboard_address=None)
    try:
        with _reached(workers, OSError):
            client = Client(workers.address or cluster, timeout=10)
        with client:
            _check_workers(client)
            jobs = workers.count if workers.address and workers.count else -1
            yield partial(_by_joblib, backend="dask", n_jobs=jobs), KilledWorker
    finally:
        if cluster is not None:
            cluster.close()


def _check_workers(client) -> None:
    """Raises RunError where a worker of Dask has another version of this package: it would never answer."""
    try:
        # Written here, so that a worker needs nothing to understand it.
        found = set(client.run(lambda: __import__("upsr_core").__version__).values())
    except ImportError:
        found = {"none"}
    if found - {__version__}:
        raise RunError(
            "A worker of Dask has another version of this package",
            f"{', '.join(sorted(found))} there, {__version__} here",
            "Install the same on every machine of the cluster.",
        )


@contextmanager
def _ray(workers: Workers, count: int):
    try:
        import ray
        from ray.exceptions import WorkerCrashedError
    except ImportError:
        raise RunError("Ray is not installed", how=EXTRA) from None
    with _reached(workers, (ConnectionError, ValueError)):
        here = {"num_cpus": count, "include_dashboard": False}
        ray.init(log_to_driver=False, **({"address": workers.address} if workers.address else here))
    task = ray.remote(max_retries=PATIENCE)(_numbered)

    def compute(work: list[tuple]) -> Iterator[tuple[int, object]]:
        function = ray.put(work[0][0])
        left = [task.remote(function, number, shard) for _, number, shard in work]
        while left:
            ready, left = ray.wait(left)
            yield ray.get(ready[0])

    try:
        yield compute, WorkerCrashedError
    finally:
        ray.shutdown()


@contextmanager
def _reached(workers: Workers, errors):
    try:
        yield
    except errors as error:
        raise RunError(
            f"The {workers.backend} cluster cannot be reached: {type(error).__name__}",
            workers.address or "on this machine",
            "See that its scheduler runs and that the address is the one it printed."
            + " For a Ray that asks for a token, set RAY_AUTH_MODE=token." * (workers.backend == "ray"),
        ) from None
