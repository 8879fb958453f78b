"""Near-identical texts: pairs of items whose sets of words overlap almost wholly, found exactly."""

import numpy as np
import pandas as pd
from scipy.sparse import csr_matrix

ALIKE = 0.9  # Jaccard similarity of the sets of words
_CHUNK = 2000


def near_identical(item: np.ndarray, code: np.ndarray, items: int, alike: float = ALIKE) -> pd.DataFrame:
    """For every item that has one, the item most like it: columns item, other, similarity (Jaccard, at least `alike`).

    `item` (n,), `code` (n,): the words of the items. Items with the same set of words have similarity 1. Two sets that
    overlap so much share one of their rarest words (prefix filter: Chaudhuri et al., ICDE 2006), so only pairs that do
    are compared. Items without words are like nothing.
    """
    words = int(code.max(initial=-1)) + 1
    pairs = np.unique(item.astype(np.int64) * max(words, 1) + code)
    item, code = pairs // max(words, 1), pairs % max(words, 1)
    matrix = csr_matrix((np.ones(len(item), np.int32), (item, code)), shape=(items, max(words, 1)))
    return _pairs(matrix, alike)


def _pairs(matrix: csr_matrix, alike: float) -> pd.DataFrame:
    sizes = np.diff(matrix.indptr)
    # Items with the same set are compared once, by their first.
    mark = np.random.default_rng(0).integers(1, 2**62, size=matrix.shape[1], dtype=np.int64).astype(np.uint64)
    sets = np.add.reduceat(np.append(mark[matrix.indices], np.uint64(0)), matrix.indptr[:-1]) * (sizes > 0)
    label, _ = pd.factorize(sets)
    first = np.unique(label, return_index=True)[1]
    first = first[sizes[first] > 0]
    left, right, found = _between(matrix[first], alike)
    best = pd.DataFrame({"item": first[np.concatenate([left, right])], "other": first[np.concatenate([right, left])]})
    best["similarity"] = np.concatenate([found, found])
    best = best.sort_values(["similarity", "other"], ascending=[False, True]).drop_duplicates("item")
    # Every item of a set has the partner of its set, and where a set has several items, one of them.
    of_label = best.assign(label=label[best.item]).set_index("label")
    rows = pd.DataFrame({"item": np.flatnonzero(sizes > 0)})
    rows["label"] = label[rows.item]
    rows = rows.join(of_label[["other", "similarity"]], on="label")
    same = rows.groupby("label")["item"].agg(["first", "last", "size"])
    joined = rows.join(same, on="label")
    twin = (joined["size"] > 1).to_numpy()
    partner = np.where(joined["item"] == joined["first"], joined["last"], joined["first"])
    rows["other"] = np.where(twin, partner, rows["other"])
    rows["similarity"] = np.where(twin, 1.0, rows["similarity"])
    rows = rows.dropna(subset="other")[["item", "other", "similarity"]]
    return rows.astype({"other": np.int64}).reset_index(drop=True)


def _between(sets: csr_matrix, alike: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Pairs (a < b) of distinct sets with at least this similarity, and the similarity."""
    sizes = np.diff(sets.indptr)
    frequency = np.bincount(sets.indices, minlength=sets.shape[1])
    owner = np.repeat(np.arange(len(sizes)), sizes)
    order = np.lexsort((sets.indices, frequency[sets.indices], owner))
    place = np.arange(len(order)) - np.repeat(sets.indptr[:-1], sizes)
    rare = order[place < np.repeat(sizes - np.ceil(alike * sizes - 1e-9).astype(int) + 1, sizes)]
    prefix = csr_matrix((np.ones(len(rare), np.int32), (owner[rare], sets.indices[rare])), shape=sets.shape)
    turned = prefix.T.tocsr()
    left, right, similarity = [], [], []
    for start in range(0, len(sizes), _CHUNK):
        candidates = (prefix[start : start + _CHUNK] @ turned).tocoo()
        a, b = candidates.row + start, candidates.col
        fits = (a < b) & (np.minimum(sizes[a], sizes[b]) >= alike * np.maximum(sizes[a], sizes[b]))
        a, b = a[fits], b[fits]
        for part in range(0, len(a), 200_000):
            i, j = a[part : part + 200_000], b[part : part + 200_000]
            shared = np.asarray(sets[i].multiply(sets[j]).sum(axis=1)).ravel()
            jaccard = shared / (sizes[i] + sizes[j] - shared)
            good = jaccard >= alike - 1e-9
            left.append(i[good])
            right.append(j[good])
            similarity.append(jaccard[good])
    none = np.zeros(0, np.int64)
    return np.concatenate([none, *left]), np.concatenate([none, *right]), np.concatenate([np.zeros(0), *similarity])
