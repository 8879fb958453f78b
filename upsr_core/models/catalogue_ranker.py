"""Rankers that score their whole catalogue at once, for less than most candidates one by one would cost."""

from abc import abstractmethod
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from upsr_core.evaluation.borrowed import SharedCandidates, own_and_borrowed
from upsr_core.evaluation.candidates import Candidates
from upsr_core.evaluation.metrics import check_numbers, rank_frame
from upsr_core.models.base import Evaluated, InstanceScores, Items, Ranker, Reopen
from upsr_core.models.instance import Instance
from upsr_core.models.spec import SCORE
from upsr_core.parallel import Workers
from upsr_core.runtime import Progress, silent

CHUNK_SCORES = 2**22  # scores held at once by an evaluation over the catalogue: 16 MB in single precision
SAMPLED_SCORES = 2**21  # stored of a sample of instances with every candidate
KEPT = 101  # candidates stored for every instance: all of the sampled modes, the best of the whole catalogue


@dataclass(frozen=True)
class Ranking:
    """What an evaluation gives: metrics per instance, and the best candidates of each with the target among them.

    `metrics` has a row per instance, see `rank_frame`. `candidates` has the columns row, item, score, rank (expected
    rank among all candidates of the instance) and target; at most `keep` rows per instance and the target.

    Where they were asked for: `shared` are metrics among the candidates that are shared with a borrowed history,
    `history_kept` those of mode `full` with the items of the history among the candidates, and `sample` has every
    candidate of some instances (row, item, score).
    """

    metrics: pd.DataFrame
    candidates: pd.DataFrame
    shared: pd.DataFrame
    history_kept: pd.DataFrame
    sample: pd.DataFrame


class CatalogueRanker(Ranker):
    """A ranker that scores its whole catalogue at once.

    `item_count` is the size of the catalogue; `scorable` (item_count,) bool says which items the model can score at
    all. An item that it cannot score has the score -inf: it ranks after all others, tied, and is never guessed.
    """

    item_count: int
    scorable: np.ndarray

    @abstractmethod
    def raw_scores(self, histories: Sequence[np.ndarray]) -> np.ndarray:
        """A fresh array (h, item_count) of scores of every item for every history."""

    def catalogue_scores(self, histories: Sequence[np.ndarray]) -> np.ndarray:
        """Scores (h, item_count) of every item for every history; -inf where the model cannot score an item."""
        scores = self.raw_scores(histories)
        scores[:, ~self.scorable] = -np.inf
        return scores

    def scores(self, histories: Sequence[np.ndarray], items: Items) -> list[np.ndarray]:
        """Scores (c,) of `items(i)` for each history (item indices, oldest first); higher is better."""
        return [
            row[items(start + place)]
            for start, block in self._blocks(histories)
            for place, row in enumerate(self.catalogue_scores(block))
        ]

    def top(self, history: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray, str]:
        """The k best items of the catalogue without those of the history: (items, scores, how they were found)."""
        scores = self.catalogue_scores([history])[0]
        scores[history] = np.nan
        best = _best(scores[None], k)[0]
        best = best[np.isfinite(scores[best])]
        return best, scores[best], f"Exact: all {int(self.scorable.sum()):,} items that this model knows were scored."

    def metrics(self, candidates: Candidates) -> pd.DataFrame:
        return self.rank(candidates, keep=0).metrics

    def metrics_of_both(self, candidates: Candidates, own: SharedCandidates) -> tuple[pd.DataFrame, pd.DataFrame]:
        ranking = self.rank(candidates, keep=0, own=own)
        return ranking.metrics, ranking.shared

    def evaluate(
        self, test: Candidates, progress: Progress, workers: Workers, reopen: Reopen | None = None
    ) -> Evaluated:
        """Ranks with the right and with a borrowed history; `workers` would have nothing to do.

        `Evaluated.candidates` has the columns row, item, score, rank (expected rank among all candidates of the
        instance) and target.
        """
        count = len(test)
        own, borrowed = own_and_borrowed(test)
        right = self.rank(test, KEPT, lambda done: progress(done, 2 * count, "evaluating"), own)
        wrong = self.rank(borrowed, 0, lambda done: progress(count + done, 2 * count, "evaluating"))
        unknown = int((~self.scorable[test.instances.target.to_numpy()]).sum())
        counts = {"unscorable_targets": unknown}
        frames = {SCORE: right.metrics}, {SCORE: right.shared}, {SCORE: wrong.metrics}
        if test.mode != "full":
            return Evaluated(*frames, right.candidates, counts)
        return Evaluated(*frames, right.candidates, counts, right.history_kept, right.sample)

    def read(self, instances: Sequence[Instance], progress: Progress = silent) -> list[InstanceScores]:
        """Items count by their number: edited texts mean nothing here."""
        histories = [instance.history.item.to_numpy() for instance in instances]
        result = self.scores(histories, lambda i: instances[i].candidates.item.to_numpy())
        progress(len(instances), len(instances), "reading")
        return [InstanceScores(np.asarray(scores, dtype=np.float64)) for scores in result]

    def rank(
        self,
        candidates: Candidates,
        keep: int,
        report: Callable[[int], object] = lambda _: None,
        own: SharedCandidates | None = None,
    ) -> Ranking:
        """Ranks of all targets in chunks of users, with the `keep` best of each; also among the candidates of `own`.

        Memory is bounded by `CHUNK_SCORES` scores and what is kept. `report` gets the instances done so far.
        """
        targets = candidates.instances.target.to_numpy()
        histories = [candidates.history(row) for row in range(len(candidates))]
        nobody = np.zeros((3, 0), dtype=np.int64)
        counted, shared, whole, kept, sample = [nobody], [nobody], [nobody], [], []
        sampled = self._sampled(candidates) if keep else np.zeros(len(candidates), dtype=bool)
        for start, block in self._blocks(histories):
            rows = np.arange(start, start + len(block))
            scores = self.catalogue_scores(block)
            check_numbers(scores)
            items, targets_at = None, targets[rows]
            if candidates.negatives is not None:
                items = np.concatenate([targets[rows, None], candidates.negatives[rows]], axis=1)
                scores, targets_at = np.take_along_axis(scores, items, axis=1), np.zeros(len(rows), dtype=np.int64)
            elif keep:
                whole.append(_places(scores, targets_at))
            _leave_out(scores, items, rows, candidates)
            counted.append(_places(scores, targets_at))
            if keep:
                better, tied, _ = counted[-1]
                kept.append(_kept(rows, scores, items, targets_at, 1 + better + tied / 2, keep))
                sample.append(_every_candidate(rows[sampled[rows]], scores[sampled[rows]]))
            if own is not None:
                _leave_out(scores, items, rows, own)
                shared.append(_places(scores, targets_at))
            report(start + len(block))
        columns = ["row", "item", "score", "rank", "target"]
        tables = [
            pd.concat(each, ignore_index=True) if each else pd.DataFrame(columns=columns) for each in (kept, sample)
        ]
        metrics, among_shared, with_history = (
            rank_frame(*np.concatenate(each, axis=1)) for each in (counted, shared, whole)
        )
        return Ranking(metrics, tables[0], among_shared, with_history, tables[1])

    def _sampled(self, candidates: Candidates) -> np.ndarray:
        """Of which instances (n,) bool every candidate is stored: of mode `full` a seeded sample, of others none."""
        chosen = np.zeros(len(candidates), dtype=bool)
        if candidates.mode == "full":
            count = min(len(candidates), max(1, SAMPLED_SCORES // self.item_count))
            rng = np.random.default_rng([candidates.spec.seed, 5])
            chosen[rng.choice(len(candidates), count, replace=False)] = True
        return chosen

    def _blocks(self, histories: Sequence[np.ndarray]) -> Iterator[tuple[int, Sequence[np.ndarray]]]:
        size = max(1, CHUNK_SCORES // max(1, self.item_count))
        for start in range(0, len(histories), size):
            yield start, histories[start : start + size]


def _leave_out(scores: np.ndarray, items: np.ndarray | None, rows: np.ndarray, candidates: Candidates) -> None:
    """Make NaN of the scores (n, m) that are not ranked for instances `rows`: neither better nor tied nor kept.

    Columns are the catalogue, or each instance's own `items` (n, m).
    """
    for place, row in enumerate(rows):
        out = candidates.left_out(int(row))
        scores[place, out if items is None else np.isin(items[place], out)] = np.nan


def _every_candidate(rows: np.ndarray, scores: np.ndarray) -> pd.DataFrame:
    at, items = np.nonzero(~np.isnan(scores))
    return pd.DataFrame({"row": rows[at], "item": items, "score": scores[at, items]})


def _places(scores: np.ndarray, targets_at: np.ndarray) -> np.ndarray:
    """How many (3, n) are better than each target, tied with it, and ranked at all."""
    target = scores[np.arange(len(scores)), targets_at][:, None]
    return np.stack([(scores > target).sum(1), (scores == target).sum(1) - 1, (~np.isnan(scores)).sum(1)])


def _best(scores: np.ndarray, k: int) -> np.ndarray:
    """Places (n, k) of the highest scores (n, m) of every row, best first, lower places first in ties; NaN last."""
    keys = -scores
    k = min(k, keys.shape[1])
    places = np.sort(np.argpartition(keys, k - 1, axis=1)[:, :k], axis=1)
    order = np.argsort(np.take_along_axis(keys, places, axis=1), axis=1, kind="stable")
    return np.take_along_axis(places, order, axis=1)


def _kept(rows, scores, items, target_at, target_rank, keep: int) -> pd.DataFrame:
    best = _best(scores, keep)
    places = np.concatenate([best, target_at[:, None]], axis=1)
    chosen = np.take_along_axis(scores, places, axis=1)
    # The target stands at the end unless it is among the best; what is no candidate is dropped.
    wanted = np.concatenate([~np.isnan(chosen[:, :-1]), ~(best == target_at[:, None]).any(1, keepdims=True)], axis=1)
    ranks = pd.DataFrame(chosen[:, :-1]).rank(axis=1, ascending=False, method="average").to_numpy()
    last = np.nanmin(chosen[:, :-1], axis=1, keepdims=True)  # only the last tie may reach beyond what is kept
    better, tied = (chosen[:, :-1] > last).sum(1, keepdims=True), (scores == last).sum(1, keepdims=True)
    ranks = np.where(chosen[:, :-1] == last, 1 + better + (tied - 1) / 2, ranks)
    ranks = np.concatenate([ranks, target_rank[:, None]], axis=1)
    is_target = places == target_at[:, None]
    numbers = places if items is None else np.take_along_axis(items, places, axis=1)
    table = {"row": np.broadcast_to(rows[:, None], places.shape), "item": numbers, "score": chosen}
    table |= {"rank": ranks, "target": is_target}
    return pd.DataFrame({name: values[wanted] for name, values in table.items()})
