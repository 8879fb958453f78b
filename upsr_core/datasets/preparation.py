"""From what was read to what is stored: drop, count, order; every step leaves its counts in the report."""

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa

from upsr_core.datasets.event_file import RawEvents
from upsr_core.datasets.event_order import EVENTS_AT_ONCE, Sequences, repeated
from upsr_core.datasets.import_scratch import Scratch
from upsr_core.datasets.item_file import RawItems
from upsr_core.datasets.k_core import k_core
from upsr_core.datasets.spec import PreparationSpec
from upsr_core.errors import DataError
from upsr_core.schema import TIME, USER


@dataclass(frozen=True)
class Prepared:
    """The content of a dataset, still on the disk and given in parts.

    Users are numbered in order of their first event in the source, items in order of the item file. `kept_users` and
    `kept_items` (bool) say which of the codes of `events` are in the dataset; an item's code is its row in the source.
    """

    scratch: Scratch
    raw_items: RawItems
    events: Sequences
    kept_users: np.ndarray
    kept_items: np.ndarray
    report: dict

    def items(self) -> Iterator[pa.Table]:
        """item_id and one text column per attribute, "" where missing."""
        place = 0
        with pa.OSFile(str(self.raw_items.texts)) as file, pa.ipc.open_file(file) as texts:
            for number in range(texts.num_record_batches):
                rows = pa.Table.from_batches([texts.get_batch(number)])
                yield rows.filter(pa.array(self.kept_items[place : place + len(rows)]))
                place += len(rows)

    def users(self) -> Iterator[pa.Table]:
        place = 0
        for batch in self.scratch.batches("SELECT name FROM users ORDER BY rowid", EVENTS_AT_ONCE):
            names = batch.column(0).filter(pa.array(self.kept_users[place : place + len(batch)]))
            yield pa.table([names.cast(pa.large_string())], [USER])
            place += len(batch)

    def sequences(self) -> Iterator[pa.Table]:
        """user and item, int32, and timestamp, int64 seconds, if there are times; sorted by user and time."""
        user, item = (np.cumsum(kept, dtype=np.int32) - 1 for kept in (self.kept_users, self.kept_items))
        for part in self.events.parts():
            columns = {"user": user[part["user"]], "item": item[part["item"]]}
            if self.events.timed:
                columns[TIME] = part["time"] // 1000
            yield pa.table(columns)


@dataclass
class _Steps:
    """What every step did, and what was left after it."""

    steps: list[dict] = field(default_factory=list)
    left: dict[str, int] = field(default_factory=dict)

    def record(self, name: str, note: str = "", dropped: int = 0, **counts: int) -> None:
        """`counts` are of this step alone; `left` holds until it is changed."""
        self.steps.append({"name": name, **self.left, "dropped": dropped, "note": note.strip()} | counts)

    def count(self, by_user: np.ndarray, by_item: np.ndarray) -> None:
        self.left = {
            "users": int(np.count_nonzero(by_user)),
            "items": int(np.count_nonzero(by_item)),
            "interactions": int(by_user.sum(dtype=np.int64)),
        }


def prepare(scratch: Scratch, raw_items: RawItems, raw_events: RawEvents, spec: PreparationSpec) -> Prepared:
    """Prepare a dataset; `report` lists the steps with what was left after each and what it dropped.

    Raises DataError when nothing is left, naming the step at which it vanished.
    """
    steps = _Steps()
    _record_reading(steps, scratch, raw_items, raw_events)
    events = _sorted(scratch, raw_items, raw_events)
    _drop_unknown_items(steps, scratch, events)
    repeats = _drop_duplicates(steps, events)
    by_user, by_item, passes = _drop_rare(steps, events, spec)
    ties = _count_ties(steps, events)
    kept_items = by_item > 0
    report = {
        "steps": steps.steps,
        "ties": ties,
        "repeats": repeats,
        "core_iterations": passes,
        "duplicate_item_rows": raw_items.duplicates,
        "unreadable_item_lines": raw_items.source_file.unreadable,
        "unreadable_event_lines": raw_events.source_file.unreadable,
        "mends": raw_items.mends,
        "coverage": _coverage(raw_items, kept_items),
    }
    return Prepared(scratch, raw_items, events, by_user > 0, kept_items, report)


def _coverage(raw_items: RawItems, kept: np.ndarray) -> dict[str, float]:
    """The percentage of items that have each attribute."""
    shares = raw_items.present[kept].mean(axis=0)
    return {name: round(100 * float(share), 1) for name, share in zip(raw_items.attributes, shares, strict=True)}


def _record_reading(steps: _Steps, scratch: Scratch, raw_items: RawItems, raw_events: RawEvents) -> None:
    time, timed = raw_events.clock.milliseconds, ""
    if time is not None:
        timed = f"WHERE {time} IS NOT NULL"
    rows = scratch.one("SELECT count(*) FROM raw")[0]
    left = scratch.one(f"SELECT count(*) FROM {raw_events.clock.source} {timed}")[0] if timed else rows
    users, items = (scratch.one(f"SELECT count(*) FROM {table}")[0] for table in ("users", "things"))
    if left < rows:
        query = f'SELECT count(DISTINCT "user"), count(DISTINCT item) FROM {raw_events.clock.source} {timed}'
        users, items = scratch.one(query)
    untimed = f"{rows - left:,} events without a time among events with one." if left < rows else ""
    steps.left = {"users": users, "items": items, "interactions": left}
    note = f"{raw_events.source_file.note} {raw_events.clock.note} {untimed}"
    steps.record("events read", note, raw_events.source_file.unreadable + rows - left)
    count = len(raw_items.present)
    note = f"{raw_items.source_file.rows:,} rows. {raw_items.source_file.note}"
    steps.record("items read", note, raw_items.source_file.unreadable, items=count)
    count -= raw_items.duplicates
    note = f"{raw_items.duplicated:,} items had more than one row; the first was kept." if raw_items.duplicates else ""
    steps.record("duplicate item rows", note, raw_items.duplicates, items=count)
    first = scratch.connection.execute("SELECT place FROM catalogue").fetchnumpy()["place"]
    silent = int((~raw_items.present[first].any(axis=1)).sum())
    note = f"{silent:,} items have no text at all; they were kept." if silent else ""
    steps.record("items without text", note, items=count)


def _sorted(scratch: Scratch, raw_items: RawItems, raw_events: RawEvents) -> Sequences:
    """The events that have a time, if there are times, and a known item, by user and time; ties by row."""
    time, source = raw_events.clock.milliseconds, raw_events.clock.source
    users = scratch.one("SELECT count(*) FROM users")[0]
    events = Sequences(scratch.folder / "events.bin", users, len(raw_items.present), time is not None)
    query = f"""CREATE TABLE ordered AS
        SELECT CAST(users.rowid AS INTEGER) AS "user", CAST(place AS INTEGER) AS item
            {f", {time} AS time" if time else ""}
        FROM {source} JOIN users ON raw."user" = users.name JOIN catalogue ON raw.item = catalogue.name
        {f"WHERE {time} IS NOT NULL" if time else ""}
        ORDER BY users.rowid, {f"{time}, " if time else ""} raw.rowid"""
    scratch.run(query, "Ordering the events")
    events.write(_records(batch, events.dtype) for batch in scratch.batches("FROM ordered", EVENTS_AT_ONCE))
    scratch.connection.execute("DROP TABLE ordered")
    return events


def _records(batch: pa.RecordBatch, dtype: np.dtype) -> np.ndarray:
    records = np.empty(len(batch), dtype)
    for name in batch.schema.names:
        records[name] = batch.column(name).to_numpy()
    return records


def _drop_unknown_items(steps: _Steps, scratch: Scratch, events: Sequences) -> None:
    by_user, by_item = events.counts()
    dropped = steps.left["interactions"] - len(events)
    unknown = "FROM things ANTI JOIN catalogue USING (name)"
    count = scratch.one(f"SELECT count(*) {unknown}")[0]
    some = ", ".join(_column(scratch, f"SELECT name {unknown} ORDER BY first LIMIT 3"))
    in_file = steps.left["items"]
    steps.count(by_user, by_item)
    notes = []
    if dropped:
        notes.append(f"Items of the events that are not among the items: {count:,} ({some}{', …' * (count > 3)}).")
    if untaken := in_file - steps.left["items"]:
        notes.append(f"Items that nobody took, left out: {untaken:,}.")
    steps.record("events of unknown items", " ".join(notes), dropped)
    if not len(events):
        known = ", ".join(_column(scratch, "SELECT name FROM catalogue ORDER BY place LIMIT 3"))
        raise DataError(
            "No event names an item of the item file",
            f"events name items like {some}; the item file has {known}",
            "Check that both files belong together and that item_id is mapped to the right column in each.",
        )


def _column(scratch: Scratch, query: str) -> list:
    return [value for (value,) in scratch.connection.execute(query).fetchall()]


def _drop_duplicates(steps: _Steps, events: Sequences) -> int:
    """Drop events with the user, item and time of an earlier one; without times a repeat is a repeat purchase."""
    if not events.timed:
        repeats = sum(int(repeated(part, False).sum()) for part in events.parts())
        note = f"No times: {repeats:,} repeats of an item by a user were kept." if repeats else ""
        steps.record("duplicate events", note)
        return repeats
    before, repeats = len(events), 0

    def kept(part: np.ndarray) -> np.ndarray:
        nonlocal repeats
        mask = ~repeated(part, True)
        repeats += int(repeated(part[mask], False).sum())
        return mask

    events.keep(kept)
    dropped = before - len(events)
    steps.left["interactions"] -= dropped
    steps.record("duplicate events", "Same user, item and time; the first was kept." if dropped else "", dropped)
    return repeats


def _drop_rare(steps: _Steps, events: Sequences, spec: PreparationSpec) -> tuple[np.ndarray, np.ndarray, int]:
    before, (most_user, most_item) = len(events), (int(counts.max()) for counts in events.counts())
    by_user, by_item, passes = k_core(events, spec.min_user, spec.min_item)
    if not by_user.any():
        raise DataError(
            f"Nothing is left after dropping users with fewer than {spec.min_user} and items with fewer than "
            f"{spec.min_item} events",
            f"of {before:,} events; the most active user has {most_user:,}, the most frequent item {most_item:,}",
            "Lower the thresholds (--min-user, --min-item, or --new-domain).",
        )
    if passes:
        events.keep(lambda part: (by_user[part["user"]] > 0) & (by_item[part["item"]] > 0))
    steps.count(by_user, by_item)
    turns = f"{passes} round{'' if passes == 1 else 's'}"
    note = f"Users with fewer than {spec.min_user}, items with fewer than {spec.min_item} events; {turns}."
    steps.record("rare users and items", note, before - len(events))
    return by_user, by_item, passes


def _count_ties(steps: _Steps, events: Sequences) -> int:
    """How many events have the time of the one before: they keep the order of their rows."""
    if not events.timed:
        steps.record("order", "No column of times: the order of the rows decides, also which item is a user's last.")
        return 0
    ties = 0
    for part in events.parts():
        user, time = part["user"], part["time"]
        ties += int(((user[1:] == user[:-1]) & (time[1:] == time[:-1])).sum())
    steps.record("order", f"By time; {ties:,} events have the time of the one before and keep the order of the rows.")
    return ties
