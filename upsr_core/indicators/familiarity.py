"""Familiarity: how much the language model knows of a text beyond its letters, alike for attributes of every kind."""

import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from upsr_core.evaluation.statistics import mean_interval
from upsr_core.indicators.attribute_tokens import Catalogue, Flat, sampled
from upsr_core.indicators.result import IndicatorResult
from upsr_core.runtime import Progress
from upsr_core.text.design import ItemDesign

if TYPE_CHECKING:
    from upsr_core.indicators.encoder import TextModel

READ = 40  # tokens of a value that are read: the paper's cap
DRAWS = 2  # random orders of the letters of a value


@dataclass(frozen=True)
class Bits:
    """What the model makes of n values: `cost` (n,) bits of their letters in random order, `saved` (n,) of these as
    they are written; both 0 where there is no value."""

    cost: np.ndarray
    saved: np.ndarray


def shuffled(text: str, seed: int) -> str:
    """The same characters in random order, each white space where it was; the order hangs on the text and the seed.

    >>> sorted(shuffled("Red drum", 0)) == sorted("Red drum"), shuffled("Red drum", 0)[3], shuffled("7", 0)
    (True, ' ', '7')
    """
    places = [place for place, character in enumerate(text) if not character.isspace()]
    order = np.random.default_rng([seed, zlib.crc32(text.encode("utf-8", "replace"))]).permutation(places)
    made = list(text)
    for place, other in zip(places, order, strict=True):
        made[place] = text[other]
    return "".join(made)


def value_bits(
    catalogue: Catalogue, attribute: str, rows: np.ndarray, reader: "TextModel", seed: int, progress: Progress
) -> Bits:
    """The bits of an attribute's values alone, without the format around them, cut after READ tokens.

    Parameters
    ----------
    catalogue, attribute
        Whose values.
    rows : ndarray of int, (n,)
        Items.
    reader, seed
        The language model, and what draws the orders of the letters.
    progress
        Called with (done, total, what); what it raises stops the work.
    """
    codes, values = pd.factorize(catalogue.items[attribute].iloc[rows])
    encoded = reader.tokenizer.encode_with_offsets(list(values))
    texts = [value[: offsets[min(len(ids), READ) - 1][1]] if ids else "" for value, (ids, offsets)
             in zip(values, encoded, strict=True)]  # fmt: skip
    some = np.array([number for number, text in enumerate(texts) if text], np.int64)
    sums = np.zeros((1 + DRAWS, len(texts)))
    for draw in range(1 + DRAWS if len(some) else 0):
        written = [texts[number] if not draw else shuffled(texts[number], seed * DRAWS + draw) for number in some]

        def said(done: float, total: float, _: str, draw: int = draw) -> None:
            way = "letters in random order" if draw else "as written"
            progress(draw + done / max(total, 1), 1 + DRAWS, f"{attribute}, {way}")

        sums[draw, some] = reader.likelihoods(Flat.of(reader.tokenizer.encode_many(written)), said) / np.log(2)
    mean = sums[1:].mean(axis=0)
    return Bits(-mean[codes], (sums[0] - mean)[codes])


def visible(catalogue: Catalogue, design: ItemDesign, rows: np.ndarray) -> np.ndarray:
    """The share (n, attributes) of the first READ tokens of each attribute's text that the design's caps leave."""
    tokens, count = catalogue.tokens(design), len(design.attributes)
    item = np.repeat(np.arange(len(tokens)), np.diff(tokens.offsets))
    kept = np.bincount(item * count + tokens.owner, minlength=len(tokens) * count).reshape(len(tokens), count)[rows]
    full = np.stack([catalogue.attribute(name).lengths[rows] for name in design.attributes], axis=1)
    return np.clip(kept / np.maximum(np.minimum(full, READ), 1), 0, 1) * (full > 0)


def share_known(design: ItemDesign, bits: dict[str, Bits], seen: np.ndarray) -> np.ndarray:
    """Sums over a design's attributes (2, n) of the bits saved and the bits of n items, as far as they are `visible`.

    The familiarity of the design is the sum of the first over the sum of the second.
    """
    parts = [np.stack([bits[name].saved, bits[name].cost]) * seen[:, place]
             for place, name in enumerate(design.attributes)]  # fmt: skip
    return np.sum(parts, axis=0)


def familiarity(
    catalogue: Catalogue, design: ItemDesign, reader: "TextModel", sample: int, seed: int, progress: Progress
) -> IndicatorResult:
    """Share of the bits that the letters of the item texts cost in random order which the model saves as it knows them.

    Perplexity per token cannot compare attributes of different kinds: the digits of a price are likely one by one, and
    so is the format around it. Here every value is compared with its own letters (each white space in its place), and
    nothing counts but values: sentences save about .6, titles a little less, names .3 to .5, prices and codes .1 to .3,
    letters without any sense 0. A text of one word is no special case; one of one letter saves nothing. Ours; the paper
    has perplexity (section 3.2).

    Parameters
    ----------
    catalogue, design
        The items, and their texts; a value counts as far as the caps leave it visible.
    reader
        The language model. Another model has other values: compare those of one.
    sample, seed
        Items at most, 0 for all, drawn with the seed, which draws the orders of the letters too.
    progress
        Called with (done, total, what); what it raises stops the work.

    Returns
    -------
    IndicatorResult
        Its interval is the 95 % interval over the sampled items. Facts: `attributes`, the value of each of
        the design's attributes alone. Table `items`: familiarity and bits (of the letters), the most familiar first.
    """
    tokens = catalogue.tokens(design)
    texts = np.flatnonzero(~tokens.empty)
    if not len(texts):
        return IndicatorResult.impossible("familiarity", "no item has any text under this design")
    rows, bits = sampled(texts, sample, seed), {}
    for number, name in enumerate(design.attributes):

        def said(done: float, total: float, what: str, number: int = number) -> None:
            progress(number + done / max(total, 1), len(design.attributes), what)

        bits[name] = value_bits(catalogue, name, rows, reader, seed, said)
    seen = visible(catalogue, design, rows)
    saved, cost = share_known(design, bits, seen)
    alone = {
        name: float(bits[name].saved @ seen[:, place] / total) if (total := bits[name].cost @ seen[:, place]) else None
        for place, name in enumerate(design.attributes)
    }
    each = np.divide(saved, cost, out=np.zeros_like(cost), where=cost > 0)
    table = pd.DataFrame({"item": rows, "familiarity": each, "bits": cost})
    table = table.sort_values("familiarity", ascending=False, kind="stable").reset_index(drop=True)
    whole = len(rows) == len(texts)
    value = saved.sum() / cost.sum()
    # Of a ratio of sums: each item as it departs from it (Taylor linearisation; Cochran, Sampling Techniques, 1977).
    found = mean_interval(value + (saved - value * cost) / cost.mean(), "items")
    low, high = (None, None) if whole else (found["low"], found["high"])
    note = "values without their format, against their letters in random order; "
    note += "all items" if whole else f"{len(rows):,} of {len(texts):,} items"
    facts = {"items": len(rows), "of_items": len(texts), "attributes": alone}
    return IndicatorResult.of("familiarity", value, low=low, high=high, note=note, facts=facts, tables={"items": table})
