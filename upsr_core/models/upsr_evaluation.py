"""The likelihoods of all candidates of an evaluation, in shards that give the same wherever they are computed."""

from threading import Lock
from typing import NamedTuple

import numpy as np
import pandas as pd

from upsr_core.evaluation.borrowed import own_and_borrowed
from upsr_core.evaluation.candidates import Candidates
from upsr_core.evaluation.metrics import rank_table
from upsr_core.likelihood.scores import SCORES, ScoreSpec
from upsr_core.models.base import Evaluated, Reopen
from upsr_core.models.upsr_ranker import UpsrRanker
from upsr_core.parallel import Workers, run_shards
from upsr_core.runtime import Progress, keep_threads

USERS, TEXTS = 8, 500  # of a shard: seconds of work with the embedded model; and what a lost worker costs
_OPENING = Lock()


class Scored:
    """A ranker with the candidates that it scores. It travels as `reopen` and is opened where it arrives.

    There the stored datasets and runs must be at the same place. Without `reopen` it stays in its process.
    """

    def __init__(self, ranker: UpsrRanker, test: Candidates, reopen: Reopen | None = None):
        self.ranker, self.test, self.reopen = ranker, test, reopen
        self.own, self.borrowed = own_and_borrowed(test)

    def __reduce__(self):
        return _opened, (self.reopen,)


def _opened(reopen: Reopen) -> Scored:
    with _OPENING:  # a worker with several threads opens it once
        if reopen not in _OPEN:
            ranker, test = reopen()
            assert isinstance(ranker, UpsrRanker)
            _OPEN.clear()
            _OPEN[reopen] = Scored(ranker, test, reopen)
        return _OPEN[reopen]


_OPEN: dict[Reopen, Scored] = {}


def evaluated(scored: Scored, workers: Workers, progress: Progress) -> Evaluated:
    """Ranks by every named score, with the right and with a borrowed history.

    Returns
    -------
    Evaluated
        `candidates` has one row per instance and candidate, target first: row, item, target (bool), logprob (sum over
        the text's tokens given the history), borrowed (the same given another user's history), unconditional (given
        an empty one) and tokens.
    """
    test, count = scored.test, len(scored.test)
    items = [test.items(row) for row in range(count)]
    found = likelihoods(scored, workers, progress)
    lengths = [len(part) for part in items]
    flat, cuts = np.concatenate(items), np.cumsum(lengths)[:-1]
    first = np.zeros(len(flat), dtype=bool)
    first[np.concatenate([[0], cuts])] = True
    right, borrowed = np.concatenate(found.right), np.concatenate(found.borrowed)
    unconditional = found.unconditional[np.searchsorted(found.items, flat)]
    known = scored.ranker.tokens[flat], unconditional, scored.ranker.prior[flat]

    in_neither = [scored.own.stays(row, ranked) for row, ranked in enumerate(items)]

    def ranks(sums: np.ndarray, shared: bool) -> dict[str, pd.DataFrame]:
        found = {name: np.split(ScoreSpec(name=name).apply(sums, *known), cuts) for name in SCORES}
        if shared:
            found = {name: [v[kept] for v, kept in zip(each, in_neither, strict=True)] for name, each in found.items()}
        return {name: rank_table(values) for name, values in found.items()}

    table = pd.DataFrame({"row": np.repeat(np.arange(count), lengths), "item": flat, "target": first})
    table = table.assign(logprob=right, borrowed=borrowed, unconditional=unconditional, tokens=known[0])
    frames = ranks(right, False), ranks(right, True), ranks(borrowed, True)
    return Evaluated(*frames, table, {"identical_texts": scored.ranker.texts.identical()})


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
    shards: list[range | np.ndarray] = [*users, *texts]
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
        ranker = ranker.with_model(ranker.model)
        if isinstance(shard, np.ndarray):
            return ranker.unconditional(shard)
        right = [test.history(row) for row in shard]
        wrong = [self.scored.borrowed.history(row) for row in shard]  # of all candidates, though not all are judged
        items = [test.items(row) for row in shard]
        found = ranker.log_likelihoods(right + wrong, (items + items).__getitem__)
        return found[: len(shard)], found[len(shard) :]
