"""Full-text search over the items of a catalogue."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy.sparse import csc_matrix
from sklearn.feature_extraction.text import TfidfVectorizer


class ItemIndex:
    """Every word of every attribute, and the ids; upper and lower case and accents do not count.

    Words weigh by how rare they are (tf-idf, the term frequency in logarithms), so the item that a query is about
    comes before those that mention it.
    """

    def __init__(self, items: pd.DataFrame):
        # A word is a run of letters and digits of any script.
        self.vectors = TfidfVectorizer(strip_accents="unicode", token_pattern=r"[^\W_]+", sublinear_tf=True)
        texts = items.astype(str).agg(" ".join, axis=1)
        self.count = len(items)
        self.weights = self.vectors.fit_transform(texts).tocsc() if texts.str.contains(r"[^\W_]").any() else None
        self.words = np.array(sorted(self.vectors.vocabulary_)) if self.weights is not None else np.array([])

    def find(self, query: str, most: int | None = None) -> np.ndarray:
        """Indices of the items in which a word begins with each word of `query`, the best match first.

        Nothing for a query without letters or digits.
        """
        words = self.vectors.build_analyzer()(query)
        if not words or self.weights is None:
            return np.zeros(0, dtype=np.int64)
        total, found = np.zeros(self.count), np.ones(self.count, dtype=bool)
        for word in words:
            weight = self._weight(self.weights, word)
            total, found = total + weight, found & (weight > 0)
        hits = np.flatnonzero(found)
        return hits[np.argsort(-total[hits], kind="stable")][:most]

    def _weight(self, weights: csc_matrix, beginning: str) -> np.ndarray:
        """The largest weight (n_items,) of the words that begin so; a whole word counts double."""
        start, end = np.searchsorted(self.words, [beginning, beginning + "\U0010ffff"])
        columns = [self.vectors.vocabulary_[word] for word in self.words[start:end]]
        if not columns:
            return np.zeros(self.count)
        weight = weights[:, columns].max(axis=1).toarray().ravel()
        if beginning in self.vectors.vocabulary_:
            weight += weights[:, self.vectors.vocabulary_[beginning]].toarray().ravel()
        return weight


def users_with(sequences: Sequence[np.ndarray], items: np.ndarray) -> np.ndarray:
    """Which sequences (n,) bool hold one of `items`."""
    return np.array([bool(np.isin(sequence, items).any()) for sequence in sequences], dtype=bool)
