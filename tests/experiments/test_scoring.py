"""An evaluation gives the same bits whoever computes it, also where a worker is lost half-way."""

import numpy as np
import psutil
import pytest

from upsr_core.datasets.splits import split
from upsr_core.evaluation.candidates import candidates_for
from upsr_core.experiments.ranking import load_ranker
from upsr_core.experiments.runs import create_run
from upsr_core.experiments.scoring import Scored, likelihoods
from upsr_core.experiments.spec import plan_run
from upsr_core.shards import Workers
from upsr_core.text.design import parse_design


def scored_of(dataset, plm, users: int) -> Scored:
    spec = plan_run(dataset.name, parse_design("title"), str(plm), "zero-shot")
    run = create_run(spec.model_copy(update={"candidates": spec.candidates.model_copy(update={"users": users})}))
    test = candidates_for(dataset, split(dataset, run.spec.split), run.spec.candidates)
    return Scored(load_ranker(run), test, run)


def flat(found) -> np.ndarray:
    return np.concatenate([*found.right, *found.borrowed, found.unconditional])


def words(process: psutil.Process) -> str:
    """Its command; empty for one that has ended."""
    try:
        return " ".join(process.cmdline())
    except psutil.Error:
        return ""


def killing(at: int, command: str):
    """A progress callback that kills one process of ours, whose command has this word, when `at` shards are done."""
    killed = []

    def report(done, total, what):
        if done == at and not killed:
            ours = psutil.Process().children(recursive=True)
            # The newest first: a supervisor is older than what it supervises.
            found = [child for child in reversed(ours) if command in words(child)]
            found[0].kill()
            killed.append(found[0].pid)

    return report, killed


def test_threads_and_processes_give_the_same_bits(movies, small_t5):
    scored = scored_of(movies, small_t5, 60)
    plain = likelihoods(scored, Workers(count=1), lambda *_: None)
    assert len(plain.right) == 60 and (plain.right[0] != plain.borrowed[0]).any()
    assert (flat(likelihoods(scored, Workers(count=2), lambda *_: None)) == flat(plain)).all()
    assert (flat(likelihoods(scored, Workers("loky", count=2), lambda *_: None)) == flat(plain)).all()


@pytest.mark.parametrize("backend", ["dask", "ray"])
def test_clusters_give_the_same_bits_also_after_a_kill(movies, small_t5, backend):
    pytest.importorskip({"dask": "distributed"}.get(backend, backend), reason="it comes with upsr-studio[cluster]")
    scored = scored_of(movies, small_t5, 120)
    plain = likelihoods(scored, Workers(count=1), lambda *_: None)
    report, killed = killing(len(plain.right) // 16, {"dask": "spawn_main", "ray": "ray::_numbered"}[backend])
    found = likelihoods(scored, Workers(backend, count=2), report)
    assert len(plain.right) == 120 and (flat(found) == flat(plain)).all() and killed
