"""Sense shift: how differently two domains use the words and values that they share, from the encoder's states."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from upsr_core.indicators.attribute_tokens import Flat
from upsr_core.indicators.encoder import TextModel, text_means
from upsr_core.text.tokenizer import TextTokenizer

FEWEST = 5  # texts of a domain in which a word must be
FREE_TEXT = ("title", "description")  # their values are no names that domains share
_BYTES = re.compile(r"(?:<0x[0-9A-F]{2}>)+")


@dataclass(frozen=True)
class Uses:
    """The units (words, values) of one domain's texts: for each the texts it is in, its mean state and its spread.

    `table` has the columns attribute, kind, unit, count, spread (the mean squared distance of a use from the mean);
    `centre` (u, d_model) the means. `texts` (n, d_model) are the mean states of whole texts.
    """

    table: pd.DataFrame
    centre: np.ndarray
    texts: np.ndarray


def uses(reader: TextModel, texts: Flat, owner: Flat, attributes: tuple[str, ...], wanted: Iterable[str]) -> Uses:
    """Read texts with the encoder and gather the states of every word and of every value of several words.

    `owner` has the number in `attributes` of each token; only units of the attributes `wanted` are gathered. A unit
    that occurs several times in a text counts with its first.
    """
    wanted, width = set(wanted), reader.model.config.d_model
    names, keys = _Names(reader.tokenizer, attributes), dict[tuple[str, str, str], int]()
    whole = np.zeros((len(texts.lengths), width), np.float32)
    # Per unit: how often it is used, the sum of its states, the sum of their squared lengths.
    count, total, squares = np.zeros(0), np.zeros((0, width)), np.zeros(0)
    for chosen, states in reader.encoded(texts):
        whole[chosen] = text_means(states, texts.lengths[chosen])
        code, first, last, start = [], [], [], 0
        for row in chosen:
            place = slice(texts.offsets[row], texts.offsets[row + 1])
            seen = set()
            for key, begin, end in names.units(texts.values[place], owner.values[place]):
                if key[0] in wanted and key not in seen:
                    seen.add(key)
                    code.append(keys.setdefault(key, len(keys)))
                    first.append(start + begin)
                    last.append(start + end)
            start += int(texts.lengths[row])
        sums = np.concatenate([np.zeros((1, width)), np.cumsum(states, axis=0, dtype=np.float64)])
        values = (sums[last] - sums[first]) / (np.array(last) - np.array(first))[:, None] if code else total[:0]
        new = len(keys) - len(count)
        count, squares = np.pad(count, (0, new)), np.pad(squares, (0, new))
        total = np.concatenate([total, np.zeros((new, width))])
        np.add.at(count, code, 1)
        np.add.at(total, code, values)
        np.add.at(squares, code, (values**2).sum(axis=1))
    table = pd.DataFrame(list(keys), columns=["attribute", "kind", "unit"])
    centre = total / np.maximum(count, 1)[:, None]
    spread = np.maximum(squares - count * (centre**2).sum(axis=1), 0) / np.maximum(count - 1, 1)
    return Uses(table.assign(count=count.astype(int), spread=spread), centre, whole)


def shifts(left: Uses, right: Uses) -> pd.DataFrame:
    """Shared units: attribute, kind, unit, count_left, count_right, shift, at_least; those that surely shift first.

    A shift is the distance of the two mean states, less what the domains' other words move every unit and less what
    chance moves so few uses, relative to the distance of two different shared units: 0 is the same sense, 1 as far
    apart as two different words. (Mean states: Kutuzov et al., COLING 2018; the bias of a squared distance between
    means of n and m uses is spread / n + spread / m.) `at_least` takes that bias away twice; by it they are ordered.
    """
    both = left.table.reset_index().merge(
        right.table.reset_index(), on=["attribute", "kind", "unit"], suffixes=("_left", "_right")
    )
    both = both[(both.count_left >= FEWEST) & (both.count_right >= FEWEST)].reset_index(drop=True)
    shown = ["attribute", "kind", "unit", "count_left", "count_right"]
    if len(both) < 2:
        return both[shown].assign(shift=np.zeros(len(both)), at_least=np.zeros(len(both)))
    a, b = left.centre[both.index_left], right.centre[both.index_right]
    moved = a - b
    # The median, so that a few units of new sense do not count as what all units do.
    squared = ((moved - np.median(moved, axis=0)) ** 2).sum(axis=1)
    bias = (both.spread_left / both.count_left + both.spread_right / both.count_right).to_numpy()
    middle = (a + b) / 2
    apart = 2 * ((middle - middle.mean(axis=0)) ** 2).sum(axis=1).mean() * len(both) / (len(both) - 1)
    shift, at_least = (np.sqrt(np.maximum(squared - times * bias, 0) / max(apart, 1e-12)) for times in (1, 2))
    table = both[shown].assign(shift=shift, at_least=at_least)
    return table.sort_values(["at_least", "shift"], ascending=False, kind="stable").reset_index(drop=True)


def _decoded(match: re.Match) -> str:
    """Bytes that a tokenizer falls back to, as text."""
    return bytes.fromhex(match[0].replace("<0x", "").replace(">", "")).decode("utf-8", "ignore")


class _Names:
    """Where words and values stand among tokens, and what they are called."""

    def __init__(self, tokenizer: TextTokenizer, attributes: tuple[str, ...]):
        self.tokenizer, self.attributes = tokenizer, attributes
        self.labels = {f"({name}:" for name in attributes}
        self.pieces: dict[int, str] = {}

    def units(self, ids: np.ndarray, owner: np.ndarray) -> list[tuple[tuple[str, str, str], int, int]]:
        """((attribute, kind, name), first token, one past the last); kind is word or value."""
        pieces = [self._piece(token) for token in ids.tolist()]
        starts = [place for place, piece in enumerate(pieces) if place == 0 or piece.startswith("▁")]
        found, words = [], []
        for first, last in zip(starts, [*starts[1:], len(pieces)], strict=True):
            text = _BYTES.sub(_decoded, "".join(pieces[first:last])).replace("▁", "")
            name = "".join(sign for sign in text.lower() if sign.isalnum() or sign in "'-&").strip("'-&")
            label = text in self.labels
            words.append((first, last, "" if label else name, int(owner[last - 1])))
            if not label and len(name) > 1 and not name.isdigit():
                found.append(((self.attributes[owner[last - 1]], "word", name), first, last))
        for number, attribute in enumerate(self.attributes):
            part = [word for word in words if word[3] == number and word[2]]
            if attribute not in FREE_TEXT and len(part) > 1:
                found.append(((attribute, "value", " ".join(word[2] for word in part)), part[0][0], part[-1][1]))
        return found

    def _piece(self, token: int) -> str:
        if token not in self.pieces:
            self.pieces[token] = self.tokenizer.tokens([token])[0]
        return self.pieces[token]
