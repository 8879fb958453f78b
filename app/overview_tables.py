"""What the core stores, as the small tables that pages show and charts draw."""

import numpy as np
import pandas as pd

from upsr_core.datasets.store import Dataset


def coverage(data: Dataset) -> pd.DataFrame:
    """Share of items that have each attribute: columns attribute, share."""
    shares = [float((data.items[name] != "").mean()) for name in data.attributes]
    return pd.DataFrame({"attribute": data.attributes, "share": shares})


def history_lengths(data: Dataset) -> pd.DataFrame:
    """How many users have how many interactions: columns value, count."""
    values, counts = np.unique(np.diff(data.offsets), return_counts=True)
    return pd.DataFrame({"value": values, "count": counts})


def popularity(data: Dataset) -> pd.DataFrame:
    """Interactions of every item, the most popular first: columns rank, interactions; at most 2,000 points."""
    counts = np.sort(np.bincount(data.sequence, minlength=len(data.items)))[::-1]
    counts = counts[counts > 0]
    ranks = np.arange(1, len(counts) + 1)
    if len(ranks) > 2000:
        chosen = np.unique(np.geomspace(1, len(ranks), 2000).astype(int)) - 1
        ranks, counts = ranks[chosen], counts[chosen]
    return pd.DataFrame({"rank": ranks, "interactions": counts})


def matching(items: pd.DataFrame, words: str) -> np.ndarray:
    """Positions of the items in whose texts or id every word occurs, upper and lower case alike."""
    found = np.ones(len(items), dtype=bool)
    for word in words.split():
        hit = np.zeros(len(items), dtype=bool)
        for column in items.columns:
            hit |= items[column].astype(str).str.contains(word, case=False, regex=False).to_numpy()
        found &= hit
    return np.flatnonzero(found)
