"""Exact top-k and exact rank over many candidates without scoring all of them: best-first search with bounds.

Log-probabilities are at most 0, so no text below a prefix can have a higher mean than the prefix's sum divided by the
longest text below it. Prefixes whose bound is too low are never fed to the decoder.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from upsr_core.likelihood.candidate_scorer import CandidateScorer
from upsr_core.likelihood.t5_layers import PrefixStore, T5Layers
from upsr_core.likelihood.trie import SENTINEL
from upsr_core.likelihood.trie_batches import Rows, Tree

PIECE = 8  # tokens of an unbranched stretch that are fed before its bound is looked at again
PIECES = 64  # stretches a round; more make larger products, and feed more that a better bound would have spared
# Bounds do not pay where, after this share of all rows, fewer than half of the texts are scored or ruled out.
PATIENCE = 0.15
SLACK = 1e-6  # rounding of a mean log-probability


@dataclass(frozen=True)
class SearchCost:
    """`rows` decoder rows were fed of `of` that scoring all candidates feeds; `plain` texts were scored plainly."""

    rows: int
    of: int
    plain: int

    @property
    def note(self) -> str:
        """How the result was found, for the screen."""
        share = f"{self.rows:,} of {self.of:,} prefixes"
        if self.plain:
            return f"Exact. Bounds did not pay ({share} searched), so {self.plain:,} texts were scored plainly."
        return f"Exact, by best-first search: {share} were computed."


class CandidateSearch:
    """Searches candidates by the mean log-probability of their texts, the paper's score.

    Made once for a set of candidates and used for many histories.

    Parameters
    ----------
    scorer
        Of the catalogue.
    items : ndarray of int, (c,)
        Item indices of the candidates.
    """

    def __init__(self, scorer: CandidateScorer, items: np.ndarray):
        self.scorer, self.items = scorer, np.asarray(items)
        trie = scorer.trie
        self.tree = Tree.of(trie, np.unique(trie.terminal[self.items]))
        self.nodes = np.union1d(self.tree.fed, self.tree.nodes)
        count = len(self.nodes)
        self.token, self.depth = trie.token[self.nodes], trie.depth[self.nodes]
        self.parent = np.searchsorted(self.nodes, trie.parent[self.nodes])
        self.parent[0] = -1
        self.text = np.searchsorted(self.nodes, self.tree.terminals)  # where texts end
        self.text_of = np.searchsorted(self.nodes, trie.terminal[self.items])
        self.length = np.zeros(count, dtype=np.int64)
        self.length[self.text] = trie.lengths(self.tree.terminals)
        self.fed = np.zeros(count, dtype=bool)
        self.fed[np.searchsorted(self.nodes, self.tree.fed)] = True
        self.longest = self.length.copy()
        by_depth = np.argsort(-self.depth, kind="stable")
        for level in np.split(by_depth, np.flatnonzero(np.diff(self.depth[by_depth])) + 1)[:-1]:
            np.maximum.at(self.longest, self.parent[level], self.longest[level])
        end = np.searchsorted(self.nodes, trie.end[self.nodes])
        self.texts_below = np.searchsorted(self.text, end) - np.searchsorted(self.text, np.arange(count))
        # Children of node i: child[first_child[i] : first_child[i + 1]].
        self.child = np.argsort(self.parent, kind="stable")[1:]
        self.first_child = np.searchsorted(self.parent[self.child], np.arange(count + 1))
        # The only child that is fed, of nodes that have exactly one.
        fed_children = np.bincount(self.parent[1:][self.fed[1:]], minlength=count)
        self.next = np.full(count, -1)
        followers = 1 + np.flatnonzero(self.fed[1:] & (fed_children[self.parent[1:]] == 1))
        self.next[self.parent[followers]] = followers

    def top(
        self, sequence: np.ndarray, k: int, without: Sequence[int] | np.ndarray = ()
    ) -> tuple[np.ndarray, np.ndarray, SearchCost]:
        """The k best candidates for an encoded history, exactly.

        Parameters
        ----------
        sequence : ndarray of int, (s,)
            See `SequenceBuilder.ranking`.
        k
            How many.
        without
            Items that are passed over, those of the history, say.

        Returns
        -------
        items : ndarray of int, at most (k,)
            The best first; equal scores are in the order of the items.
        scores : ndarray of float64
            Mean log-probabilities of their texts' tokens, in nats.
        cost : SearchCost
            How much had to be computed.
        """
        chosen = ~np.isin(self.items, without)
        weight = np.bincount(self.text_of[chosen], minlength=len(self.nodes))
        state = _Search(self, sequence, weight)
        while state.step(state.best_of(k), PIECES):
            pass
        score = state.scores()[self.text_of]
        order = np.lexsort([self.items, -score, ~chosen])[: min(k, int(chosen.sum()))]
        return self.items[order], score[order], state.cost()

    def rank(self, sequence: np.ndarray, target: int) -> tuple[int, int, SearchCost]:
        """Where an item stands among the candidates, exactly.

        Returns
        -------
        better, tied : int
            Candidates with a higher score, and others with the same text.
        cost : SearchCost
            How much had to be computed.

        Raises
        ------
        ValueError
            The target is no candidate.
        """
        found = np.flatnonzero(self.items == target)
        if not len(found):
            raise ValueError(f"item {target} is not among the candidates")
        end = self.text_of[found[0]]
        state = _Search(self, sequence, np.bincount(self.text_of, minlength=len(self.nodes)))
        state.feed([self._path(end)])
        threshold = state.sums[end] / self.length[end]
        while state.step(threshold, 8 * PIECES):
            pass
        score = state.scores()[self.text_of]
        same = self.text_of == end
        return int((score[~same] > threshold).sum()), int(same.sum()) - 1, state.cost()

    def _path(self, node: int) -> np.ndarray:
        """The prefixes of a text, from the decoder's start."""
        path = []
        while (node := self.parent[node]) >= 0:
            path.append(node)
        return np.array(path[::-1])


class _Search:
    """One search: which prefixes are fed, the sums so far, and the frontier."""

    def __init__(self, of: CandidateSearch, sequence: np.ndarray, weight: np.ndarray):
        self.of, self.weight = of, weight
        self.layers = T5Layers(of.scorer.model)
        with torch.inference_mode():
            self.memory = self.layers.memory(self.layers.encode([sequence])[0])
        self.store = PrefixStore(self.layers)
        self.most_rows = of.scorer.budget // self.store.row_bytes
        self.row = np.full(len(of.nodes), -1)
        self.sums = np.full(len(of.nodes), -np.inf)
        self.sums[0] = 0.0
        self.frontier = np.array([0])
        self.found: list[np.ndarray] = []
        self.plain, self.trusted = 0, False

    def best_of(self, k: int) -> float:
        """The k-th best score found so far, minus infinity as long as there are fewer."""
        texts = np.concatenate(self.found) if self.found else np.zeros(0, np.int64)
        order = texts[np.argsort(-self.sums[texts] / self.of.length[texts])]
        enough = np.flatnonzero(np.cumsum(self.weight[order]) >= k)
        return self.sums[order[enough[0]]] / self.of.length[order[enough[0]]] if len(enough) else -np.inf

    def step(self, threshold: float, pieces: int) -> bool:
        """Feed the most promising stretches; False once nothing left can reach the threshold."""
        of = self.of
        bound = self.sums[self.frontier] / np.maximum(1, of.longest[self.frontier])
        hopeful = bound >= threshold - SLACK
        self.frontier, bound = self.frontier[hopeful], bound[hopeful]
        if not len(self.frontier):
            return False
        undecided = of.texts_below[self.frontier].sum()
        self.trusted |= undecided < len(of.text) / 2
        patience = np.inf if self.trusted else PATIENCE * len(of.tree.fed)
        if self.store.count > min(patience, self.most_rows):
            self._score_plainly()
            return False
        order = np.argsort(-bound, kind="stable")[:pieces]
        chosen = self.frontier[order]
        self.frontier = np.delete(self.frontier, order)
        self.feed(self._stretches(chosen))
        return True

    def _stretches(self, starts: np.ndarray) -> list[np.ndarray]:
        columns = [starts]
        for _ in range(PIECE - 1):
            columns.append(np.where(columns[-1] >= 0, self.of.next[columns[-1]], -1))
        return [stretch[stretch >= 0] for stretch in np.stack(columns, axis=1)]

    def feed(self, stretches: list[np.ndarray]) -> None:
        """Feed stretches of prefixes, each a path whose parent was fed before, and score what follows them."""
        of = self.of
        nodes = np.concatenate(stretches)
        self.row[nodes] = self.store.count + np.arange(len(nodes))
        counts = of.first_child[nodes + 1] - of.first_child[nodes]
        source = np.repeat(np.arange(len(nodes)), counts)
        before = np.cumsum(counts) - counts
        children = of.child[np.arange(len(source)) - before[source] + of.first_child[nodes][source]]
        rows = self._rows(stretches, source, of.token[children])
        with torch.inference_mode():
            states = self.layers.decode(rows, [self.memory], self.store)
            values = self.layers.token_log_probs(states, rows.source, rows.target).cpu().numpy().astype(np.float64)
        values[of.depth[children] <= of.depth[SENTINEL]] = 0.0  # the sentinel is given, not scored
        # Parents before children: within a stretch sums follow one another.
        for level in np.unique(of.depth[children]):
            here = of.depth[children] == level
            self.sums[children[here]] = self.sums[of.parent[children[here]]] + values[here]
        self.found.append(children[of.length[children] > 0])
        self.frontier = np.concatenate([self.frontier, children[of.fed[children] & (self.row[children] < 0)]])
        self.frontier = self.frontier[self.row[self.frontier] < 0]

    def _rows(self, stretches: list[np.ndarray], source: np.ndarray, target: np.ndarray) -> Rows:
        of = self.of
        longest = max(map(len, stretches))
        own = np.stack([np.pad(stretch, (0, longest - len(stretch)), constant_values=-1) for stretch in stretches])
        path, level = [], of.parent[own[:, 0]]
        while (level >= 0).any():
            path.append(level)
            level = np.where(level >= 0, of.parent[level], -1)
        keys = np.concatenate([*(column[:, None] for column in reversed(path)), own], axis=1)
        depth = np.where(keys >= 0, of.depth[keys], np.iinfo(np.int32).max)
        # A missing row looks like the last one of its stretch, so that no row is without keys.
        of_row = np.maximum.accumulate(np.where(own >= 0, of.depth[own], 0), axis=1)
        distance = np.maximum(of_row[:, :, None].astype(np.int64) - depth[:, None], -1)
        nodes = own[own >= 0]
        return Rows(
            tokens=of.token[nodes],
            keys=np.where(keys >= 0, self.row[keys], 0),
            distance=distance,
            spans=np.array([0, len(nodes)]),
            source=source,
            target=target,
            scored=np.array([0, len(target)]),
            slots=np.flatnonzero(own.ravel() >= 0),
        )

    def _score_plainly(self) -> None:
        of = self.of
        _, an_item = np.unique(of.text_of, return_index=True)
        left = np.isneginf(self.sums[of.text])
        self.plain = int(left.sum())
        [found] = of.scorer.score_encoded(self.layers, [self.memory], [of.items[an_item[left]]])
        self.sums[of.text[left]] = found.sums()

    def scores(self) -> np.ndarray:
        """Mean log-probabilities at the nodes where texts end, minus infinity where it was not needed."""
        return np.where(self.of.length > 0, self.sums / np.maximum(1, self.of.length), -np.inf)

    def cost(self) -> SearchCost:
        return SearchCost(self.store.count, len(self.of.tree.fed), self.plain)
