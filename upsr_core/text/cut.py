"""What the caps leave of a design's texts, over a whole catalogue: what stays visible, and which items become one."""

from itertools import pairwise
from typing import Protocol

import numpy as np
import pandas as pd
from pydantic import BaseModel, ConfigDict

from upsr_core.text.design import ItemDesign

RARELY = 0.5  # an attribute that is visible in a smaller share of the items that have it hardly counts
MANY = 0.05  # of the items, from where on identical texts are a warning


class CutTexts(Protocol):
    """All items under one design, see `text.render.ItemTexts`."""

    design: ItemDesign
    ids: np.ndarray
    owner: np.ndarray
    offsets: np.ndarray
    full_tokens: np.ndarray
    empty: np.ndarray

    @property
    def of_value(self) -> np.ndarray: ...

    @property
    def value_tokens(self) -> np.ndarray: ...


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class AttributeCut(_Record):
    """One attribute after the caps: `present` items have a value.

    In the share `visible` of these at least one token of the value is left (a token of the attribute's name or of the
    signs around it shows nothing), in the share `whole` all of them; both are 0 where no item has a value. `tokens` are
    kept per item on average over all items, name and signs included.
    """

    present: int
    visible: float
    whole: float
    tokens: float


class Cut(_Record):
    """A design's texts after the caps.

    Of `items`, the share `cut` loses tokens to a cap, `cap` being that of the whole item, and `identical` items have a
    text, as cut, that another item has; items without any text are one text. `attributes` by name, in the design's
    order.
    """

    items: int
    cap: int
    cut: float
    identical: int
    attributes: dict[str, AttributeCut]

    @property
    def hides(self) -> bool:
        """Whether to warn: an attribute is visible in less than half of the items that have it, or at least one item
        in twenty has another item's text."""
        hidden = any(each.present and each.visible < RARELY for each in self.attributes.values())
        return hidden or (self.identical > 0 and self.identical >= MANY * self.items)


def cut_of(texts: CutTexts) -> Cut:
    """What the caps of its design leave of a catalogue; vectorised, and no model is read."""
    count, names = len(texts.full_tokens), texts.design.attributes
    lengths = np.diff(texts.offsets)
    kept = np.where(texts.empty, 0, lengths)  # the one stand-in token of an item without text is no token of it
    row = np.repeat(np.arange(count), lengths)
    real = ~texts.empty[row]
    place = row * len(names) + texts.owner

    def per_attribute(which: np.ndarray) -> np.ndarray:
        return np.bincount(place[which], minlength=count * len(names)).reshape(count, len(names))

    tokens, values = per_attribute(real), per_attribute(texts.of_value)
    present = texts.value_tokens >= 0
    visible, whole = values > 0, (values > 0) & (values == texts.value_tokens)
    attributes = {}
    for number, name in enumerate(names):
        having = int(present[:, number].sum())
        attributes[name] = AttributeCut(
            present=having,
            visible=float(visible[:, number].sum() / max(1, having)),
            whole=float(whole[:, number].sum() / max(1, having)),
            tokens=float(tokens[:, number].sum() / max(1, count)),
        )
    return Cut(
        items=count,
        cap=texts.design.cap,
        cut=float((texts.full_tokens > kept).sum() / max(1, count)),
        identical=identical(texts.ids, texts.offsets),
        attributes=attributes,
    )


def identical(ids: np.ndarray, offsets: np.ndarray) -> int:
    """How many texts, `ids[offsets[i] : offsets[i + 1]]` each, equal another one.

    >>> identical(np.array([1, 2, 1, 2, 7]), np.array([0, 2, 4, 5]))
    2
    """
    texts = pd.Series([ids[start:end].tobytes() for start, end in pairwise(offsets)])
    return int(texts.duplicated(keep=False).sum())


def in_words(cut: Cut) -> str:
    """The line that stands beside every figure of a design.

    >>> shown = AttributeCut(present=100, visible=1.0, whole=0.9, tokens=24.21)
    >>> cut = Cut(items=100, cap=40, cut=0.9, identical=7, attributes={"category": shown})
    >>> in_words(cut)
    'As cut at 40 tokens: category visible in 100 % of items (24.2 tokens) · 7 of 100 items identical'
    """
    parts = list[str]()
    for name, each in cut.attributes.items():
        whose = f" of the {each.present:,} that have one" if each.present < cut.items else "" if parts else " of items"
        shown = f"{'' if parts else 'visible in '}{percent(each.visible)}{whose} ({each.tokens:.1f} tokens)"
        parts.append(f"{name} {shown if each.present else 'in no item'}")
    same = f"{cut.identical:,} of {cut.items:,} items identical" if cut.identical else "no two items identical"
    return f"As cut at {cut.cap} tokens: {', '.join(parts)} · {same}"


def percent(share: float) -> str:
    """A share in whole percent, none of which says all or nothing where it is not.

    >>> [percent(share) for share in (0, 0.001, 0.504, 0.998, 1)]
    ['0 %', '< 1 %', '50 %', '> 99 %', '100 %']
    """
    if 0 < share < 0.005:
        return "< 1 %"
    return "> 99 %" if 0.995 <= share < 1 else f"{100 * share:.0f} %"
