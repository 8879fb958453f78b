"""An evaluation gives the same bits whoever computes it, also where a worker is lost half-way."""

from functools import partial

import numpy as np
import pytest

from upsr_core.datasets.splits import split
from upsr_core.errors import RunError
from upsr_core.evaluation.candidates import candidates_for
from upsr_core.models.upsr_evaluation import Scored, likelihoods
from upsr_core.parallel import Workers
from upsr_core.runs.pipeline import Reopened
from upsr_core.runs.run import create_run
from upsr_core.runs.spec import plan_run
from upsr_core.runs.user_ranking import load_ranker
from upsr_core.runtime import home
from upsr_core.text.design import parse_design
from workshop.benchmarks.evaluation import bench, kill_half_way


def scored_of(dataset, plm, users: int) -> Scored:
    spec = plan_run(dataset.name, parse_design("title"), str(plm), "zero-shot")
    run = create_run(spec.model_copy(update={"candidates": spec.candidates.model_copy(update={"users": users})}))
    test = candidates_for(dataset, split(dataset, run.spec.split), run.spec.candidates)
    return Scored(load_ranker(run), test, Reopened(str(home()), run.id))


def flat(found) -> np.ndarray:
    return np.concatenate([*found.right, *found.borrowed, found.unconditional])


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
    killed = []
    found = likelihoods(scored, Workers(backend, count=2), partial(kill_half_way, killed))
    assert len(plain.right) == 120 and (flat(found) == flat(plain)).all() and len(killed) == 1


def test_the_benchmark_kills_a_worker_and_compares_the_bits(movies, small_t5):
    scored = scored_of(movies, small_t5, 60)
    found = bench(scored, Workers("loky", count=2), lambda *_: None, lose_worker=True)
    assert found["same_bits"] and found["workers_killed"] == 1 and found["max_abs_diff_transformers"] < 1e-3
    assert [row["users"] for row in found["curve"]] == [15, 30, 60] and found["users_per_second"] > 0
    with pytest.raises(RunError, match="cannot be killed"):
        bench(scored, Workers(), lambda *_: None, lose_worker=True)
