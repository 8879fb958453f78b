"""The event file: who met which item when, as integer codes and times."""

from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from upsr_core.datasets import atomic, bulk
from upsr_core.datasets.cleaning import identifier
from upsr_core.datasets.files import Reading
from upsr_core.datasets.layouts import rows
from upsr_core.datasets.sniff import Guess
from upsr_core.datasets.spec import ColumnMapping
from upsr_core.datasets.times import milliseconds
from upsr_core.errors import DataError
from upsr_core.runtime import Progress


@dataclass
class RawEvents:
    """Events in the order of the source rows.

    `user` and `item` (n_events,) int32 are places in the lists `users` and `items`, which stand in order of first
    appearance; `time` (n_events,) int64 is in milliseconds since 1970, None when the source has no times.
    """

    users: list[str]
    items: list[str]
    user: np.ndarray
    item: np.ndarray
    time: np.ndarray | None
    reading: Reading
    untimed: int = 0
    note: str = ""


def read_events(source: Guess, mapping: ColumnMapping, progress: Progress | None = None) -> RawEvents:
    """Read an event file; rows without a user or an item are counted as unreadable.

    Raises DataError when a mapped column is nowhere in the file, no event could be read, or no time is a time.
    """
    events, times = _in_bulk(source, mapping, progress) or _by_line(source, mapping, progress)
    return _timed(events, times, mapping.timestamp) if mapping.timestamp else events


def _in_bulk(source: Guess, mapping: ColumnMapping, progress: Progress | None) -> tuple[RawEvents, Sequence] | None:
    """The events of a clean file of JSON lines, None for any other."""
    if source.layout.form != "json":
        return None
    columns = (mapping.user_id, mapping.item_id, mapping.timestamp or mapping.item_id)
    found = bulk.json_events(source.path, columns, progress)
    if found is None:
        return None
    users, items, user, item, times = found
    return RawEvents(users, items, user, item, None, Reading(source.path, rows=len(user))), times


def _by_line(source: Guess, mapping: ColumnMapping, progress: Progress | None) -> tuple[RawEvents, Sequence]:
    """The events of any file; what cannot be read is counted."""
    reading = Reading(source.path, progress)
    users: dict[str, int] = {}
    items: dict[str, int] = {}
    user, item = array("i"), array("i")
    times: list = []
    seen_user = seen_item = False
    for user_value, item_value, time_value in _events(source, mapping, reading):
        user_id, item_id = identifier(user_value), identifier(item_value)
        seen_user, seen_item = seen_user or bool(user_id), seen_item or bool(item_id)
        if not user_id or not item_id:
            reading.skip()
            continue
        user.append(users.setdefault(user_id, len(users)))
        item.append(items.setdefault(item_id, len(items)))
        times.append(time_value)
    _check(source, mapping, reading, seen_user, seen_item)
    codes = (np.frombuffer(each, np.int32) for each in (user, item))
    return RawEvents(list(users), list(items), *codes, None, reading), times


def _events(source: Guess, mapping: ColumnMapping, reading: Reading) -> Iterator[tuple]:
    if atomic.is_sequence_file(source.layout):
        pairs = atomic.sequence_events(source.layout, mapping.user_id, mapping.item_id, reading)
        return ((user, item, None) for user, item in pairs)
    columns = (mapping.user_id, mapping.item_id, mapping.timestamp or mapping.item_id)
    return rows(source.layout, columns, reading)


def _check(source: Guess, mapping: ColumnMapping, reading: Reading, seen_user: bool, seen_item: bool) -> None:
    if reading.rows == 0:
        raise DataError("No event could be read", str(source.path), reading.note or "The file has a header only.")
    for column, seen in ((mapping.user_id, seen_user), (mapping.item_id, seen_item)):
        if not seen:
            raise DataError(
                f"No row has a value in the field {column!r}",
                str(source.path),
                f"The fields are: {', '.join(source.columns)}. Correct the mapping.",
            )


def _timed(events: RawEvents, values: Sequence, column: str) -> RawEvents:
    """Events with a time; where some have one, those without cannot be ordered and are dropped and counted."""
    time, known, note = milliseconds(values, f"{events.reading.path}, field {column!r}")
    events.note = note
    if time is None:
        return events
    if not known.all():
        events.untimed = int((~known).sum())
        events.user, events.item, time = events.user[known], events.item[known], time[known]
    events.time = time
    return events
