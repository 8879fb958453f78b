"""Datasets made by hand."""

from pathlib import Path

import numpy as np
import pandas as pd

from upsr_core.datasets.spec import DatasetSpec
from upsr_core.datasets.store import Dataset
from upsr_core.schema import digest_of


def made(items: dict[str, list[str]], histories=(), name: str = "made") -> Dataset:
    """A dataset of these attribute values and item indices per user, without files."""
    frame = pd.DataFrame(items)
    frame.insert(0, "item_id", [f"i{number}" for number in range(len(frame))])
    histories = [list(history) for history in histories]
    return Dataset(
        name=name,
        digest=digest_of([name, items, [list(map(int, history)) for history in histories]]),
        folder=Path(),
        spec=DatasetSpec.model_construct(),
        report={"repeats": 1},
        n_items=len(frame),
        columns=tuple(frame.columns),
        read_items=lambda: frame,
        users=pd.Series([f"u{number}" for number in range(len(histories))]),
        offsets=np.concatenate([[0], np.cumsum([len(history) for history in histories])]).astype(np.int64),
        sequence=np.array([item for history in histories for item in history], dtype=np.int32),
        timestamps=None,
    )


def silent(*_) -> None:
    pass
