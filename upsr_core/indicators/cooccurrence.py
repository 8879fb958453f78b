"""How items go together in training events: co-occurrence, and whether items with one text keep the same company."""

from functools import cached_property

import numpy as np
import pandas as pd
from scipy.sparse import csc_matrix, csr_matrix

from upsr_core.datasets.splits import SplitSpec, split, training_histories
from upsr_core.datasets.store import Dataset
from upsr_core.indicators.attribute_tokens import Catalogue
from upsr_core.indicators.informativeness import same_text
from upsr_core.indicators.result import IndicatorResult
from upsr_core.text.design import ItemDesign

MOST_PAIRS = 4000
EVIDENCE = 3  # co-occurring items that an item needs before its company says anything


class Behaviour:
    """Which users had which items in training events (leave-one-out: all but the last two of a user)."""

    def __init__(self, dataset: Dataset):
        self.dataset = dataset

    @cached_property
    def users(self) -> csc_matrix:
        """1 where a user (row) has an item (column) in a training event; users with one item alone left out."""
        data, count = self.dataset, len(self.dataset.items)
        histories = training_histories(data, split(data, SplitSpec())) if len(data.sequence) else []
        if not histories:
            return csc_matrix((0, count), dtype=np.float32)
        items = np.concatenate(histories)
        user = np.repeat(np.arange(len(histories)), [len(history) for history in histories])
        table = csr_matrix((np.ones(len(items), np.float32), (user, items)), shape=(len(histories), count))
        table.data[:] = 1
        return table[np.diff(table.indptr) > 1].tocsc()

    @cached_property
    def popularity(self) -> np.ndarray:
        """Users of each item (n_items,) in training events."""
        return np.diff(self.users.indptr)

    def together(self, items: np.ndarray, others: np.ndarray | None = None) -> csr_matrix:
        """Co-occurrence of `items` with `others` (all items by default): users that have both; 0 with itself."""
        others = np.arange(self.users.shape[1]) if others is None else others
        counts = (self.users[:, items].T @ self.users[:, others]).tocoo()
        apart = items[counts.row] != others[counts.col]
        return csr_matrix((counts.data[apart], (counts.row[apart], counts.col[apart])), shape=counts.shape)

    def similarity(self, items: np.ndarray, others: np.ndarray) -> csr_matrix:
        """Cosine of two items' users: co-occurrence over the root of the product of their numbers of users."""
        counts = self.together(items, others).tocoo()
        popular = self.popularity
        counts.data = counts.data / np.sqrt(popular[items[counts.row]] * popular[others[counts.col]])
        return counts.tocsr()


def conflict(catalogue: Catalogue, behaviour: Behaviour, design: ItemDesign, seed: int = 0) -> IndicatorResult:
    """Share of pairs of items with one text whose company in histories is as different as that of random pairs.

    Paper, section 3.2: one text, different user preferences. The company of an item is its row of co-occurrence counts;
    two companies are compared by cosine. A pair conflicts when its cosine does not exceed the median of random pairs.
    `auc` in the facts is the chance that a pair with one text is closer than a random pair; 0.5 means that the text
    says nothing of behaviour.

    Parameters
    ----------
    catalogue, behaviour
        The items, and who had which of them in training events.
    design
        The item texts.
    seed
        Of the random pairs, and of the 4,000 pairs that are drawn where there are more.

    Returns
    -------
    IndicatorResult
        Table `pairs`: item, other, similarity, conflict.
    """
    if not behaviour.users.nnz:
        return IndicatorResult.impossible("conflict", "no user has two training events")
    tokens = catalogue.tokens(design)
    labels = same_text(tokens.ids, tokens.offsets[:-1], np.diff(tokens.offsets))
    known = ~tokens.empty & (behaviour.popularity > 0)
    rng = np.random.default_rng([seed, 11])
    pairs, total = _pairs(labels, known, rng)
    if not len(pairs):
        facts = {"pairs": 0, "share": 0.0}
        return IndicatorResult.of("conflict", 0.0, note="no two items with events have one text", facts=facts)
    items = np.flatnonzero(known)
    random = rng.choice(items, size=(min(MOST_PAIRS, 4 * len(pairs) + 200), 2))
    random = random[labels[random[:, 0]] != labels[random[:, 1]]]
    ours, enough = _closeness(behaviour, pairs)
    theirs, comparable = _closeness(behaviour, random)
    if not enough.any() or not comparable.any():
        return IndicatorResult.impossible(
            "conflict", f"no pair with one text has {EVIDENCE} co-occurring items on each side"
        )
    pairs, ours, theirs = pairs[enough], ours[enough], theirs[comparable]
    clash = ours <= np.median(theirs)
    place = np.sort(theirs)
    below = (np.searchsorted(place, ours, "left") + np.searchsorted(place, ours, "right")) / 2
    table = pd.DataFrame({"item": pairs[:, 0], "other": pairs[:, 1], "similarity": ours, "conflict": clash})
    facts = {
        "pairs": len(pairs),
        "of_pairs": total,
        "random_pairs": len(theirs),
        "auc": float(below.mean() / len(place)),
    }
    facts |= {"similarity": float(ours.mean()), "random_similarity": float(theirs.mean())}
    note = f"{len(pairs):,} of {total:,} pairs with one text; the others were not drawn or have too few events"
    table = table.sort_values("similarity").reset_index(drop=True)
    return IndicatorResult.of("conflict", clash.mean(), note=note, facts=facts, tables={"pairs": table})


def _pairs(labels: np.ndarray, known: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, int]:
    """Distinct pairs (p, 2) of known items with one label, drawn where there are too many, and how many there are."""
    items = np.flatnonzero(known)
    items = items[np.argsort(labels[items], kind="stable")]
    starts = np.flatnonzero(np.diff(labels[items], prepend=-1))
    sizes = np.diff(np.append(starts, len(items)))
    counts = sizes * (sizes - 1) // 2
    total = int(counts.sum())
    if total == 0:
        return np.zeros((0, 2), np.int64), 0
    chosen = np.arange(total) if total <= MOST_PAIRS else np.unique(rng.integers(0, total, size=MOST_PAIRS))
    ends = np.cumsum(counts)
    group = np.searchsorted(ends, chosen, side="right")
    inside = chosen - (ends - counts)[group]
    # The pair number within a group in the order (0,1), (0,2), (1,2), (0,3), ...
    second = ((1 + np.sqrt(1 + 8 * inside)) / 2).astype(np.int64)
    second -= second * (second - 1) // 2 > inside
    first = inside - second * (second - 1) // 2
    return np.stack([items[starts[group] + first], items[starts[group] + second]], axis=1), total


def _closeness(behaviour: Behaviour, pairs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Cosine of the company of each pair (p,), and whether both have enough of it."""
    rows, place = np.unique(pairs, return_inverse=True)
    place = place.reshape(pairs.shape)
    company = behaviour.together(rows)
    enough = np.diff(company.indptr) >= EVIDENCE
    norms = np.sqrt(np.asarray(company.multiply(company).sum(axis=1)).ravel())
    left, right = place[:, 0], place[:, 1]
    found = np.zeros(len(pairs))
    for part in range(0, len(pairs), 500):
        here = slice(part, part + 500)
        dots = np.asarray(company[left[here]].multiply(company[right[here]]).sum(axis=1)).ravel()
        found[here] = dots / np.maximum(norms[left[here]] * norms[right[here]], 1e-12)
    return found, enough[left] & enough[right]
