"""A catalogue under one design in numbers: tokens per item and attribute, what the caps cut, what fits a prompt."""

import numpy as np
import pandas as pd

from upsr_core.datasets.store import Dataset
from upsr_core.text.cut import CutTexts, cut_of
from upsr_core.text.prompt import SequenceBuilder
from upsr_core.text.render import ItemTexts
from upsr_core.text.truncation import kept_before_mask


def token_counts(texts: CutTexts) -> pd.DataFrame:
    """One row per item: `tokens` as cut, `full_tokens` before the caps.

    The stand-in token of an item without text is no token of its text.
    """
    kept = np.where(texts.empty, 0, np.diff(texts.offsets))
    return pd.DataFrame({"tokens": kept, "full_tokens": texts.full_tokens})


def attribute_tokens(texts: CutTexts) -> pd.DataFrame:
    """Mean tokens per item that each attribute keeps: columns `attribute`, `tokens`, in the design's order."""
    kept = cut_of(texts).attributes
    return pd.DataFrame({"attribute": list(kept), "tokens": [each.tokens for each in kept.values()]})


def summary(texts: ItemTexts) -> dict[str, float]:
    """`mean_tokens` kept per item; shares in [0, 1]: `cut` (items that lose tokens), `tokens_lost` (of all tokens),
    `identical` (items whose kept tokens equal another item's), `empty` (items without any text).
    """
    counts = token_counts(texts)
    full = int(counts.full_tokens.sum())
    kept = int(counts.tokens.sum())
    items = max(1, len(texts))
    return {
        "mean_tokens": float(counts.tokens.mean()) if len(texts) else 0.0,
        "cut": float((counts.full_tokens > counts.tokens).mean()) if len(texts) else 0.0,
        "tokens_lost": 1 - kept / full if full else 0.0,
        "identical": texts.identical() / items,
        "empty": float(texts.empty.sum()) / items,
    }


def history_fit(builder: SequenceBuilder, dataset: Dataset) -> pd.DataFrame:
    """One row per user: `items` in the history before the last event, `kept` how many of the newest fit the prompt.

    The same numbers as `builder.ranking(history)` gives one by one, for all users at once.
    """
    starts, ends = dataset.offsets[:-1], dataset.offsets[1:] - 1
    kept = kept_before_mask(builder.lengths[dataset.sequence], starts, ends, builder.room)
    return pd.DataFrame({"items": ends - starts, "kept": kept})


def identical_groups(texts: ItemTexts) -> np.ndarray:
    """A number from 1 for each group of items whose tokens, as cut, are the same (n_items,); 0 for an item alone."""
    keys = pd.Series([texts.ids_of(number).tobytes() for number in range(len(texts))], dtype=object)
    shared = keys[keys.duplicated(keep=False)].drop_duplicates()
    return keys.map({key: number for number, key in enumerate(shared, start=1)}).fillna(0).to_numpy(dtype=np.int64)
