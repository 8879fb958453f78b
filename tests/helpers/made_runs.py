"""Finished runs whose ranks are made, not trained: for tests of what is done with results."""

import time

import numpy as np
import pandas as pd

from upsr_core.datasets.splits import split
from upsr_core.datasets.store import load_dataset
from upsr_core.evaluation.candidates import candidates_for
from upsr_core.evaluation.metrics import rank_frame
from upsr_core.evaluation.verdicts import YES, UsesHistory
from upsr_core.models.base import Evaluated
from upsr_core.runs.results import RunResult, UserDependence, measured, per_user_table
from upsr_core.runs.run import Run, create_run
from upsr_core.runs.spec import plan_run
from upsr_core.runs.text_cuts import text_cuts
from upsr_core.storage.tables import keep_table
from upsr_core.text.design import parse_design


def ranks(better: np.ndarray) -> pd.DataFrame:
    return rank_frame(better, np.zeros(len(better), int), np.full(len(better), 101))


def made_run(better, model="sasrec-ce", seed=0, design=None, **changes) -> Run:
    """A run on sample:movies of which `better(rng, row count)` says how many candidates stand above each target."""
    spec = plan_run(
        "sample:movies", parse_design(design) if design else None, budget="smoke", model=model, seed=seed, mode="uni100"
    ).model_copy(update=changes)
    return made(spec, better)


def made(spec, better) -> Run:
    """The run of a specification with made ranks."""
    run = create_run(spec)
    data = load_dataset(spec.dataset.name)
    parts = split(data, spec.split)
    test = candidates_for(data, parts, spec.candidates)
    rng = np.random.default_rng([spec.seed, len(spec.model.name)])
    # Every user has numbers of its own, so that a sample of users is ranked as all are.
    above = better(rng, len(data.users))[test.instances.user.to_numpy()]
    wrong = ranks(rng.integers(0, 101, len(test)))
    references = {"popularity": ranks(rng.integers(0, 101, len(test))), "random": ranks(np.full(len(test), 50))}
    score = spec.model.own_score
    right = {score: ranks(above)}
    evaluated = Evaluated(right, right, {score: wrong}, pd.DataFrame())
    curve = {"step": [1, 2], "tokens": [1e4, 2e4], "loss": [3.0, 2.0], "ndcg10": [0.1, 0.2]}
    curve |= {"user_dependence": [0.0, 0.1], "low": [-0.1, 0.0], "high": [0.1, 0.2]}
    if spec.trains:
        run.write_curve(pd.DataFrame(curve))
    keep_table(run.folder / "per_user.parquet", per_user_table(evaluated, references, test))
    now = time.time()
    result = RunResult(
        run=run.id, title=run.title, **measured(evaluated, references, test, score),
        taken_before=parts.taken_before["test"], cuts=text_cuts(spec), seconds=1.0, peak_memory_mib=100.0,
        resumed=False, finished=now,
    )  # fmt: skip
    run.write_result(result)
    run.write_status(state="done", phase="done", queued=now - 9, started=now - 8, finished=now)
    return run


def made_result(run, metric: str, value: float, uses_history: UsesHistory) -> RunResult:
    """A result that says no more than one metric, and whether the run uses the history."""
    low = 0.01 if uses_history == YES else -0.01
    gain = UserDependence(mean=0.02, low=low, high=0.05, users=80, deciding=30, metric=metric)
    return RunResult(
        run=run.id, title=run.title, score=run.spec.model.own_score, metrics={metric: value}, intervals={}, gaps={},
        user_dependence=gain, uses_history=uses_history,
        scores={}, references={}, users=8, of_users=8, cold_targets=0, candidates="made", seconds=1.0,
        peak_memory_mib=100.0, resumed=False, finished=time.time(),
    )  # fmt: skip


def uniform(top: int):
    """Targets of rank 1 to `top`, each as often."""
    return lambda rng, count: rng.integers(0, top, count)
