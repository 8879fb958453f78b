"""Who is trained on what and tested on what: histories and targets per user."""

from dataclasses import dataclass
from typing import Literal, Self

import numpy as np
import pandas as pd
from pydantic import Field, model_validator

from upsr_core.datasets.store import Dataset
from upsr_core.schema import Spec


class SplitSpec(Spec):
    """How behaviour is divided.

    Attributes
    ----------
    kind
        `leave-one-out`: a user's last event is the test target, the one before it the validation target.
        `leave-last-k`: the last k events are test targets, all seen from the history that ends before the first of
        them. `zero-shot`: every event but the first is a test target; nothing is trained.
    k
        Of `leave-last-k` alone.
    """

    kind: Literal["leave-one-out", "leave-last-k", "zero-shot"] = "leave-one-out"
    k: int = Field(default=1, ge=1)

    @model_validator(mode="after")
    def _only_last_k_has_a_k(self) -> Self:
        if self.kind != "leave-last-k" and self.k != 1:
            raise ValueError(f"k is {self.k}, but only leave-last-k has a k")
        return self


@dataclass(frozen=True, eq=False)
class Split:
    """Instances of a dataset; a history is `dataset.history(user)[:end]` and never empty.

    Attributes
    ----------
    training : DataFrame
        Columns user, end; the events before `end` are trained on, of a user too short to be tested all of them.
    validation : DataFrame
        Columns user, end, target (item index), cold (the target is in no training event).
    test : DataFrame
        The same and step: 1 for the event right after the history, 2 for the next, and so on.
    not_evaluated
        Users with too few events for a test instance.
    taken_before
        Of "validation" and of "test" the instances left out because their target is in their history. The candidates
        hold no other item of it, so its being there would give the target away.
    """

    training: pd.DataFrame
    validation: pd.DataFrame
    test: pd.DataFrame
    not_evaluated: int
    taken_before: dict[str, int]
    spec: SplitSpec


def split(dataset: Dataset, spec: SplitSpec) -> Split:
    """Divide a dataset. The test history of leave-one-out holds the validation event; that of leave-last-k too."""
    lengths = np.diff(dataset.offsets)
    return _zero_shot(dataset, lengths, spec) if spec.kind == "zero-shot" else _leave_last(dataset, lengths, spec)


def _leave_last(dataset: Dataset, lengths: np.ndarray, spec: SplitSpec) -> Split:
    users = np.arange(len(lengths))
    # One event to train on, one to validate, k to test.
    long_enough = lengths >= spec.k + 2
    ends = np.where(long_enough, lengths - spec.k - 1, lengths)
    training = pd.DataFrame({"user": users, "end": ends})[ends >= 1].reset_index(drop=True)
    trained = _trained_items(dataset, lengths, ends)
    evaluated, length = users[long_enough], lengths[long_enough]
    validation = _instances(dataset, evaluated, length - spec.k - 1, 1, trained)
    test = _instances(
        dataset,
        np.repeat(evaluated, spec.k),
        np.repeat(length - spec.k, spec.k),
        np.tile(np.arange(1, spec.k + 1), len(evaluated)),
        trained,
    )
    short = int((~long_enough).sum())
    (validation, test), taken_before = _new_to_the_user(dataset, validation, test)
    return Split(training, validation.drop(columns="step"), test, short, taken_before, spec)


def _zero_shot(dataset: Dataset, lengths: np.ndarray, spec: SplitSpec) -> Split:
    user = np.repeat(np.arange(len(lengths)), np.maximum(lengths - 1, 0))
    end = _places_within(np.maximum(lengths - 1, 0)) + 1
    test = _instances(dataset, user, end, 1, np.zeros(dataset.n_items, bool))
    nobody = test.drop(columns="step").iloc[:0]
    (_, test), taken_before = _new_to_the_user(dataset, test.iloc[:0], test)
    return Split(nobody[["user", "end"]], nobody, test, int((lengths < 2).sum()), taken_before, spec)


def _instances(
    dataset: Dataset, user: np.ndarray, end: np.ndarray, step: np.ndarray | int, trained: np.ndarray
) -> pd.DataFrame:
    step = np.broadcast_to(np.asarray(step, np.int64), user.shape)
    target = dataset.sequence[dataset.offsets[user] + end + step - 1]
    return pd.DataFrame({"user": user, "end": end, "target": target, "cold": ~trained[target], "step": step})


def _new_to_the_user(
    dataset: Dataset, validation: pd.DataFrame, test: pd.DataFrame
) -> tuple[tuple[pd.DataFrame, pd.DataFrame], dict[str, int]]:
    """The instances whose target is not in their history, validation and test, and how many others there were."""
    if not dataset.report["repeats"]:
        return (validation, test), {"validation": 0, "test": 0}
    owner = np.repeat(np.arange(len(dataset.offsets) - 1), np.diff(dataset.offsets))
    # The first of a user's events with an item says since when it has been in the history.
    _, first, which = np.unique(owner * dataset.n_items + dataset.sequence, return_index=True, return_inverse=True)
    kept, left_out = [], dict[str, int]()
    for name, instances in (("validation", validation), ("test", test)):
        before = dataset.offsets[instances.user.to_numpy()] + instances.end.to_numpy()
        taken = first[which[before + instances.step.to_numpy() - 1]] < before
        kept.append(instances[~taken].reset_index(drop=True))
        left_out[name] = int(taken.sum())
    return (kept[0], kept[1]), left_out


def _trained_items(dataset: Dataset, lengths: np.ndarray, ends: np.ndarray) -> np.ndarray:
    """Which items (n_items,) bool occur in a training event."""
    in_training = _places_within(lengths) < np.repeat(ends, lengths)
    trained = np.zeros(dataset.n_items, bool)
    trained[dataset.sequence[in_training]] = True
    return trained


def training_counts(dataset: Dataset, parts: Split) -> np.ndarray:
    """Training events of every item, (n_items,) int64; validation and test events do not count."""
    return np.bincount(dataset.sequence[trained_events(dataset, parts)], minlength=dataset.n_items)


def trained_events(dataset: Dataset, parts: Split) -> np.ndarray:
    """Which events (n_events,) bool are trained on; the others are held out."""
    ends = np.zeros(len(dataset.users), dtype=np.int64)
    ends[parts.training.user.to_numpy()] = parts.training.end.to_numpy()
    lengths = np.diff(dataset.offsets)
    return _places_within(lengths) < np.repeat(ends, lengths)


def training_histories(dataset: Dataset, parts: Split) -> list[np.ndarray]:
    """The events that a model may learn from.

    Returns
    -------
    list of ndarray of int32
        Item indices of each user, oldest first. At least two: with one there is nothing to predict it from.
    """
    rows = parts.training[parts.training.end >= 2]
    return [dataset.history(user)[:end] for user, end in zip(rows.user.tolist(), rows.end.tolist(), strict=True)]


def _places_within(lengths: np.ndarray) -> np.ndarray:
    """0, 1, …, length - 1 for every user, one after the other."""
    starts = np.cumsum(lengths) - lengths
    return np.arange(lengths.sum()) - np.repeat(starts, lengths)
