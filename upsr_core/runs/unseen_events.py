"""No run may learn, before it is tuned, from the very events that it is judged by."""

import numpy as np
import pandas as pd

from upsr_core.datasets.splits import split, trained_events
from upsr_core.datasets.store import Dataset
from upsr_core.errors import RunError
from upsr_core.runs.spec import RunSpec
from upsr_core.schema import ITEM, TIME, USER


def check_pretraining(spec: RunSpec) -> None:
    """Raise RunError where the pre-training of a run would see held-out events of the dataset that it ranks.

    An event is a user, an item and a time, by the ids of the source; where one of the two datasets has no times, a
    user and an item. The same log, prepared with other thresholds or under another name, is found by it; only events
    that the pre-training would learn from count.
    """
    if not spec.pretrain_on:
        return
    dataset = spec.dataset.load()
    held_out = _events(dataset, ~trained_events(dataset, split(dataset, spec.split)))
    for ref in spec.pretrain_on:
        source = ref.load()
        if source.digest == dataset.digest and spec.pretraining_split == spec.split:
            continue  # both leave out the same events, and with repeats of an item a pair says less than its place
        learned = _events(source, trained_events(source, split(source, spec.pretraining_split)))
        timed = dataset.timestamps is not None and source.timestamps is not None
        by = [USER, ITEM, TIME] if timed else [USER, ITEM]
        shared = held_out.merge(learned[by].drop_duplicates(), on=by)
        if len(shared):
            raise RunError(
                f"{source.name!r} holds events that {dataset.name!r} is judged by",
                f"{len(shared):,} of its {len(held_out):,} held-out events, the same "
                f"{'user, item and time' if timed else 'user and item'}, would be learned in the pre-training",
                "Leave it out of the pre-training; it may be made of the same log.",
            )


def _events(dataset: Dataset, chosen: np.ndarray) -> pd.DataFrame:
    """The events of a mask (n_events,): user_id, item_id and, where there are times, timestamp."""
    owner = np.repeat(np.arange(len(dataset.users)), np.diff(dataset.offsets))
    table = {
        USER: dataset.users.to_numpy()[owner[chosen]],
        ITEM: dataset.items[ITEM].to_numpy()[dataset.sequence[chosen]],
    }
    if dataset.timestamps is not None:
        table[TIME] = dataset.timestamps[chosen]
    return pd.DataFrame(table)
