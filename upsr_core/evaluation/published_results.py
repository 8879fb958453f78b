"""What rivals are known to reach: published and publicly reproduced figures, by the data they were measured on."""

import hashlib
from dataclasses import dataclass
from typing import Literal

import numpy as np

from upsr_core.datasets.store import Dataset

# Full ranking, leave-one-out, all users. HR@10 is Recall@10: there is one target.
MEASURES = {
    "left out": ("HR@10 (full)", "NDCG@10 (full)"),
    "kept": ("HR@10 (full, history kept)", "NDCG@10 (full, history kept)"),
}
TOO_GOOD = 1.25  # times the best known figure: no change of settings that we know of gained so much


@dataclass(frozen=True)
class Known:
    """A figure that somebody reached.

    `history` says whether the items of the user's history were among the candidates. `ours` were measured with this
    product, which makes them a check of what has changed since and no evidence of its own.
    """

    hr: float
    ndcg: float
    source: str
    history: Literal["left out", "kept"] = "left out"
    ours: bool = False

    @property
    def figures(self) -> dict[str, float]:
        """The figures by measure."""
        return dict(zip(MEASURES[self.history], (self.hr, self.ndcg), strict=True))


@dataclass(frozen=True)
class Band:
    """Where a result of a model on a dataset is expected, by measure, and the figures that this follows from.

    Below `low` the model is trained too short or wrong; above `high` it is better than anything known, which is more
    often a fault than a discovery.
    """

    low: dict[str, float]
    high: dict[str, float]
    known: tuple[Known, ...]


def _band(low: tuple[float, float], *known: Known, above: float = TOO_GOOD) -> Band:
    """From `low`, which is our choice, to `above` times the best of `known`, which are of one kind of candidates."""
    measures = MEASURES[known[0].history]
    high = {name: above * max(each.figures[name] for each in known) for name in measures}
    return Band(dict(zip(measures, low, strict=True)), high, known)


S3REC = "Zhou et al., S3-Rec, CIKM 2020, and the table of TIGER, NeurIPS 2023"
# Not the network of SASRec's authors, which `sasrec-bce` is: see docs/rivals.md for what that changes.
S3RECS = f"another transformer, {S3REC}"
ESASREC = "eSASRec, RecSys 2025, academic benchmarks in its repository; cold targets dropped"
UNISREC = "Hou et al., UniSRec, KDD 2022, Table 2"
VQREC = "Hou et al., VQ-Rec, WWW 2023"
OURS = "measured with this product"

BANDS: dict[str, dict[str, Band]] = {
    "amazon-beauty-2014": {
        "sasrec-bce": _band(
            (0.050, 0.0245), Known(0.0605, 0.0318, f"this loss on {S3RECS}"), Known(0.0531, 0.0263, OURS, ours=True)
        ),
        "sasrec-ce": _band(
            (0.083, 0.048),
            Known(0.0917, 0.0554, OURS, ours=True),
            Known(0.0921, 0.0531, f"SASRec with a sampled softmax, {ESASREC}"),
            Known(0.0928, 0.0523, f"eSASRec, {ESASREC}"),
        ),
        "bert4rec": _band((0.034, 0.0165), Known(0.0347, 0.0170, S3REC)),
        "popularity": _band((0.0113, 0.0053), Known(0.0114, 0.0054, OURS, ours=True), above=1.02),
    },
    "amazon-toys-2014": {
        "popularity": _band((0.0089, 0.0048), Known(0.0090, 0.0049, OURS, ours=True), above=1.02),
        "sasrec-bce": _band((0.055, 0.029), Known(0.0675, 0.0374, f"this loss on {S3RECS}")),
        "sasrec-ce": _band(
            (0.083, 0.048),
            Known(0.0973, 0.0614, OURS, ours=True),
            Known(0.0970, 0.0580, f"SASRec with a sampled softmax, {ESASREC}"),
            Known(0.0939, 0.0538, f"eSASRec, {ESASREC}"),
        ),
        "bert4rec": _band((0.0195, 0.0095), Known(0.0203, 0.0099, S3REC)),
    },
    "unisrec-scientific": {
        "sasrec-ce": _band((0.095, 0.048), Known(0.1080, 0.0553, f"SASRec, {UNISREC}", "kept")),
        "unisrec": _band(
            (0.105, 0.056),
            Known(0.1188, 0.0641, f"text alone, {UNISREC}", "kept"),
            Known(0.1238, 0.0645, f"VQ-Rec, {VQREC}", "kept"),
        ),
        "unisrec-transductive": _band(
            (0.110, 0.056),
            Known(0.1235, 0.0634, f"text and item ids, {UNISREC}", "kept"),
            Known(0.1238, 0.0645, f"VQ-Rec, {VQREC}", "kept"),
        ),
    },
}
# Of the whole datasets, see `content_of`; Scientific as UniSRec's repository gives it, histories cut at 50 items.
CONTENTS = {
    "10ea450ded03c9c0": "amazon-beauty-2014",
    "561a7fa0e33d2214": "amazon-toys-2014",
    "42280f5bc8999b34": "unisrec-scientific",
}


def content_of(dataset: Dataset) -> str:
    """A digest of who took what, whatever users and items are called: the name and the files are the user's.

    Every user is the sorted list of how often each of its items was taken by all; the users' lists are sorted. Order
    within a history does not count, because events of one day come in another order from every source.
    """
    popularity = np.bincount(dataset.sequence, minlength=dataset.n_items)[dataset.sequence].astype(np.int32)
    parts = np.split(popularity, dataset.offsets[1:-1])
    users = sorted(np.sort(part).astype(">i4").tobytes() for part in parts)
    total = hashlib.sha256()
    for user in users:
        total.update(len(user).to_bytes(8, "big") + user)
    return total.hexdigest()[:16]


def known_as(dataset: Dataset) -> str | None:
    """The public name of a dataset that has bands, None for any other."""
    return CONTENTS.get(content_of(dataset))


def band_of(dataset: Dataset, model: str) -> Band | None:
    """What is known of a model on a dataset; None where nothing is."""
    name = known_as(dataset)
    return None if name is None else BANDS[name].get(model)
