"""The item file: one row per item, every attribute cleaned to text, kept on the disk in the order of the source."""

from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path

import numpy as np

from upsr_core.datasets import duckdb_reading
from upsr_core.datasets.cleaning import identifier
from upsr_core.datasets.file_layouts import rows
from upsr_core.datasets.import_scratch import Scratch
from upsr_core.datasets.parallel_items import Plan, Shard, clean_part
from upsr_core.datasets.recognition import Guess
from upsr_core.datasets.source_lines import SourceFile
from upsr_core.datasets.spec import ColumnMapping
from upsr_core.errors import DataError
from upsr_core.schema import ATTRIBUTES

ROWS_AT_ONCE = 10_000


@dataclass
class RawItems:
    """The rows of an item file: their texts in the Arrow file `texts`, their ids in a table of the scratch.

    The table `catalogue` (name, place, rows) has a row per item, `place` its first row in the source: that one is kept.
    `present` (n_rows, n_attributes) says which rows have which of the `attributes`; `duplicates` counts the rows whose
    item had appeared before, `duplicated` the items that have some; `mends` counts values per attribute and mend, in
    all rows.
    """

    texts: Path
    source_file: SourceFile
    attributes: tuple[str, ...]
    present: np.ndarray
    mends: dict[str, dict[str, int]]
    duplicates: int = 0
    duplicated: int = 0


class _NotClean(Exception):
    """The file is one for the line reader."""


def read_items(
    scratch: Scratch, source: Guess, mapping: ColumnMapping, whole: Callable[[], bool], workers: int | None = None
) -> RawItems:
    """Read and clean an item file; `whole` waits for the word that its check sums are right.

    `workers` processes clean a file of several parts, one per core unless given; one is this process.

    Raises DataError when a mapped column is nowhere in the file or no item could be read.
    """
    plan, columns = _plan(source, mapping), (mapping.column("item_id"), *(column for _, column in mapping.attributes))
    try:
        items = _in_bulk(scratch, source, plan, columns, whole, workers)
    except _NotClean:
        source_file, used = SourceFile(source.path, scratch.progress), [False] * len(columns)
        items = _collected(scratch, plan, _lines(source, columns, source_file, used), source_file, used, workers)
        _check_columns(source, columns, used, source_file)
    query = "SELECT name, min(rowid) AS place, count(*) AS rows FROM item_rows GROUP BY name"
    scratch.run(f"CREATE OR REPLACE TABLE catalogue AS {query}", "Counting items")
    items.duplicates, items.duplicated = scratch.one(
        "SELECT coalesce(sum(rows - 1), 0)::BIGINT, count(*) FILTER (rows > 1) FROM catalogue"
    )
    return items


def _plan(source: Guess, mapping: ColumnMapping) -> Plan:
    names = sorted(mapping.names, key=lambda name: ATTRIBUTES.index(name) if name in ATTRIBUTES else len(ATTRIBUTES))
    pairs, types = mapping.attributes, source.layout.types
    attributes = tuple((name, tuple(place for place, pair in enumerate(pairs, 1) if pair[0] == name)) for name in names)
    sequences = {name for name in names if any(types.get(each) == "token_seq" for each in mapping.sources(name))}
    return Plan(attributes, frozenset(sequences))


def _in_bulk(scratch: Scratch, source: Guess, plan: Plan, columns: tuple[str, ...], whole, workers) -> RawItems:
    """The items of a clean file; raises _NotClean for any other."""
    import duckdb

    found = duckdb_reading.source(source.path, source.layout, columns, as_json=True)
    if found is None or plan.sequences:
        raise _NotClean
    query = f"SELECT {', '.join(f'{found.expressions[name]} AS c{place}' for place, name in enumerate(columns))}"
    source_file, used = SourceFile(source.path), [False] * len(columns)
    try:
        parts = scratch.batches(f"{query} FROM {found.table}", ROWS_AT_ONCE, found.parameters)
        items = _collected(scratch, plan, _tables(parts), source_file, used, workers)
    except (duckdb.IOException, duckdb.InvalidInputException, duckdb.ConversionException) as error:
        raise _NotClean from error
    if not whole():  # DuckDB does not look at the check sums
        raise _NotClean
    source_file.rows = len(items.present)
    _check_columns(source, columns, used, source_file)
    return items


def _tables(batches: Iterable) -> Iterator:
    import pyarrow as pa

    for batch in batches:
        yield pa.Table.from_arrays([column.cast(pa.string()) for column in batch.columns], batch.schema.names)


def _lines(source: Guess, columns: tuple[str, ...], source_file: SourceFile, used: list[bool]) -> Iterator[list[tuple]]:
    """Rows with an id, by the thousand; `used` takes which columns have a value in some row."""
    found = _with_id(rows(source.layout, columns, source_file), source_file, used)
    while part := list(islice(found, ROWS_AT_ONCE)):
        yield part


def _with_id(found: Iterator[tuple], source_file: SourceFile, used: list[bool]) -> Iterator[tuple]:
    for row in found:
        if not all(used):
            used[:] = [was or value is not None for was, value in zip(used, row, strict=True)]
        if identifier(row[0]):
            yield row
        else:
            source_file.skip()


def _collected(
    scratch: Scratch, plan: Plan, parts: Iterator, source_file: SourceFile, used: list[bool], workers: int | None
) -> RawItems:
    """Clean all parts; their texts go to a file, their ids to a table, in order."""
    import pyarrow as pa

    texts, names = scratch.folder / "items.arrow", tuple(name for name, _ in plan.attributes)
    present = [np.zeros((0, len(names)), bool)]
    mends: dict[str, Counter[str]] = {name: Counter() for name in names}
    scratch.connection.execute("CREATE OR REPLACE TABLE item_rows (name VARCHAR)")
    count = 0
    with pa.ipc.new_file(texts, plan.schema, options=pa.ipc.IpcWriteOptions(compression="lz4")) as file:
        for shard in _cleaned(parts, plan, workers):
            if shard is None:
                raise _NotClean
            file.write(shard.rows)
            scratch.append("item_rows", pa.table([shard.rows.column(0)], ["name"]))
            present.append(shard.present)
            for name, counts in shard.mends.items():
                mends[name].update(counts)
            used[:] = [was or is_ for was, is_ in zip(used, shard.used, strict=True)]
            count += len(shard.rows)
            scratch.tell(0, 1, f"Cleaning {source_file.path.name}: {count:,} items")
    found = {name: dict(sorted((+counts).items())) for name, counts in mends.items() if +counts}
    return RawItems(texts, source_file, names, np.concatenate(present), found)


def _cleaned(parts: Iterator, plan: Plan, workers: int | None) -> Iterator[Shard | None]:
    """The parts cleaned, in order: the only one here, several by processes."""
    start = list(islice(parts, 2))
    if len(start) < 2 or workers == 1:
        yield from (clean_part(part, plan) for part in chain(start, parts))
        return
    import joblib
    from joblib.externals.loky import ProcessPoolExecutor

    # Not joblib.Parallel: it would take parts from threads of its own, where neither a callback nor an error of the
    # reader has its place. Not loky's reusable executor either: joblib.Parallel, in the same process, takes it for its
    # own and fails.
    workers = workers or joblib.cpu_count()
    executor = ProcessPoolExecutor(max_workers=workers)
    waiting: deque[Future[Shard | None]] = deque()
    try:
        for part in chain(start, parts):
            waiting.append(executor.submit(clean_part, part, plan))
            if len(waiting) > 2 * workers:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        executor.shutdown(kill_workers=True)


def _check_columns(source: Guess, columns: tuple, used: list[bool], source_file: SourceFile) -> None:
    if source_file.rows == 0:
        raise DataError("No item could be read", str(source.path), source_file.note or "The file has a header only.")
    # A published form may lack a field in every item (no prices, say); a field that was named by hand may not.
    expected = {column for _, column in source.mapping.attributes} if source.kind.startswith("amazon") else set()
    for column, found in zip(columns, used, strict=True):
        if not found and column not in source.columns and column not in expected:
            raise DataError(
                f"No row has the field {column!r}",
                str(source.path),
                f"The fields are: {', '.join(source.columns)}. Correct the mapping.",
            )
    if not any(used[1:]):
        raise DataError(
            "No row has any of the attributes: this is no item file",
            str(source.path),
            f"Looked for {', '.join(columns[1:])}; the fields are: {', '.join(source.columns)}.",
        )
