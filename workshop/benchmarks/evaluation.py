"""The benchmark of evaluation: users a second in shards, in one process on one core, and by plain transformers."""

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from functools import partial

import numpy as np
import psutil

from upsr_core.errors import RunError
from upsr_core.models.upsr_evaluation import USERS, Likelihoods, Scored, likelihoods
from upsr_core.parallel import Workers
from upsr_core.runtime import Progress
from workshop.benchmarks.transformers_rivals import encode_once

BATCH = 32  # candidates at a time in transformers
RIVAL_USERS = 8  # it costs the same for every user
WORKERS = ("ray::", "spawn_main", "popen_loky")  # in the command of a worker of Ray, of Dask, of loky
SIZES = (0.25, 0.5, 1.0)  # of the users, for the growth curve


def bench(scored: Scored, workers: Workers, progress: Progress, lose_worker: bool = False) -> dict:
    """Users a second of the same evaluation, right and borrowed histories, with `workers` and otherwise.

    `ratio_plain` is against one core of this process, `ratio_transformers` against transformers, which encodes each
    history once and scores its candidates in batches. `same_bits` says that `workers` gave what the one core did;
    `growth_exponent` is the slope of time over users, in logarithms. Opening a cluster counts. With `lose_worker` the
    busiest worker process is killed half-way through all users: `workers_killed`. Raises RunError where there is none.
    """
    if lose_worker and workers.here:
        raise RunError("Threads cannot be killed one by one", how="Choose the backend loky, dask or ray.")
    curve, killed = list[dict[str, float]](), list[int]()
    for share in SIZES:
        part = _first(scored, max(USERS, int(share * len(scored.test))))
        progress(len(curve), len(SIZES) + 1, "evaluated: sizes")
        follow = partial(kill_half_way, killed) if lose_worker and share == SIZES[-1] else lambda *_: None
        seconds, found = _timed(lambda part=part, follow=follow: likelihoods(part, workers, follow))
        curve.append({"users": len(part.test), "seconds": seconds})
    plain, alone = _timed(lambda: likelihoods(scored, Workers(count=1), lambda *_: None))
    progress(len(SIZES), len(SIZES) + 1, "evaluated: transformers")
    theirs, distance = _transformers(scored, alone)
    count = len(scored.test)
    users, times = (np.array([row[name] for row in curve]) for name in ("users", "seconds"))
    return {
        "users": count,
        "backend": workers.backend,
        "workers_killed": len(killed),
        "users_per_second": count / times[-1],
        "users_per_second_plain": count / plain,
        "users_per_second_transformers": theirs,
        "ratio_plain": plain / float(times[-1]),
        "ratio_transformers": count / float(times[-1]) / theirs,
        "same_bits": bool((_flat(found) == _flat(alone)).all()),
        "max_abs_diff_transformers": distance,
        "growth_exponent": float(np.polyfit(np.log(users), np.log(times), 1)[0]) if len(set(users)) > 1 else None,
        "curve": curve,
    }


def _first(scored: Scored, count: int) -> Scored:
    """The first users of an evaluation; in other processes they are those of the whole one, so are the shards."""
    test = scored.test
    negatives = None if test.negatives is None else test.negatives[:count]
    return Scored(scored.ranker, replace(test, instances=test.instances[:count], negatives=negatives), scored.reopen)


def _transformers(scored: Scored, alone: Likelihoods) -> tuple[float, float]:
    """Users a second of transformers, and its largest difference from ours per text, in nats."""
    ranker, test = scored.ranker, scored.test
    sentinel, users, worst = ranker.builder.tokenizer.sentinels[0], min(RIVAL_USERS, len(test)), 0.0
    began = time.perf_counter()
    for row in range(users):
        texts = [ranker.texts.ids_of(item) for item in test.items(row)]
        for whose, ours in ((test, alone.right), (scored.borrowed, alone.borrowed)):
            sequence = ranker.builder.ranking(whose.history(row)).ids
            found = encode_once(ranker.scorer.model, sequence, texts, sentinel, BATCH)
            worst = max(worst, float(np.abs(found - ours[row]).max()))
    return users / (time.perf_counter() - began), worst


def kill_half_way(killed: list[int], done: float, total: float, _: str) -> None:
    """Kill the worker process that has worked most, once half of the shards are done; its id is added to `killed`."""
    if killed or done < total / 2:
        return
    workers = {}
    for process in psutil.Process().children(recursive=True):
        with suppress(psutil.Error):  # it has ended meanwhile
            if any(mark in " ".join(process.cmdline()) for mark in WORKERS):
                workers[process] = process.cpu_times().user
    if not workers:
        raise RunError("No worker process was found on this machine", how="Leave --lose-worker out.")
    busiest = max(workers, key=lambda process: workers[process])
    busiest.kill()
    killed.append(busiest.pid)


def _flat(found: Likelihoods) -> np.ndarray:
    return np.concatenate([*found.right, *found.borrowed, found.unconditional])


def _timed(function: Callable) -> tuple[float, Likelihoods]:
    began = time.perf_counter()
    found = function()
    return time.perf_counter() - began, found
