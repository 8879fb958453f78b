"""Informativeness: the entropy of an item's tokens, and what each added attribute brings."""

import numpy as np
import pandas as pd

from upsr_core.indicators.attribute_tokens import Catalogue, DesignTokens
from upsr_core.indicators.result import IndicatorResult
from upsr_core.text.design import ItemDesign
from upsr_core.text.render import ItemTexts


def entropies(ids: np.ndarray, offsets: np.ndarray) -> np.ndarray:
    """Shannon entropy in bits of the token distribution inside each text (n_texts,); 0 for a text without tokens.

    >>> entropies(np.array([1, 2, 1, 2, 7]), np.array([0, 4, 5])).tolist()
    [1.0, 0.0]
    """
    lengths = np.diff(offsets)
    text = np.repeat(np.arange(len(lengths)), lengths)
    span = int(ids.max(initial=0)) + 1
    pairs, counts = np.unique(text * span + ids, return_counts=True)
    text = pairs // span
    share = counts / lengths[text]
    return np.bincount(text, -share * np.log2(share), minlength=len(lengths)) + 0.0


def same_text(ids: np.ndarray, starts: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    """A label (n,) for each text, equal where all tokens are."""
    keys = [ids[start : start + length].tobytes() for start, length in zip(starts, lengths, strict=True)]
    return pd.factorize(np.array(keys, dtype=object))[0] if keys else np.zeros(0, np.int64)


def alone(labels: np.ndarray) -> np.ndarray:
    """Whether each label (n,) occurs once."""
    return np.bincount(labels)[labels] == 1 if len(labels) else np.zeros(0, bool)


def told_apart(tokens: DesignTokens | ItemTexts, attributes: int | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Bits of every item's text (n,), and whether no other item has it (n,), after the first `attributes` of a design
    (all of them by default). The text of the first attributes is the beginning of the whole text."""
    row = np.repeat(np.arange(len(tokens)), np.diff(tokens.offsets))
    inside = (tokens.owner < (len(tokens.design.attributes) if attributes is None else attributes)) & ~tokens.empty[row]
    lengths = np.bincount(row[inside], minlength=len(tokens))
    bits = entropies(tokens.ids[inside], np.concatenate([[0], np.cumsum(lengths)]))
    return bits, alone(same_text(tokens.ids, tokens.offsets[:-1], lengths))


def informativeness(catalogue: Catalogue, design: ItemDesign) -> IndicatorResult:
    """Mean over all items of the entropy in bits of the tokens inside an item's text, cut as the design says.

    Paper, section 3.2 ("information entropy of item textual representation"); per item, which reproduces its figures.

    Returns
    -------
    IndicatorResult
        Facts and table `steps`: for the first attribute, the first two, and so on, the bits, the gain, and the share of
        items whose text no other item has. Table `items`: bits, tokens, and the number of attributes after which the
        item is told apart (0 where it never is).
    """
    tokens = catalogue.tokens(design)
    if not len(tokens) or tokens.empty.all():
        return IndicatorResult.impossible("informativeness", "no item has any text under this design")
    steps, apart = _steps(tokens)
    bits = steps[-1].pop("each")
    items = pd.DataFrame({"item": np.arange(len(tokens)), "bits": bits, "tokens": np.diff(tokens.offsets)})
    items["told_apart_after"] = apart
    for step in steps:
        step.pop("each", None)
    facts = {"items": len(tokens), "steps": steps, "distinguishable": steps[-1]["distinguishable"]}
    note = "cut at the caps of the design; all items"
    return IndicatorResult.of(
        "informativeness", bits.mean(), note=note, facts=facts, tables={"items": items, "steps": pd.DataFrame(steps)}
    )


def _steps(tokens: DesignTokens | ItemTexts) -> tuple[list[dict], np.ndarray]:
    """What each attribute adds."""
    steps, before, shown = list[dict](), 0.0, np.zeros(len(tokens), bool)
    apart = np.zeros(len(tokens), np.int64)
    for number, name in enumerate(tokens.design.attributes, start=1):
        each, unique = told_apart(tokens, number)
        new = unique & ~shown
        apart[new] = number
        apart[~unique] = 0
        shown = unique
        bits = float(each.mean())
        shares = {"distinguishable": float(unique.mean()), "newly_distinguishable": float(new.mean())}
        steps.append({"added": name, "bits": bits, "gain": bits - before, **shares, "each": each})
        before = bits
    return steps, apart
