"""Finished runs whose ranks are made, not trained: for tests of what is done with results."""

import time

import numpy as np
import pandas as pd

from upsr_core.datasets.splits import split
from upsr_core.datasets.store import load_dataset
from upsr_core.evaluation.candidates import candidates_for
from upsr_core.evaluation.metrics import rank_frame
from upsr_core.runs.results import Ranked, write_result
from upsr_core.runs.run import Run, create_run
from upsr_core.runs.spec import plan_run
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
    run, seed, model = create_run(spec), spec.seed, spec.model
    data = load_dataset(spec.dataset.name)
    test = candidates_for(data, split(data, spec.split), spec.candidates)
    rng = np.random.default_rng([seed, len(model)])
    # Every user has numbers of its own, so that a sample of users is ranked as all are.
    above = better(rng, len(data.users))[test.instances.user.to_numpy()]
    wrong = ranks(rng.integers(0, 101, len(test)))
    references = {"popularity": ranks(rng.integers(0, 101, len(test))), "random": ranks(np.full(len(test), 50))}
    score = spec.own_score
    ranked = Ranked({score: ranks(above)}, {score: wrong}, references)
    curve = {"step": [1, 2], "tokens": [1e4, 2e4], "loss": [3.0, 2.0], "ndcg10": [0.1, 0.2]}
    curve |= {"user_dependence": [0.0, 0.1], "low": [-0.1, 0.0], "high": [0.1, 0.2]}
    if spec.training is not None:
        run.write_curve(pd.DataFrame(curve))
    write_result(run, ranked, test, 1.0, False, {})
    now = time.time()
    run.write_status(state="done", phase="done", queued=now - 9, started=now - 8, finished=now)
    return run


def uniform(top: int):
    """Targets of rank 1 to `top`, each as often."""
    return lambda rng, count: rng.integers(0, top, count)
