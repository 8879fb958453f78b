"""Shards give the same wherever they are computed, and a lost worker costs what it was at."""

import os
import re
import signal
from functools import partial
from pathlib import Path

import numpy as np
import pytest

import upsr_core
from upsr_core.errors import RunError
from upsr_core.parallel import Workers, run_shards
from upsr_core.runtime import Cancelled

SHARDS = list(range(12))


def norm(shard: int) -> float:
    return float(np.random.default_rng(shard).normal(size=1000).sum())


def norm_unless_killed(shard: int, folder: str) -> float:
    """Half-way the first worker that comes here is killed; every computation leaves a line."""
    with (Path(folder) / "computed").open("a") as lines:
        lines.write(f"{shard}\n")
    if shard == 6:
        try:
            (Path(folder) / "killed").touch(exist_ok=False)
        except FileExistsError:
            pass
        else:
            os.kill(os.getpid(), signal.SIGKILL)
    return norm(shard)


def backends():
    yield pytest.param("loky")
    for name, module in (("dask", "distributed"), ("ray", "ray")):
        skipped = pytest.mark.skipif(not _installed(module), reason=f"{module} comes with upsr-studio[cluster]")
        yield pytest.param(name, marks=skipped)


def _installed(module: str) -> bool:
    from importlib.util import find_spec

    return find_spec(module) is not None


@pytest.mark.parametrize("backend", list(backends()))
def test_a_killed_worker_loses_nothing(backend, tmp_path):
    done = []
    work = partial(norm_unless_killed, folder=str(tmp_path))
    assert run_shards(work, SHARDS, Workers(backend, count=2), done.append) == [norm(shard) for shard in SHARDS]
    assert done == list(range(1, 13))
    computed = (tmp_path / "computed").read_text().split()
    assert (tmp_path / "killed").exists() and len(computed) < 2 * len(SHARDS), "what was done was not done again"


def test_threads_keep_the_order_and_pass_errors_on():
    assert run_shards(norm, SHARDS, Workers(count=3)) == [norm(shard) for shard in SHARDS]
    with pytest.raises(ZeroDivisionError):
        run_shards(lambda shard: 1 / (shard - 5), SHARDS, Workers())

    def stop(done):
        raise Cancelled

    with pytest.raises(Cancelled):
        run_shards(norm, SHARDS, Workers(), stop)


def always_killed(shard: int):
    os.kill(os.getpid(), signal.SIGKILL)


def test_workers_that_always_die_are_given_up():
    with pytest.raises(RunError, match="again and again"):
        run_shards(always_killed, SHARDS[:3], Workers("loky", count=2))


def test_what_cannot_be_is_said():
    with pytest.raises(RunError, match="no backend 'spark'"):
        Workers("spark")
    with pytest.raises(RunError, match="takes no address"):
        Workers("loky", "tcp://127.0.0.1:8786")


@pytest.mark.skipif(not _installed("distributed"), reason="distributed comes with upsr-studio[cluster]")
def test_a_cluster_that_is_not_there_is_said():
    with pytest.raises(RunError, match="cannot be reached"):
        run_shards(norm, SHARDS, Workers("dask", "tcp://127.0.0.1:1"))


@pytest.mark.skipif(not _installed("distributed"), reason="distributed comes with upsr-studio[cluster]")
def test_workers_with_another_version_are_refused(monkeypatch):
    monkeypatch.setattr("upsr_core.parallel.__version__", "9.9")
    with pytest.raises(RunError, match=rf"{re.escape(upsr_core.__version__)} there, 9\.9 here"):
        run_shards(norm, SHARDS, Workers("dask", count=1))
