"""Items as text: rendering with character and token spans, so that every token knows its attribute."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from upsr_core.schema import ITEM
from upsr_core.text.cut import identical
from upsr_core.text.design import ItemDesign, template_parts
from upsr_core.text.tokenizer import TextTokenizer

ITEMS_AT_ONCE = 4096
FLAT = ("ids", "owner", "of_value", "lengths", "full_tokens", "value_tokens")
NO_VALUE = -1  # instead of a number of tokens, where an item has no such value


@dataclass(frozen=True)
class Piece:
    """One attribute in a rendered text: characters `start` to `end`, its surrounding format included; its value alone
    has those from `value_start` to `value_end`."""

    attribute: str
    start: int
    end: int
    value_start: int
    value_end: int


def render(design: ItemDesign, values: Mapping[str, str]) -> tuple[str, tuple[Piece, ...]]:
    """The item textual representation of one item, and the piece that each attribute takes in it.

    >>> render(ItemDesign.of("category,title,brand"), {"category": "Art", "title": "Red Ink", "brand": ""})[0]
    '(category: Art) Red Ink'
    """
    if design.template is None:
        chunks = [
            (name, *(("", "") if name == "title" else (f"({name}: ", ")")))
            for name in design.attributes
            if values.get(name)
        ]
        chunks = [(name, before if n == 0 else f" {before}", after) for n, (name, before, after) in enumerate(chunks)]
    else:
        chunks = _fill(design.template, values)
    text, pieces = "", []
    for name, before, after in chunks:
        start, value_start = len(text), len(text) + len(before)
        value_end = value_start + len(values[name])
        text += before + values[name] + after
        pieces.append(Piece(name, start, len(text), value_start, value_end))
    return text, tuple(pieces)


def _fill(template: str, values: Mapping[str, str]) -> list[tuple[str, str, str]]:
    """The attributes that have a value, each with the text before and after it."""
    parts, closing = template_parts(template)
    chunks = [(name, before, "") for before, name in parts if values.get(name)]
    if chunks:
        name, before, _ = chunks[0]
        chunks[0] = (name, before.lstrip(), "")
        chunks[-1] = (*chunks[-1][:2], closing)
    return chunks


@dataclass(frozen=True)
class ItemText:
    """One item as text and tokens. `owner[i]` is the position in `design.attributes` of token `i`.

    `full_tokens` counts the tokens before any cap, so `full_tokens - len(ids)` were cut.
    """

    text: str
    ids: np.ndarray
    owner: np.ndarray
    full_tokens: int


@dataclass(frozen=True)
class Tokens:
    """Some items in a row as text and tokens: `lengths` (n,) tokens each, the rest as in ItemTexts."""

    texts: list[str]
    ids: np.ndarray
    owner: np.ndarray
    of_value: np.ndarray
    lengths: np.ndarray
    full_tokens: np.ndarray
    value_tokens: np.ndarray


class ItemTexts:
    """All items of a catalogue as text and tokens, under one design and one tokenizer.

    An item with no text at all has a single unknown token, so that it can still be masked and ranked. Those of a
    dataset are kept by `text_cache.texts_of`.

    Parameters
    ----------
    design
        What an item looks like as text.
    items : DataFrame
        A row per item, a text column per attribute, "" where a value is missing.
    tokenizer
        Of the language model that reads the texts.

    Attributes
    ----------
    texts : sequence of str, (n_items,)
        Rendered, before any cap.
    ids : ndarray of int32, (n_tokens,)
        Tokens after the caps; item `i` has `offsets[i] : offsets[i + 1]`.
    owner : ndarray of int8, (n_tokens,)
        Of each token the place of its attribute in `design.attributes`.
    of_value : ndarray of bool, (n_tokens,)
        Whether a token holds something of its attribute's value, more than a blank and than the name and the signs
        around it.
    offsets : ndarray of int64, (n_items + 1,)
        Where the tokens of an item begin, closed by their number.
    full_tokens : ndarray of int32, (n_items,)
        Tokens before the caps.
    value_tokens : ndarray of int32, (n_items, n_attributes)
        Those of them that hold something of each attribute's value; NO_VALUE where the item has none.
    empty : ndarray of bool, (n_items,)
        Which items have no text.

    Raises
    ------
    DesignError
        The items lack an attribute of the design.
    """

    def __init__(self, design: ItemDesign, items: pd.DataFrame, tokenizer: TextTokenizer):
        parts = list(tokenised(design, items, tokenizer))
        texts = [text for part in parts for text in part.texts]
        arrays = (np.concatenate([getattr(part, name) for part in parts]) for name in FLAT)
        self._hold(design, tokenizer, texts, *arrays)

    def _hold(
        self,
        design: ItemDesign,
        tokenizer: TextTokenizer,
        texts: Sequence[str],
        ids: np.ndarray,
        owner: np.ndarray,
        of_value: np.ndarray,
        lengths: np.ndarray,
        full_tokens: np.ndarray,
        value_tokens: np.ndarray,
    ) -> None:
        self.design, self.tokenizer, self.texts = design, tokenizer, texts
        self.ids, self.owner, self.of_value, self.full_tokens = ids, owner, of_value, full_tokens
        self.value_tokens = value_tokens.reshape(len(texts), len(design.attributes))
        self.empty = full_tokens == 0
        self.offsets = np.concatenate([[0], np.cumsum(lengths, dtype=np.int64)])

    def __len__(self) -> int:
        return len(self.texts)

    def item(self, number: int) -> ItemText:
        start, end = self.offsets[number], self.offsets[number + 1]
        return ItemText(self.texts[number], self.ids[start:end], self.owner[start:end], int(self.full_tokens[number]))

    def ids_of(self, number: int) -> np.ndarray:
        return self.ids[self.offsets[number] : self.offsets[number + 1]]

    def identical(self) -> int:
        """How many items share their tokens, as cut, with another item: likelihood cannot tell these apart."""
        return identical(self.ids, self.offsets)


def tokenised(design: ItemDesign, items: pd.DataFrame, tokenizer: TextTokenizer) -> Iterator[Tokens]:
    """All items, some thousand at a time. Raises DesignError where the items lack an attribute of the design."""
    design.check([name for name in items.columns if name != ITEM])
    for start in range(0, max(len(items), 1), ITEMS_AT_ONCE):
        yield _tokens(design, items.iloc[start : start + ITEMS_AT_ONCE], tokenizer)


def _tokens(design: ItemDesign, items: pd.DataFrame, tokenizer: TextTokenizer) -> Tokens:
    columns = [items[name].tolist() for name in design.attributes]
    rows = (dict(zip(design.attributes, values, strict=True)) for values in zip(*columns, strict=True))
    rendered = [render(design, row) for row in rows]
    texts = [text for text, _ in rendered]
    ids, owners, full_tokens = [np.zeros(0, np.int32)], [np.zeros(0, np.int8)], np.zeros(len(rendered), np.int32)
    of_values, value_tokens = [np.zeros(0, bool)], np.full((len(rendered), len(columns)), NO_VALUE, np.int32)
    position = {name: number for number, name in enumerate(design.attributes)}
    caps = dict(design.attribute_caps)
    encodings = tokenizer.encode_with_offsets(texts)
    for number, ((_, pieces), (tokens, offsets)) in enumerate(zip(rendered, encodings, strict=True)):
        full_tokens[number] = len(tokens)
        owner, of_value = _owners(pieces, offsets, position)
        of_value &= np.asarray(tokens, dtype=np.int32) != tokenizer.blank
        for piece in pieces:
            place = position[piece.attribute]
            value_tokens[number, place] = np.count_nonzero(of_value & (owner == place))
        token_ids = np.asarray(tokens, dtype=np.int32)
        keep = np.ones(len(tokens), dtype=bool)
        for name, cap in caps.items():
            keep &= ~((owner == position[name]) & (np.cumsum(owner == position[name]) > cap))
        token_ids, owner = token_ids[keep][: design.cap], owner[keep][: design.cap]
        of_value = of_value[keep][: design.cap]
        if not len(token_ids):
            token_ids, owner = np.array([tokenizer.unknown], dtype=np.int32), np.zeros(1, dtype=np.int8)
            of_value = np.zeros(1, dtype=bool)
        ids.append(token_ids)
        owners.append(owner)
        of_values.append(of_value)
    lengths = np.array([len(each) for each in ids[1:]], np.int32)
    flat = np.concatenate(ids), np.concatenate(owners), np.concatenate(of_values)
    return Tokens(texts, *flat, lengths, full_tokens, value_tokens)


def _owners(
    pieces: tuple[Piece, ...], offsets: list[tuple[int, int]], position: dict[str, int]
) -> tuple[np.ndarray, np.ndarray]:
    """The attribute of each token, that of the piece in which the token's last character lies; and whether the token
    holds a character of that attribute's value."""
    if not offsets:
        return np.zeros(0, dtype=np.int8), np.zeros(0, dtype=bool)
    starts, ends = np.array(offsets).T
    last = np.maximum(ends - 1, 0)
    found = np.minimum(np.searchsorted([piece.end for piece in pieces], last, side="right"), len(pieces) - 1)
    value_start = np.array([piece.value_start for piece in pieces])[found]
    value_end = np.array([piece.value_end for piece in pieces])[found]
    owner = np.array([position[piece.attribute] for piece in pieces], dtype=np.int8)[found]
    return owner, (starts < value_end) & (ends > value_start)
