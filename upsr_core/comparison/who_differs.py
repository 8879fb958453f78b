"""For whom: the users between whom two entries differ most, and slices of the instances."""

from itertools import pairwise

import numpy as np
import pandas as pd

from upsr_core.comparison.compare import columns_of, mean_of
from upsr_core.comparison.entries import Compared, Entry
from upsr_core.datasets.splits import split, training_counts
from upsr_core.datasets.store import Dataset
from upsr_core.evaluation.statistics import by_user, mean_interval

LENGTHS = (1, 3, 5, 8, 12, 20, 50)
COUNTS = (0, 2, 5, 10, 20, 50, 100)
TOKENS = (8, 12, 16, 20, 25, 30, 40)
WORDS = (2, 4, 6, 8, 12, 20)
CATEGORIES = 10
SLICES = {
    "history": "History length",
    "popularity": "Popularity of the target",
    "category": "Category of the target",
    "cold": "Target seen in training",
    "text": "Length of the target's text",
}


def movers(compared: Compared, a: Entry, b: Entry, metric: str = "NDCG@10") -> pd.DataFrame:
    """The instances with what a gains over b, largest change first; seeds are averaged.

    Columns: user (index), user_id, end, step, target (title or id), cold, rank_a, rank_b, change (of the metric), ranks
    gained (`gained`, rank_b - rank_a).
    """
    data = compared.first.spec.dataset.load()
    table = compared.instances.copy()
    table.insert(1, "user_id", np.asarray(data.users)[table.user])
    items = data.items.iloc[table.target]
    titles = items.get("title", items.item_id)
    table["target"] = np.where(titles != "", titles, items.item_id)
    table["rank_a"], table["rank_b"] = a.ranks.mean(axis=0), b.ranks.mean(axis=0)
    table["change"] = a.users(metric) - b.users(metric)
    table["gained"] = table.rank_b - table.rank_a
    order = np.lexsort((-table.gained.abs(), -table.change.abs()))
    return table.iloc[order].reset_index(drop=True)


def slice_labels(compared: Compared, by: str) -> tuple[pd.Categorical, str]:
    """The slice of every instance, slices in their order, and what is counted, in words."""
    data, instances = compared.first.spec.dataset.load(), compared.instances
    if by == "history":
        return _binned(instances.end.to_numpy(), LENGTHS), "items of the history"
    if by == "popularity":
        counts = training_counts(data, split(data, compared.first.spec.split))[instances.target]
        return _binned(counts, COUNTS), "training events of the target"
    if by == "cold":
        return pd.Categorical.from_codes(instances.cold.to_numpy(int), ["trained on", "cold"]), "target"
    if by == "category":
        return _categories(data, instances.target.to_numpy()), f"the {CATEGORIES} most frequent and the rest"
    return _text_lengths(compared, data, instances.target.to_numpy())


def slices(compared: Compared, by: str, metric: str = "NDCG@10") -> tuple[pd.DataFrame, str]:
    """Every entry in every slice, and what is counted, in words.

    Columns: slice, instances, id, label, value with its interval (value_low, value_high; NaN where none holds, and
    value_why), and what the entry gains over the first one in the same form: difference.
    """
    labels, what = slice_labels(compared, by)
    rows, first, users = [], compared.entries[0], compared.instances.user.to_numpy()
    for name in labels.categories:
        chosen = np.flatnonzero(np.asarray(labels) == name)
        if not len(chosen):
            continue
        for entry in compared.entries:
            mine, gains = entry.metrics[metric][:, chosen], entry.users(metric)[chosen] - first.users(metric)[chosen]
            value, gain = mean_of(by_user(mine, users[chosen])), mean_interval(by_user(gains, users[chosen]))
            row = {"slice": name, "instances": len(chosen), "id": entry.id, "label": entry.label}
            rows.append(row | columns_of(value, "value") | columns_of(gain, "difference"))
    return pd.DataFrame(rows), what


def _binned(values: np.ndarray, edges: tuple[int, ...]) -> pd.Categorical:
    """Whole numbers in ranges that end at `edges`.

    >>> _binned(np.array([1, 4, 9]), (1, 5)).tolist()
    ['1', '2 to 5', 'over 5']
    """
    names = [str(edges[0]) if edges[0] < 2 else f"up to {edges[0]}"]
    names += [f"{low + 1} to {high}" if low + 1 < high else str(high) for low, high in pairwise(edges)]
    return pd.Categorical.from_codes(np.searchsorted(edges, values), [*names, f"over {edges[-1]}"])


def _categories(data: Dataset, targets: np.ndarray) -> pd.Categorical:
    if "category" not in data.items:
        return pd.Categorical(np.full(len(targets), "the data have no category"))
    names = data.items["category"].to_numpy()[targets]
    names = pd.Series(np.where(names == "", "no category", names))
    kept = names.value_counts().index[:CATEGORIES].tolist()
    return pd.Categorical(names.where(names.isin(kept), "all others"), [*kept, "all others"])


def _text_lengths(compared: Compared, data: Dataset, targets: np.ndarray) -> tuple[pd.Categorical, str]:
    """Tokens as the first entry that reads texts reads them; words of the title where none does."""
    spec = next((entry.runs[0].spec for entry in compared.entries if entry.runs[0].spec.reads_text), None)
    if spec is None:
        titles = data.items.get("title", data.items.item_id)
        return _binned(titles.iloc[targets].str.split().str.len().to_numpy(), WORDS), "words of the target's title"
    from upsr_core.plm.loading import load_tokenizer
    from upsr_core.text.render import ItemTexts

    distinct, inverse = np.unique(targets, return_inverse=True)
    texts = ItemTexts(spec.design.finetune, data.items.iloc[distinct], load_tokenizer(spec.plm.name))
    return _binned(np.diff(texts.offsets)[inverse], TOKENS), f"tokens of the target as {spec.design.finetune.label}"
