"""The event file: who met which item when, as tables of a scratch in the order of the source rows."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

from upsr_core.datasets import duckdb_reading, recbole
from upsr_core.datasets.cleaning import identifier
from upsr_core.datasets.file_layouts import rows
from upsr_core.datasets.import_scratch import Scratch
from upsr_core.datasets.recognition import Guess
from upsr_core.datasets.source_lines import SourceFile
from upsr_core.datasets.spec import ColumnMapping
from upsr_core.datasets.timestamps import AS_COLUMNS, COLUMNS, Clock, clock_of
from upsr_core.errors import DataError

ROWS_AT_ONCE = 100_000


@dataclass
class RawEvents:
    """The events of a source as tables of a scratch.

    `raw` (user, item, number, text; see `timestamps`) has a row per event in the order of the source; `users` and
    `things` (name, first, events) a row per user and per item of an event, `first` the row of its first event, in this
    order.
    """

    source_file: SourceFile
    clock: Clock


def read_events(scratch: Scratch, source: Guess, mapping: ColumnMapping, whole: Callable[[], bool]) -> RawEvents:
    """Read an event file; rows without a user or an item are counted as unreadable.

    `whole` waits for the word that the file's check sums are right.

    Raises DataError when a mapped column is nowhere in the file, no event could be read, or no time is a time.
    """
    source_file = _in_bulk(scratch, source, mapping, whole) or _by_line(scratch, source, mapping)
    clock = Clock(None, "raw", "")
    if mapping.timestamp:
        clock = clock_of(scratch, f"{source.path}, field {mapping.timestamp!r}")
    return RawEvents(source_file, clock)


def _in_bulk(scratch: Scratch, source: Guess, mapping: ColumnMapping, whole: Callable[[], bool]) -> SourceFile | None:
    """The events of a clean file, None for any other."""
    import duckdb

    if recbole.is_sequence_file(source.layout):
        return None
    found = duckdb_reading.source(source.path, source.layout, tuple(filter(None, _fields(mapping))))
    if found is None:
        return None
    user, item, time = (found.expressions[name] if name else "NULL" for name in _fields(mapping))
    query = f"""CREATE OR REPLACE TABLE raw AS SELECT {user} AS "user", {item} AS item,
        {AS_COLUMNS.format(f"CAST({time} AS VARCHAR)")} FROM {found.table}"""
    try:
        scratch.run(query, f"Reading {source.path.name}", found.parameters)
    except (duckdb.IOException, duckdb.InvalidInputException, duckdb.ConversionException):
        return None
    _count_names(scratch)
    # DuckDB does not look at the check sums.
    clean = all(duckdb_reading.all_plain(scratch, table) for table in ("users", "things")) and whole()
    count = scratch.one("SELECT count(*) FROM raw")[0]
    return SourceFile(source.path, rows=count) if clean and count else None


def _by_line(scratch: Scratch, source: Guess, mapping: ColumnMapping) -> SourceFile:
    """The events of any file; what cannot be read is counted."""
    import pyarrow as pa

    source_file = SourceFile(source.path, scratch.progress)
    scratch.connection.execute(f'CREATE OR REPLACE TABLE raw ("user" VARCHAR, item VARCHAR, {COLUMNS})')
    seen: set[str] = set()
    names, columns = ("user", "item", "time"), f'"user", item, {AS_COLUMNS.format("time")}'
    found = _lines(source, mapping, source_file, seen)
    while batch := list(islice(found, ROWS_AT_ONCE)):
        arrays = [pa.array(column, pa.string()) for column in zip(*batch, strict=True)]
        scratch.append("raw", pa.table(arrays, names), columns)
    _check(source, mapping, source_file, seen)
    _count_names(scratch)
    return source_file


def _lines(source: Guess, mapping: ColumnMapping, source_file: SourceFile, seen: set[str]) -> Iterator[tuple]:
    """User, item and time of every event as texts; `seen` takes the fields that have a value in some row."""
    user_field, item_field, _ = _fields(mapping)
    for user_value, item_value, time_value in _events(source, mapping, source_file):
        user, item = identifier(user_value), identifier(item_value)
        if user:
            seen.add(user_field)
        if item:
            seen.add(item_field)
        if not user or not item:
            source_file.skip()
            continue
        yield user, item, _text(time_value)


def _text(time: Any) -> str | None:
    if time is None or time != time:  # what is no number or no date is not equal to itself
        return None
    text = time if isinstance(time, str) else str(time)
    return text if text.isascii() else text.encode("utf-8", "replace").decode()


def _events(source: Guess, mapping: ColumnMapping, source_file: SourceFile) -> Iterator[tuple]:
    user, item, time = _fields(mapping)
    if recbole.is_sequence_file(source.layout):
        return ((*pair, None) for pair in recbole.sequence_events(source.layout, user, item, source_file))
    found = rows(source.layout, (user, item, time or item), source_file)
    return found if time else ((user, item, None) for user, item, _ in found)


def _fields(mapping: ColumnMapping) -> tuple[str, str, str | None]:
    return mapping.column("user_id"), mapping.column("item_id"), mapping.timestamp


def _count_names(scratch: Scratch) -> None:
    for table, column in (("users", '"user"'), ("things", "item")):
        query = f"SELECT {column} AS name, min(rowid) AS first, count(*) AS events FROM raw GROUP BY {column}"
        scratch.run(f"CREATE OR REPLACE TABLE {table} AS {query} ORDER BY first", f"Counting {table}")


def _check(source: Guess, mapping: ColumnMapping, source_file: SourceFile, seen: set[str]) -> None:
    if source_file.rows == 0:
        raise DataError("No event could be read", str(source.path), source_file.note or "The file has a header only.")
    for column in (mapping.user_id, mapping.item_id):
        if column not in seen:
            raise DataError(
                f"No row has a value in the field {column!r}",
                str(source.path),
                f"The fields are: {', '.join(source.columns)}. Correct the mapping.",
            )
