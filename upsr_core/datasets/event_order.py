"""Events on the disk in their final order, read and thinned out a part at a time; which of them are repeats."""

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

EVENTS_AT_ONCE = 1 << 20


class Sequences:
    """Events sorted by user and time in one file of records (user, item, time in milliseconds if there are times).

    `users` and `items` bound the codes; a count of each is in memory, the events are not.
    """

    def __init__(self, file: Path, users: int, items: int, timed: bool):
        fields = [("user", np.int32), ("item", np.int32)] + ([("time", np.int64)] if timed else [])
        self.file, self.users, self.items, self.timed = file, users, items, timed
        self.dtype = np.dtype(fields)

    def __len__(self) -> int:
        return self.file.stat().st_size // self.dtype.itemsize

    def write(self, batches: Iterator[np.ndarray]) -> None:
        with self.file.open("wb") as file:
            for batch in batches:
                batch.tofile(file)

    def parts(self) -> Iterator[np.ndarray]:
        """The events in parts that end where a user ends."""
        rest = np.zeros(0, self.dtype)
        with self.file.open("rb") as file:
            while len(read := np.fromfile(file, self.dtype, EVENTS_AT_ONCE)):
                part = np.concatenate([rest, read]) if len(rest) else read
                end = int(np.searchsorted(part["user"], part["user"][-1]))
                rest = part[end:]
                if end:
                    yield part[:end]
        if len(rest):
            yield rest

    def keep(self, kept: Callable[[np.ndarray], np.ndarray]) -> None:
        """Keep the events of which `kept` (part -> mask) says so."""
        thinned = self.file.with_name(self.file.name + ".kept")
        with thinned.open("wb") as file:
            for part in self.parts():
                part[kept(part)].tofile(file)
        thinned.replace(self.file)

    def counts(self, kept: Callable[[np.ndarray], np.ndarray] | None = None) -> tuple[np.ndarray, np.ndarray]:
        """Events of every user and of every item, of all events or of those kept."""
        by_user, by_item = np.zeros(self.users, np.int32), np.zeros(self.items, np.int32)
        for part in self.parts():
            user, item = part["user"], part["item"]
            if kept is not None:
                mask = kept(part)
                user, item = user[mask], item[mask]
            if len(user):
                least = int(user[0])
                found = np.bincount(user - least)
                by_user[least : least + len(found)] += found.astype(np.int32)
                by_item += np.bincount(item, minlength=self.items).astype(np.int32)
        return by_user, by_item


def repeated(part: np.ndarray, timed: bool) -> np.ndarray:
    """Which events have the user, the item and, if timed, the time of an earlier one (n,)."""
    mask = np.zeros(len(part), bool)
    if not len(part):
        return mask
    group = part["user"].astype(np.int64)
    places = np.arange(len(part))
    if timed:
        new = np.ones(len(part), bool)
        new[1:] = (part["user"][1:] != part["user"][:-1]) | (part["time"][1:] != part["time"][:-1])
        group = np.cumsum(new)
        # Most groups are one event: those need no sorting.
        places = np.flatnonzero(~new | ~np.append(new[1:], True))
    group, item = group[places], part["item"][places]
    order = np.lexsort((item, group))
    again = np.zeros(len(places), bool)
    again[1:] = (group[order][1:] == group[order][:-1]) & (item[order][1:] == item[order][:-1])
    mask[places[order[again]]] = True
    return mask
