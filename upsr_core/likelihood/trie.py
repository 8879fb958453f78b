"""A prefix trie of item texts: every distinct prefix of a catalogue is one node, computed once per user."""

from dataclasses import dataclass

import numpy as np

from upsr_core.text.render import ItemTexts

PAD_ROW, SENTINEL_ROW = -2, -1


@dataclass(frozen=True)
class Rows:
    """The decoder rows of a set of c candidates of at most n tokens, t = n + 1 decoder positions each.

    `tokens` (r,) are the distinct rows' input ids; `index` (c, t) the row at each position, where position 0 is the
    decoder start, 1 the sentinel and 1 + p the p-th token; `first` (r,) a flat position where each row occurs.
    `targets` (c, n) are the candidates' tokens, `mask` (c, n) marks real ones.
    """

    tokens: np.ndarray
    index: np.ndarray
    first: np.ndarray
    targets: np.ndarray
    mask: np.ndarray


class CandidateTrie:
    """The trie of a catalogue's texts. `node[i]` is the prefix that ends at flat token `i` of `texts.ids`."""

    def __init__(self, texts: ItemTexts):
        self.texts = texts
        self.sentinel = texts.tokenizer.sentinels[0]
        lengths = np.diff(texts.offsets)
        self.node = np.empty(len(texts.ids), dtype=np.int64)
        parent = np.zeros(len(lengths), dtype=np.int64)
        total, tokens = 1, [np.zeros(1, dtype=np.int64)]
        for depth in range(int(lengths.max(initial=0))):
            alive = np.flatnonzero(lengths > depth)
            flat = texts.offsets[alive] + depth
            keys = parent[alive] * (1 << 32) + texts.ids[flat]
            distinct, inverse = np.unique(keys, return_inverse=True)
            self.node[flat] = parent[alive] = total + inverse
            tokens.append(distinct & 0xFFFFFFFF)
            total += len(distinct)
        self.token = np.concatenate(tokens)
        # Items in the order of the trie: neighbours share the longest prefixes.
        last = np.minimum(lengths - 1, 7)
        keys = [self.node[texts.offsets[:-1] + np.minimum(depth, last)] for depth in range(8)]
        self.order = np.argsort(np.lexsort(keys[::-1])) if len(lengths) else np.zeros(0, dtype=np.int64)

    def rows(self, items: np.ndarray) -> Rows:
        """The decoder rows that these candidates need."""
        starts, lengths = self.texts.offsets[items], np.diff(self.texts.offsets)[items]
        longest = int(lengths.max())
        steps = np.arange(longest)
        mask = steps < lengths[:, None]
        flat = np.where(mask, starts[:, None] + steps, 0)
        index = np.full((len(items), longest + 1), SENTINEL_ROW, dtype=np.int64)
        index[:, 0] = PAD_ROW
        proper = steps[:-1] < lengths[:, None] - 1  # the last token of a text is predicted, never fed
        index[:, 2:][proper] = self.node[flat[:, :-1][proper]]
        rows, first, inverse = np.unique(index, return_index=True, return_inverse=True)
        tokens = np.where(rows >= 0, self.token[np.maximum(rows, 0)], np.where(rows == PAD_ROW, 0, self.sentinel))
        return Rows(tokens, inverse.reshape(index.shape), first, np.where(mask, self.texts.ids[flat], 0), mask)
