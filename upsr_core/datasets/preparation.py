"""From what was read to what is stored: drop, count, order; every step leaves its counts in the report."""

from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from upsr_core.datasets.events import RawEvents
from upsr_core.datasets.items import RawItems
from upsr_core.datasets.spec import PreparationSpec
from upsr_core.errors import DataError
from upsr_core.schema import ITEM, USER


@dataclass
class Prepared:
    """The content of a dataset: `user`, `item` (n,) int32 sorted by user and time, `time` (n,) int64 seconds or None.

    Users are numbered in order of their first event in the source, items in order of the item file.
    """

    items: pd.DataFrame
    users: pd.DataFrame
    user: np.ndarray
    item: np.ndarray
    time: np.ndarray | None
    report: dict


@dataclass
class _Steps:
    """The events still there, and what every step did to them."""

    user: np.ndarray
    item: np.ndarray
    time: np.ndarray | None
    steps: list[dict] = field(default_factory=list)

    def keep(self, mask: np.ndarray) -> int:
        """Keep some events; returns how many were dropped."""
        dropped = len(mask) - int(mask.sum())
        if dropped:
            self.user, self.item = self.user[mask], self.item[mask]
            self.time = None if self.time is None else self.time[mask]
        return dropped

    def record(self, name: str, note: str = "", dropped: int = 0, **counts: int) -> None:
        step = {
            "name": name,
            "users": _distinct(self.user),
            "items": _distinct(self.item),
            "interactions": len(self.user),
            "dropped": dropped,
            "note": note.strip(),
        }
        self.steps.append(step | counts)


def prepare(raw_items: RawItems, raw_events: RawEvents, spec: PreparationSpec) -> Prepared:
    """Prepare a dataset; `report` lists the steps with what was left after each and what it dropped.

    Raises DataError when nothing is left, naming the step at which it vanished.
    """
    rows = _Steps(raw_events.user, raw_events.item, raw_events.time)
    _record_reading(rows, raw_items, raw_events)
    _drop_unknown_items(rows, raw_items, raw_events)
    repeats = _drop_duplicates(rows)
    iterations = _drop_rare(rows, spec)
    order, ties = _order(rows)
    users, user = np.unique(rows.user[order], return_inverse=True)
    places, item = _item_places(raw_items, raw_events, rows.item[order])
    items = raw_items.table.iloc[places].reset_index(drop=True)
    report = {
        "steps": rows.steps,
        "ties": ties,
        "repeats": repeats,
        "core_iterations": iterations,
        "duplicate_item_rows": raw_items.duplicates,
        "unreadable_item_lines": raw_items.reading.unreadable,
        "unreadable_event_lines": raw_events.reading.unreadable,
        "mends": raw_items.mends,
        "coverage": coverage(items),
    }
    time = None if rows.time is None else rows.time[order] // 1000
    names = pd.DataFrame({USER: np.array(raw_events.users, dtype=object)[users]}, dtype="str")
    return Prepared(items, names, user.astype(np.int32), item.astype(np.int32), time, report)


def coverage(items: pd.DataFrame) -> dict[str, float]:
    """The percentage of items that have each attribute."""
    return {name: round(100 * float((items[name] != "").mean()), 1) for name in items.columns if name != ITEM}


def k_core(user: np.ndarray, item: np.ndarray, min_user: int, min_item: int) -> tuple[np.ndarray, int]:
    """The largest part of the events in which every user and every item has enough of them.

    Dropping an item can leave a user with too few events, so one pass is not enough: it is repeated until nothing
    is dropped any more.

    Args:
        user, item: (n,) integer codes.

    Returns:
        The places of the events kept (m,) int64, in their old order, and the number of passes that dropped some.

    >>> k_core(np.array([0, 0, 1, 1]), np.array([0, 1, 0, 2]), 2, 2)
    (array([], dtype=int64), 2)
    """
    places = np.arange(len(user))
    passes = 0
    while len(places):
        users, items = user[places], item[places]
        mask = (np.bincount(users)[users] >= min_user) & (np.bincount(items)[items] >= min_item)
        if mask.all():
            break
        places = places[mask]
        passes += 1
    return places, passes


def _distinct(codes: np.ndarray) -> int:
    return int(np.count_nonzero(np.bincount(codes))) if len(codes) else 0


def _record_reading(rows: _Steps, raw_items: RawItems, raw_events: RawEvents) -> None:
    untimed = f"{raw_events.untimed:,} events without a time among events with one." if raw_events.untimed else ""
    unread = raw_events.reading.unreadable + raw_events.untimed
    rows.record("events read", f"{raw_events.reading.note} {raw_events.note} {untimed}", unread)
    table = raw_items.table
    note = f"{raw_items.reading.rows:,} rows. {raw_items.reading.note}"
    rows.record("items read", note, raw_items.reading.unreadable, items=len(table) + raw_items.duplicates)
    note = f"{raw_items.duplicated:,} items had more than one row; the first was kept." if raw_items.duplicates else ""
    rows.record("duplicate item rows", note, raw_items.duplicates, items=len(table))
    silent = int((table.drop(columns=ITEM) == "").all(axis=1).sum())
    note = f"{silent:,} items have no text at all; they were kept." if silent else ""
    rows.record("items without text", note, items=len(table))


def _drop_unknown_items(rows: _Steps, raw_items: RawItems, raw_events: RawEvents) -> None:
    known = pd.Index(raw_items.table[ITEM]).get_indexer(raw_events.items) >= 0
    unknown = np.flatnonzero(~known)
    dropped = rows.keep(known[rows.item])
    some = ", ".join(raw_events.items[place] for place in unknown[:3])
    note = f"{len(unknown):,} items of the events are not among the items ({some}{', …' * (len(unknown) > 3)})."
    rows.record("events of unknown items", note if dropped else "", dropped)
    if not len(rows.user):
        raise DataError(
            "No event names an item of the item file",
            f"events name items like {some}; the item file has {', '.join(raw_items.table[ITEM][:3])}",
            "Check that both files belong together and that item_id is mapped to the right column in each.",
        )


def _drop_duplicates(rows: _Steps) -> int:
    """Drop events with the user, item and time of an earlier one; without times a repeat is a repeat purchase."""
    columns = {"user": rows.user, "item": rows.item} | ({} if rows.time is None else {"time": rows.time})
    repeated = pd.DataFrame(columns).duplicated().to_numpy()
    if rows.time is None:
        repeats = int(repeated.sum())
        note = f"No times: {repeats:,} repeats of an item by a user were kept." if repeats else ""
        rows.record("duplicate events", note)
        return repeats
    dropped = rows.keep(~repeated)
    rows.record("duplicate events", "Same user, item and time; the first was kept." if dropped else "", dropped)
    return int(pd.DataFrame({"user": rows.user, "item": rows.item}).duplicated().sum())


def _drop_rare(rows: _Steps, spec: PreparationSpec) -> int:
    before = len(rows.user)
    most_user, most_item = int(np.bincount(rows.user).max()), int(np.bincount(rows.item).max())
    places, passes = k_core(rows.user, rows.item, spec.min_user, spec.min_item)
    if not len(places):
        raise DataError(
            f"Nothing is left after dropping users with fewer than {spec.min_user} and items with fewer than "
            f"{spec.min_item} events",
            f"of {before:,} events; the most active user has {most_user:,}, the most frequent item {most_item:,}",
            "Lower the thresholds (--min-user, --min-item, or --new-domain).",
        )
    rows.user, rows.item = rows.user[places], rows.item[places]
    rows.time = None if rows.time is None else rows.time[places]
    note = f"Users with fewer than {spec.min_user}, items with fewer than {spec.min_item} events; {passes} rounds."
    rows.record("rare users and items", note, before - len(places))
    return passes


def _order(rows: _Steps) -> tuple[np.ndarray, int]:
    """Order by user and time; events of one time keep the order of their rows. Returns the order and the ties."""
    if rows.time is None:
        rows.record("order", "By source row.")
        return np.argsort(rows.user, kind="stable"), 0
    order = np.lexsort((rows.time, rows.user))
    user, time = rows.user[order], rows.time[order]
    ties = int(((user[1:] == user[:-1]) & (time[1:] == time[:-1])).sum())
    rows.record("order", f"By time; {ties:,} events have the time of the one before and keep the order of the rows.")
    return order, ties


def _item_places(raw_items: RawItems, raw_events: RawEvents, item: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    place = pd.Index(raw_items.table[ITEM]).get_indexer(raw_events.items)
    return np.unique(place[item], return_inverse=True)
