"""Tables as parquet files, whole and checked by the sums of the record that they belong to."""

from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from upsr_core.runtime import Progress
from upsr_core.storage.atomic import replacing
from upsr_core.storage.records import Damaged, Record, check_file

ROWS_PER_GROUP = 1 << 17


def read_table(file: Path, record: Record) -> pd.DataFrame:
    """A parquet file of a record. Raises Damaged where it is missing, cannot be read, or has another sum than there."""
    check_file(record, file)
    try:
        return pd.read_parquet(file)
    except Exception as error:  # damaged bytes raise whatever the reader happens to meet
        raise _unreadable(file, error) from None


def outline(file: Path) -> tuple[int, tuple[str, ...]]:
    """Rows and columns of a parquet file from its end alone; its sum is looked at when it is read.

    Raises Damaged where it is missing or that end cannot be read.
    """
    try:
        found = pq.read_metadata(file)
        return found.num_rows, tuple(found.schema.names)
    except FileNotFoundError:
        raise Damaged(file, "is missing") from None
    except Exception as error:  # damaged bytes raise whatever the reader happens to meet
        raise _unreadable(file, error) from None


def _unreadable(file: Path, error: Exception) -> Damaged:
    return Damaged(file, f"cannot be read: {str(error).splitlines()[0]}")


def keep_table(file: Path, table: pd.DataFrame) -> None:
    """Store a table in one step as parquet."""
    with replacing(file) as temporary:
        table.to_parquet(temporary)


def keep_parts(file: Path, parts: Iterable[pa.Table], progress: Progress | None = None) -> int:
    """Store a table that is given in parts, at least one, in one step as parquet; how many rows it has.

    Only some row groups are in memory at a time.
    """
    groups, count = _gathered(parts), 0
    first = next(groups)
    # With the note by which pandas knows its own types.
    schema = pa.Schema.from_pandas(first.slice(0, 0).to_pandas(), preserve_index=False)
    with replacing(file) as temporary, pq.ParquetWriter(temporary, schema, compression="zstd") as writer:
        for table in chain([first], groups):
            writer.write_table(table.cast(schema), row_group_size=ROWS_PER_GROUP)
            count += len(table)
            if progress:
                progress(0, 1, f"Storing: {count:,} rows")
    return count


def _gathered(parts: Iterable[pa.Table]) -> Iterator[pa.Table]:
    """The parts put together so that each has the rows of a group, but for the last."""
    waiting: list[pa.Table] = []
    for part in parts:
        waiting.append(part)
        if sum(map(len, waiting)) >= ROWS_PER_GROUP:
            yield pa.concat_tables(waiting)
            waiting = []
    if waiting:
        yield pa.concat_tables(waiting)
