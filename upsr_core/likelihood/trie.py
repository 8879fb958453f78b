"""A prefix trie of item texts: every distinct prefix of a catalogue is one node, computed once per user."""

from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np

from upsr_core.runtime import home
from upsr_core.schema import digest_of
from upsr_core.storage.arrays import keep_arrays, kept_arrays
from upsr_core.text.render import ItemTexts

START, SENTINEL = 0, 1  # the nodes of the decoder's start and of the sentinel that opens every text


@dataclass(frozen=True)
class CandidateTrie:
    """The trie of a catalogue's texts, its m nodes in preorder: a subtree is a range of nodes.

    Node START is the decoder's start, node SENTINEL the sentinel after it; a text's first token is a child of SENTINEL.

    Attributes
    ----------
    token : ndarray of int32, (m,)
        The token that leads to a node.
    parent : ndarray of int64, (m,)
        The node before it.
    depth : ndarray of int32, (m,)
        How many nodes lie above it.
    end : ndarray of int64, (m,)
        One past the last node below it.
    terminal : ndarray of int64, (n_items,)
        The node at which an item's text ends: items with the same text share it.
    """

    token: np.ndarray
    parent: np.ndarray
    depth: np.ndarray
    end: np.ndarray
    terminal: np.ndarray

    @classmethod
    def build(cls, texts: ItemTexts) -> "CandidateTrie":
        return cls.of_tokens(texts.ids, texts.offsets, texts.tokenizer.sentinels[0])

    @classmethod
    def of_tokens(cls, ids: np.ndarray, offsets: np.ndarray, sentinel: int) -> "CandidateTrie":
        """Text `i` has the tokens `ids[offsets[i] : offsets[i + 1]]`, at least one."""
        lengths = np.diff(offsets)
        longest = int(lengths.max(initial=0))
        inside = np.arange(longest) < lengths[:, None]
        table = np.zeros(inside.shape, dtype=np.int32)
        table[inside] = ids + 1  # 0 is the end of a text, so that a prefix sorts before what it begins
        rows, row_of = np.unique(table, axis=0, return_inverse=True)
        # A cell opens a node where it, or a cell to its left, differs from the text before it.
        differs = np.ones(rows.shape, dtype=bool)
        differs[1:] = np.logical_or.accumulate(rows[1:] != rows[:-1], axis=1)
        opens = differs & (rows > 0)
        node = np.zeros(rows.shape, dtype=np.int64)
        node[opens] = np.arange(int(opens.sum())) + 2
        node = np.maximum.accumulate(node, axis=0)  # a shared prefix keeps the node of the row that opened it
        before = np.concatenate([np.full((len(rows), 1), SENTINEL), node[:, :-1]], axis=1) if longest else node
        token = np.concatenate([[0, sentinel], rows[opens] - 1])
        parent = np.concatenate([[-1, START], before[opens]])
        terminal = node[row_of.ravel(), lengths - 1] if len(lengths) else np.zeros(0, np.int64)
        depth = _depths(parent)
        return cls(token.astype(np.int32), parent, depth, _ends(parent, depth), terminal)

    def __len__(self) -> int:
        return len(self.token)

    def lengths(self, terminals: np.ndarray) -> np.ndarray:
        """Tokens of the texts that end at these nodes."""
        return self.depth[terminals] - self.depth[SENTINEL]

    def above(self, nodes: np.ndarray) -> np.ndarray:
        """The proper prefixes of these nodes, sorted: what must be fed to the decoder to predict them."""
        found, level = [np.zeros(0, dtype=np.int64)], np.unique(self.parent[nodes])
        while len(level) and level[-1] >= 0:
            found.append(level := level[level >= 0])
            level = np.unique(self.parent[level])
        return np.unique(np.concatenate(found))


def _depths(parent: np.ndarray) -> np.ndarray:
    """How many nodes lie above each node (m,)."""
    depth, level = np.zeros(len(parent), dtype=np.int32), parent
    while (inside := level >= 0).any():
        depth += inside
        level = np.where(inside, parent[level], -1)
    return depth


def _ends(parent: np.ndarray, depth: np.ndarray) -> np.ndarray:
    """One past the last node of every subtree (m,), for nodes in preorder."""
    size = np.ones(len(parent), dtype=np.int64)
    by_depth = np.argsort(-depth, kind="stable")
    for nodes in np.split(by_depth, np.flatnonzero(np.diff(depth[by_depth])) + 1)[:-1]:
        np.add.at(size, parent[nodes], size[nodes])
    return np.arange(len(parent)) + size


def stored_trie(texts: ItemTexts, catalogue: str) -> CandidateTrie:
    """The trie of a catalogue (`catalogue` is the dataset's digest); built and stored when first asked for."""
    digest = digest_of([catalogue, texts.design.digest, texts.tokenizer.digest])
    file = home() / "tries" / f"{digest}.npz"
    if (stored := _read(file, len(texts))) is not None:
        return stored
    trie = CandidateTrie.build(texts)
    keep_arrays(file, **vars(trie))
    return trie


def _read(file: Path, items: int) -> CandidateTrie | None:
    """A stored trie; None where there is none or the file is damaged, so that it is built again."""
    arrays = kept_arrays(file, *(field.name for field in fields(CandidateTrie)))
    if arrays is None or len(arrays["terminal"]) != items:
        return None
    return CandidateTrie(**arrays)
