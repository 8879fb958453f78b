"""The likelihoods of all candidates of an evaluation, in shards that give the same wherever they are computed."""

import os
from functools import lru_cache
from threading import Lock
from typing import NamedTuple

import numpy as np

from upsr_core.datasets.splits import split
from upsr_core.evaluation.candidates import Candidates, candidates_for
from upsr_core.evaluation.statistics import other_users
from upsr_core.models.upsr import Upsr
from upsr_core.parallel import Workers, run_shards
from upsr_core.runs.run import Run, load_run
from upsr_core.runs.user_ranking import load_ranker
from upsr_core.runtime import Progress, home, keep_threads

USERS, TEXTS = 8, 500  # of a shard: seconds of work with the embedded model; and what a lost worker costs
_OPENING = Lock()


class Scored:
    """A ranker with the candidates that it scores. It travels as the name of its run and is opened where it arrives.

    There the stored datasets and runs must be at the same place. Without a run it stays in its process.
    """

    def __init__(self, ranker: Upsr, test: Candidates, run: Run | None = None):
        self.ranker, self.test, self.run = ranker, test, run
        self.borrowed = test.with_histories_of(other_users(test.instances.user.to_numpy(), test.spec.seed))

    def __reduce__(self):
        return _opened, (str(home()), self.run.id)


def _opened(folder: str, run_id: str) -> Scored:
    with _OPENING:  # a worker with several threads opens it once
        return _open(folder, run_id)


@lru_cache(maxsize=1)
def _open(folder: str, run_id: str) -> Scored:
    os.environ["UPSR_HOME"] = folder
    run = load_run(run_id)
    dataset = run.spec.dataset.load()
    return Scored(load_ranker(run), candidates_for(dataset, split(dataset, run.spec.split), run.spec.candidates), run)


class Likelihoods(NamedTuple):
    """Sums of log P of texts: of each instance's candidates, with the right and with a borrowed history, and of
    `items`, each once, given an empty one."""

    right: list[np.ndarray]
    borrowed: list[np.ndarray]
    items: np.ndarray
    unconditional: np.ndarray


def likelihoods(scored: Scored, workers: Workers, progress: Progress) -> Likelihoods:
    """All that the metrics and gaps of an evaluation follow from; the same bits with all `workers`."""
    count = len(scored.test)
    ranked = [scored.test.items(row) for row in range(count)]
    items = np.unique(np.concatenate(ranked))
    # Neighbours in the trie share their beginnings.
    order = items[np.argsort(scored.ranker.scorer.trie.terminal[items], kind="stable")]
    texts = [order[start : start + TEXTS] for start in range(0, len(order), TEXTS)]
    users = [range(start, min(start + USERS, count)) for start in range(0, count, USERS)]
    shards = [*users, *texts]
    work = _Shard(scored)
    if workers.here and scored.ranker.scorer.model.device.type != "cpu":
        workers = Workers(count=1)  # one after the other on one device
    with keep_threads():
        found = run_shards(work, shards, workers, lambda done: progress(done, len(shards), "evaluating"))
    right, borrowed = ([row for part in found[: len(users)] for row in part[side]] for side in (0, 1))
    unconditional = np.empty(len(items))
    unconditional[np.searchsorted(items, order)] = np.concatenate(found[len(users) :])
    return Likelihoods(right, borrowed, items, unconditional)


class _Shard:
    """Called with a range of instances: (right, borrowed) log-likelihoods; with items: those given no history."""

    def __init__(self, scored: Scored):
        self.scored = scored

    def __call__(self, shard: range | np.ndarray):
        import torch

        torch.get_num_threads()  # at a thread's first question torch sets its number; it must not do so later
        torch.set_num_threads(1)  # sums of a product are in another order on several cores
        ranker, test = self.scored.ranker, self.scored.test
        ranker = ranker.reading_with(ranker.scorer.model)
        if isinstance(shard, np.ndarray):
            return ranker.unconditional(shard)
        right = [test.history(row) for row in shard]
        wrong = [self.scored.borrowed.history(row) for row in shard]
        items = [test.items(row) for row in shard]
        found = ranker.log_likelihoods(right + wrong, (items + items).__getitem__)
        return found[: len(shard)], found[len(shard) :]
