"""What rivals are known to reach: published or publicly reproduced figures, by dataset and model."""

from dataclasses import dataclass

from upsr_core.datasets.store import Dataset

# Full ranking without the items of the history, leave-one-out, all users. HR@10 is Recall@10: there is one target.
MEASURES = ("HR@10 (full)", "NDCG@10 (full)")


@dataclass(frozen=True)
class Band:
    """From `low` a result counts as healthy; `published` is what the source reports. Keys are of MEASURES."""

    low: dict[str, float]
    published: dict[str, float]
    source: str


def _band(low: tuple[float, ...], published: tuple[float, ...], source: str) -> Band:
    return Band(dict(zip(MEASURES, low, strict=False)), dict(zip(MEASURES, published, strict=False)), source)


S3REC = "Zhou et al., S3-Rec, CIKM 2020, and the tables of TIGER, NeurIPS 2023"
REPRODUCED = "public reproductions with cross-entropy over all items"
BANDS = {
    "amazon-beauty-2014": {
        "sasrec-bce": _band((0.054, 0.028), (0.0605, 0.0318), f"{S3REC}; reproductions reach .054 to .060"),
        "sasrec-ce": _band((0.083, 0.048), (0.086, 0.050), REPRODUCED),
        "bert4rec": _band((0.034, 0.0165), (0.0347, 0.0170), f"{S3REC}; the lower bound of NDCG is ours"),
        "popularity": _band((0.0104, 0.0049), (0.0114, 0.0054), "measured on this split; it has no choice"),
    },
    "amazon-toys-2014": {
        "sasrec-bce": _band((0.060, 0.033), (0.0675, 0.0374), f"{S3REC}; the lower bounds are ours"),
        "sasrec-ce": _band((0.070,), (), "expected; no table of this variant is at hand"),
        "bert4rec": _band((0.0195, 0.0095), (0.0203, 0.0099), f"{S3REC}; the lower bounds are ours"),
    },
}
# A dataset is known by its size, because its name and its files are the user's: users, items, interactions.
SIZES = {(22363, 12101, 198502): "amazon-beauty-2014", (19412, 11924, 167597): "amazon-toys-2014"}


def known_as(dataset: Dataset) -> str | None:
    """The public name of a dataset that has bands, None for any other."""
    return SIZES.get((len(dataset.users), dataset.n_items, len(dataset.sequence)))


def band_of(dataset: Dataset, model: str) -> Band | None:
    """What is known of a model on a dataset; None where nothing is."""
    name = known_as(dataset)
    return None if name is None else BANDS.get(name, {}).get(model)
