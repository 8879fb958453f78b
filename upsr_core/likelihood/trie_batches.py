"""Which decoder rows a set of candidates needs, and along which earlier rows each of them attends."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from upsr_core.likelihood.trie import SENTINEL, CandidateTrie

BLOCK = 64  # rows that share one set of keys; smaller repeats more keys, larger computes more masked cells


@dataclass(frozen=True)
class Rows:
    """The r distinct prefixes of one or several candidate sets (a forest, one tree a user), in preorder.

    `tokens` (r,) are what the decoder is fed. `keys` (b, m) are the rows that block `b` of s rows may attend to,
    `distance` (b, s, m) how many tokens back each key lies for each row, -1 where it is not a prefix of it. `slots`
    (r,) are the places of the rows among the b * s of the blocks, None where they fill them in order. `spans` are the
    first rows of each tree, closed by r. Every scored token i is predicted by row `source[i]` and is `target[i]`;
    `scored` are the numbers of scored tokens of each tree, closed by their sum.
    """

    tokens: np.ndarray
    keys: np.ndarray
    distance: np.ndarray
    spans: np.ndarray
    source: np.ndarray
    target: np.ndarray
    scored: np.ndarray
    slots: np.ndarray | None = None


@dataclass(frozen=True)
class Tree:
    """The part of a trie that some candidates need.

    `terminals` (t,) are the distinct nodes at which their texts end, `fed` (r,) the nodes that the decoder is fed,
    `nodes` (n,) those whose tokens are scored; all sorted.
    """

    trie: CandidateTrie
    terminals: np.ndarray
    fed: np.ndarray
    nodes: np.ndarray

    @classmethod
    def of(cls, trie: CandidateTrie, terminals: np.ndarray) -> "Tree":
        fed = trie.above(terminals)
        return cls(trie, terminals, fed, np.union1d(fed[fed > SENTINEL], terminals))

    def split(self, most: int) -> list["Tree"]:
        """Parts of like size, each with at most about `most` rows and at least one text; they share first rows."""
        parts = -(-len(self.fed) // most)
        if parts == 1:
            return [self]
        # A row is counted for the first text below it; later parts repeat only the path to their first text.
        counts = np.bincount(np.searchsorted(self.terminals, self.fed), minlength=len(self.terminals) + 1)[:-1]
        part = np.maximum(np.cumsum(counts) - 1, 0) * parts // len(self.fed)
        cuts = np.flatnonzero(np.diff(part)) + 1
        return [Tree.of(self.trie, terminals) for terminals in np.split(self.terminals, cuts)]

    def along_texts(self, values: np.ndarray) -> np.ndarray:
        """`values` (n,) of the scored nodes along each text (t, longest), in text order, zero after its end."""
        lengths = self.trie.lengths(self.terminals)
        table = np.zeros((len(self.terminals), int(lengths.max())), dtype=values.dtype)
        level = self.terminals.copy()
        for step in range(table.shape[1]):
            alive = np.flatnonzero(lengths > step)
            table[alive, lengths[alive] - 1 - step] = values[np.searchsorted(self.nodes, level[alive])]
            level[alive] = self.trie.parent[level[alive]]
        return table


def forest(trees: Sequence[Tree]) -> Rows:
    """The rows of several trees, one after the other."""
    offsets = np.concatenate([[0], np.cumsum([len(tree.fed) for tree in trees])])
    parts = []
    for start, tree in zip(offsets, trees, strict=False):
        trie, fed = tree.trie, tree.fed
        parent = np.searchsorted(fed, trie.parent[fed]) + start
        parent[0] = -1  # the decoder's start
        end = np.searchsorted(fed, trie.end[fed]) + start
        source = np.searchsorted(fed, trie.parent[tree.nodes]) + start
        parts.append((trie.token[fed], parent, end, trie.depth[fed], source, trie.token[tree.nodes]))
    tokens, parent, end, depth, source, target = (np.concatenate(column) for column in zip(*parts, strict=True))
    keys, distance = _blocks(parent, end, depth)
    scored = np.concatenate([[0], np.cumsum([len(tree.nodes) for tree in trees])])
    return Rows(tokens, keys, distance, offsets, source, target, scored)


def _blocks(parent: np.ndarray, end: np.ndarray, depth: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Keys and distances of every block.

    In preorder every prefix of a row that lies before the row's block is also a prefix of the block's first row, so
    the path to the first row and the block itself hold all keys.
    """
    count = len(parent)
    firsts = np.arange(0, count, BLOCK)
    path, level = [], parent[firsts]
    while (level >= 0).any():
        path.append(level)
        level = np.where(level >= 0, parent[level], -1)
    inside = firsts[:, None] + np.arange(BLOCK)
    keys = np.concatenate([*(column[:, None] for column in reversed(path)), inside], axis=1)
    known = (keys >= 0) & (keys < count)
    keys = np.where(known, keys, 0)
    rows = np.minimum(inside, count - 1)
    prefix = known[:, None] & (keys[:, None] <= rows[:, :, None]) & (rows[:, :, None] < end[keys][:, None])
    distance = np.where(prefix, depth[rows][:, :, None] - depth[keys][:, None], -1)
    return keys, distance
