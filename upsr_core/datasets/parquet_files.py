"""Parquet files, read so that a small file cannot take much memory or time."""

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from upsr_core.datasets.source_lines import MOST_RATIO, UNSUSPECTED, SourceFile, head
from upsr_core.errors import DataError

ROWS_PER_BATCH = 1 << 16
MOST_ROWS_PER_BYTE = 16  # a row is an event or an item, and says which: that takes some bits


def columns(path: Path) -> tuple[str, ...]:
    """The names of the columns.

    Raises DataError for a file that is damaged or was made to explode, and where two columns have one name.
    """
    names = tuple(_open(path).schema_arrow.names)
    if twice := [name for name, count in Counter(names).items() if count > 1]:
        raise DataError("Two columns have one name", f"{path}, {twice[0]!r}", "Rename one of them.")
    return names


def rows(columns: Sequence[str], source_file: SourceFile) -> Iterator[tuple]:
    """The values of the asked columns, row by row. Raises DataError where the file is damaged."""
    import pyarrow as pa

    file = _open(source_file.path, texts=True)
    total = file.metadata.num_rows
    try:
        for batch in file.iter_batches(ROWS_PER_BATCH, columns=list(dict.fromkeys(columns))):
            if source_file.progress:
                source_file.progress(source_file.rows, total, f"Reading {source_file.path.name}")
            values = {name: _values(batch.column(name), source_file) for name in batch.schema.names}
            for row in zip(*(values[column] for column in columns), strict=True):
                source_file.rows += 1
                source_file.line += 1
                yield row
    except (pa.ArrowException, OSError) as error:
        raise _damaged(f"{source_file.path}, after row {source_file.line}", error) from error


def _open(path: Path, texts: bool = False):
    """The open file. With `texts`, a text that many rows share is held once, however large it is."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    head(path)
    try:
        file = pq.ParquetFile(path)
        _reject_explosion(path, file.metadata)
        if texts:
            shared = [field.name for field in file.schema_arrow if _is_text(field.type)]
            file = pq.ParquetFile(path, read_dictionary=shared)
        return file
    except (pa.ArrowException, OSError) as error:
        raise _damaged(str(path), error) from error


def _damaged(where: str, error: Exception) -> DataError:
    return DataError(f"The Parquet file is damaged: {error}", where, "Export or copy it again.")


def _reject_explosion(path: Path, metadata) -> None:
    unpacked = sum(metadata.row_group(number).total_byte_size for number in range(metadata.num_row_groups))
    size, count = path.stat().st_size, metadata.num_rows
    if unpacked > max(UNSUSPECTED, MOST_RATIO * size) or count > max(UNSUSPECTED, MOST_ROWS_PER_BYTE * size):
        raise DataError(
            f"The Parquet file unpacks to far more than its {size:,} bytes: it was made to fill the memory",
            f"{path}, {count:,} rows",
            "If it is yours, write it as plain CSV.",
        )


def _is_text(kind) -> bool:
    import pyarrow as pa

    return pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_binary(kind)


def _values(column, source_file: SourceFile) -> list[Any]:
    import pyarrow as pa

    if not pa.types.is_dictionary(column.type):
        return [_decoded(value, source_file) for value in column.to_pylist()]
    known = column.is_valid().to_numpy(zero_copy_only=False)
    used, place = np.unique(column.indices.drop_null().to_numpy(), return_inverse=True)
    texts = [_decoded(value, source_file) for value in column.dictionary.take(pa.array(used)).to_pylist()]
    found: list[Any] = [None] * len(column)
    for row, number in zip(np.flatnonzero(known).tolist(), place.tolist(), strict=True):
        found[row] = texts[number]
    return found


def _decoded(value: Any, source_file: SourceFile) -> Any:
    """Text that was written as bytes, as some writers do, is text."""
    if not isinstance(value, bytes):
        return value
    try:
        return value.decode()
    except UnicodeDecodeError:
        source_file.replaced += 1
        return value.decode(errors="replace")
