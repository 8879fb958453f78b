"""A dataset's attributes as tokens and as words, each made once, from which every design is put together."""

import re
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from upsr_core.datasets.store import Dataset
from upsr_core.text.cut import Cut, cut_of
from upsr_core.text.design import ItemDesign
from upsr_core.text.render import NO_VALUE, ItemTexts, render
from upsr_core.text.text_cache import texts_of
from upsr_core.text.tokenizer import TextTokenizer

KEPT = 4  # catalogues that stay in memory
_WORD = re.compile(r"\w+|\n")


@dataclass(frozen=True, eq=False)
class Flat:
    """Sequences of different lengths in one array: sequence `i` is `values[offsets[i] : offsets[i + 1]]`."""

    values: np.ndarray
    offsets: np.ndarray

    @classmethod
    def of(cls, sequences: list) -> "Flat":
        lengths = np.fromiter(map(len, sequences), np.int64, len(sequences))
        values = np.fromiter((value for part in sequences for value in part), np.int32, int(lengths.sum()))
        return cls(values, np.concatenate([[0], np.cumsum(lengths)]))

    @property
    def lengths(self) -> np.ndarray:
        return np.diff(self.offsets)

    @property
    def row(self) -> np.ndarray:
        """The sequence that each value belongs to."""
        return np.repeat(np.arange(len(self.offsets) - 1), self.lengths)

    def take(self, rows: np.ndarray, most: np.ndarray | None = None) -> "Flat":
        """The sequences `rows` in this order, each cut after its `most` values."""
        lengths = self.lengths[rows] if most is None else np.minimum(self.lengths[rows], most)
        offsets = np.concatenate([[0], np.cumsum(lengths)])
        places = np.arange(offsets[-1]) + np.repeat(self.offsets[:-1][rows] - offsets[:-1], lengths)
        return Flat(self.values[places], offsets)


def sampled(rows: np.ndarray, most: int, seed: int) -> np.ndarray:
    """At most `most` of `rows`, drawn with a seed, sorted; 0 means all of them."""
    if not most or len(rows) <= most:
        return rows
    return np.sort(np.random.default_rng([seed, 5]).choice(rows, size=most, replace=False))


def flat_texts(tokens, rows: np.ndarray) -> Flat:
    return Flat(tokens.ids, tokens.offsets).take(rows)


class DesignTokens:
    """The tokens of a catalogue under one design, as `ItemTexts` has them: ids, owner, of_value, offsets, full_tokens,
    value_tokens, empty."""

    def __init__(self, design: ItemDesign, items: pd.DataFrame, tokenizer: TextTokenizer, parts: list[Flat]):
        self.design, self.tokenizer, self._items, self._parts = design, tokenizer, items, parts
        caps = dict(design.attribute_caps)
        rows = np.arange(len(items))
        kept = [part.take(rows, np.full(len(items), caps[name])) if name in caps else part
                for name, part in zip(design.attributes, parts, strict=True)]  # fmt: skip
        self.full_tokens = np.sum([part.lengths for part in parts], axis=0).astype(np.int32)
        self.empty = self.full_tokens == 0
        room, taken = np.full(len(items), design.cap), []
        for part in kept:
            taken.append(part.take(rows, room))
            room = room - taken[-1].lengths
        lengths = np.maximum(design.cap - room, 1)  # an item without text has one unknown token, as in ItemTexts
        self.offsets = np.concatenate([[0], np.cumsum(lengths)])
        self.ids = np.full(self.offsets[-1], 2, dtype=np.int32)
        self.owner = np.zeros(self.offsets[-1], dtype=np.int8)
        start = self.offsets[:-1].copy()
        for number, part in enumerate(taken):
            places = np.arange(len(part.values)) + np.repeat(start - part.offsets[:-1], part.lengths)
            self.ids[places], self.owner[places] = part.values, number
            start += part.lengths

    def __len__(self) -> int:
        return len(self._items)

    @cached_property
    def value_tokens(self) -> np.ndarray:
        counts = np.full((len(self), len(self._parts)), NO_VALUE, np.int32)
        for number, (name, part) in enumerate(zip(self.design.attributes, self._parts, strict=True)):
            present = self._items[name].to_numpy() != ""
            shown = np.bincount(part.row[self._shows(name, part)], minlength=len(self))
            counts[present, number] = shown[present]
        return counts

    @cached_property
    def of_value(self) -> np.ndarray:
        row = np.repeat(np.arange(len(self)), np.diff(self.offsets))
        found = np.zeros(len(self.ids), dtype=bool)
        for number, (name, part) in enumerate(zip(self.design.attributes, self._parts, strict=True)):
            own = np.flatnonzero((self.owner == number) & ~self.empty[row])
            kept = np.bincount(row[own], minlength=len(self))  # tokens are cut from the end of an attribute alone
            places = np.arange(len(own)) + np.repeat(part.offsets[:-1] - (np.cumsum(kept) - kept), kept)
            found[own] = self._shows(name, part)[places]
        return found

    def _shows(self, name: str, part: Flat) -> np.ndarray:
        """Which of an attribute's tokens hold something of its value, (n_tokens,).

        The name before the value is always of the same tokens, because the tokenizer splits at blanks. The bracket
        after it may be glued to its last token, which then shows something of it.
        """
        shows = part.values != self.tokenizer.blank
        if name != "title" and len(part.values):
            head = len(self.tokenizer.encode(f"({name}:"))
            shows &= np.arange(len(part.values)) - np.repeat(part.offsets[:-1], part.lengths) >= head
            last = part.offsets[1:][part.lengths > 0] - 1
            shows[last[part.values[last] == self.tokenizer.backend.token_to_id(")")]] = False
        return shows

    @cached_property
    def texts(self) -> list[str]:
        return [self.text(row) for row in range(len(self))]

    def text(self, row: int) -> str:
        values = self._items.iloc[row]
        return render(self.design, {name: values[name] for name in self.design.attributes})[0]

    def ids_of(self, row: int) -> np.ndarray:
        return self.ids[self.offsets[row] : self.offsets[row + 1]]


class Catalogue:
    """One dataset read through one tokenizer.

    Tokens are made once per attribute: T5's tokenizers split at white space first, and every attribute but the first
    follows a blank, so an item's tokens are those of its attributes one after the other. Where a tokenizer does not
    split so, or a template glues attributes together, `tokens` renders the whole text instead.
    """

    def __init__(self, dataset: Dataset, tokenizer: TextTokenizer):
        self.dataset, self.items, self.tokenizer = dataset, dataset.items, tokenizer
        self._tokens: dict[str, Flat] = {}
        self._words: dict[str, tuple[Flat, np.ndarray]] = {}
        self._designs: OrderedDict[str, DesignTokens | ItemTexts] = OrderedDict()
        self._cuts: dict[str, Cut] = {}
        self._found: dict[tuple, np.ndarray] = {}

    @cached_property
    def splits_at_blanks(self) -> bool:
        probes = ("(category: Art, Craft)", "Red drum's 2nd", "(price: 9.99)", "日本 été")
        apart = [token for text in probes for token in self.tokenizer.encode(text)]
        return self.tokenizer.encode(" ".join(probes)) == apart

    def tokens(self, design: ItemDesign) -> DesignTokens | ItemTexts:
        """All items under a design. Raises DesignError where the dataset lacks one of its attributes."""
        design.check(self.dataset.attributes, self.dataset.name)
        if design.digest not in self._designs:
            if design.template is None and self.splits_at_blanks:
                parts = [self.attribute(name) for name in design.attributes]
                made: DesignTokens | ItemTexts = DesignTokens(design, self.items, self.tokenizer, parts)
            else:
                made = texts_of(self.dataset, design, self.tokenizer)
            self._designs[design.digest] = made
            while len(self._designs) > 2 * KEPT:
                self._designs.popitem(last=False)
        return self._designs[design.digest]

    def cut(self, design: ItemDesign) -> Cut:
        """What the caps of a design leave of its texts. Raises DesignError as `tokens` does."""
        if design.digest not in self._cuts:
            self._cuts[design.digest] = cut_of(self.tokens(design))
        return self._cuts[design.digest]

    def attribute(self, name: str) -> Flat:
        """Tokens of one attribute in the paper's format, uncut; none where an item has no value."""
        if name not in self._tokens:
            codes, values = pd.factorize(self.items[name])
            texts = [value if name == "title" or not value else f"({name}: {value})" for value in values]
            self._tokens[name] = Flat.of(self.tokenizer.encode_many(texts)).take(codes)
        return self._tokens[name]

    def once(self, key: tuple, find: Callable[[], np.ndarray]) -> np.ndarray:
        """What `find` gives, found once: for what many designs share."""
        if key not in self._found:
            self._found[key] = find()
        return self._found[key]

    def words(self, name: str) -> tuple[Flat, np.ndarray]:
        """Words of an attribute's values in lower case: codes per item, and the word of each code."""
        if name not in self._words:
            text = "\n".join(value.replace("\n", " ") for value in self.items[name]).lower() + "\n"
            codes, words = pd.factorize(np.array(_WORD.findall(text), dtype=object))
            ends = np.flatnonzero(words[codes] == "\n") if len(self.items) else np.zeros(0, np.int64)
            offsets = np.concatenate([[0], ends - np.arange(len(ends))])
            self._words[name] = Flat(np.delete(codes, ends), offsets), words
        return self._words[name]

    def words_of(self, attributes: tuple[str, ...]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Words of several attributes: item (n,), code (n,) of each word, and the words by code."""
        parts = [self.words(name) for name in attributes]
        code, words = pd.factorize(np.concatenate([words for _, words in parts]))
        starts = np.cumsum([0, *(len(words) for _, words in parts)])
        codes = np.concatenate([code[flat.values + start] for (flat, _), start in zip(parts, starts, strict=False)])
        return np.concatenate([flat.row for flat, _ in parts]), codes, words


_CATALOGUES: OrderedDict[tuple[str, str], Catalogue] = OrderedDict()


def catalogue_of(dataset: Dataset, tokenizer: TextTokenizer) -> Catalogue:
    """The catalogue of a dataset; the last few stay in memory, so that a changed design tokenises nothing again."""
    key = (dataset.digest, tokenizer.digest)
    found = _CATALOGUES.pop(key, None)
    _CATALOGUES[key] = found if found is not None else Catalogue(dataset, tokenizer)
    while len(_CATALOGUES) > KEPT:
        _CATALOGUES.popitem(last=False)
    return _CATALOGUES[key]
