"""Items as text: rendering with character and token spans, so that every token knows its attribute."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from upsr_core.schema import ITEM
from upsr_core.text.design import ItemDesign, template_parts
from upsr_core.text.tokenizer import TextTokenizer

ITEMS_AT_ONCE = 4096
FLAT = ("ids", "owner", "lengths", "full_tokens")


@dataclass(frozen=True)
class Piece:
    """One attribute in a rendered text: characters `start` to `end`, its surrounding format included."""

    attribute: str
    start: int
    end: int


def render(design: ItemDesign, values: Mapping[str, str]) -> tuple[str, tuple[Piece, ...]]:
    """The item textual representation of one item, and the piece that each attribute takes in it.

    >>> render(ItemDesign.of("category,title,brand"), {"category": "Art", "title": "Red Ink", "brand": ""})[0]
    '(category: Art) Red Ink'
    """
    if design.template is None:
        chunks = [
            (name, values[name] if name == "title" else f"({name}: {values[name]})")
            for name in design.attributes
            if values.get(name)
        ]
        chunks = [(name, chunk if number == 0 else f" {chunk}") for number, (name, chunk) in enumerate(chunks)]
    else:
        chunks = _fill(design.template, values)
    text, pieces = "", []
    for name, chunk in chunks:
        pieces.append(Piece(name, len(text), len(text) + len(chunk)))
        text += chunk
    return text, tuple(pieces)


def _fill(template: str, values: Mapping[str, str]) -> list[tuple[str, str]]:
    parts, closing = template_parts(template)
    chunks = [(name, before + values[name]) for before, name in parts if values.get(name)]
    if chunks:
        name, text = chunks[-1]
        chunks[-1] = (name, text + closing)
        name, text = chunks[0]
        chunks[0] = (name, text.lstrip())
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
    """Some items in a row as text and tokens: `lengths` (n,) tokens each, `ids` and `owner` flat, as in ItemTexts."""

    texts: list[str]
    ids: np.ndarray
    owner: np.ndarray
    lengths: np.ndarray
    full_tokens: np.ndarray


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
    offsets : ndarray of int64, (n_items + 1,)
        Where the tokens of an item begin, closed by their number.
    full_tokens : ndarray of int32, (n_items,)
        Tokens before the caps.
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
        lengths: np.ndarray,
        full_tokens: np.ndarray,
    ) -> None:
        self.design, self.tokenizer, self.texts = design, tokenizer, texts
        self.ids, self.owner, self.full_tokens = ids, owner, full_tokens
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
        counts = pd.Series([self.ids_of(number).tobytes() for number in range(len(self))]).value_counts()
        return int(counts[counts > 1].sum())


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
    position = {name: number for number, name in enumerate(design.attributes)}
    caps = dict(design.attribute_caps)
    encodings = tokenizer.encode_with_offsets(texts)
    for number, ((_, pieces), (tokens, offsets)) in enumerate(zip(rendered, encodings, strict=True)):
        full_tokens[number] = len(tokens)
        owner = _owners(pieces, offsets, position)
        token_ids = np.asarray(tokens, dtype=np.int32)
        keep = np.ones(len(tokens), dtype=bool)
        for name, cap in caps.items():
            keep &= ~((owner == position[name]) & (np.cumsum(owner == position[name]) > cap))
        token_ids, owner = token_ids[keep][: design.cap], owner[keep][: design.cap]
        if not len(token_ids):
            token_ids, owner = np.array([tokenizer.unknown], dtype=np.int32), np.zeros(1, dtype=np.int8)
        ids.append(token_ids)
        owners.append(owner)
    lengths = np.array([len(each) for each in ids[1:]], np.int32)
    return Tokens(texts, np.concatenate(ids), np.concatenate(owners), lengths, full_tokens)


def _owners(pieces: tuple[Piece, ...], offsets: list[tuple[int, int]], position: dict[str, int]) -> np.ndarray:
    """The attribute of each token: the piece in which the token's last character lies."""
    if not offsets:
        return np.zeros(0, dtype=np.int8)
    ends = np.array([piece.end for piece in pieces])
    last = np.maximum(np.array([end for _, end in offsets]) - 1, 0)
    found = np.minimum(np.searchsorted(ends, last, side="right"), len(pieces) - 1)
    return np.array([position[piece.attribute] for piece in pieces], dtype=np.int8)[found]
