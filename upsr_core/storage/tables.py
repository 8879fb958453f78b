"""Tables as parquet files, whole and checked by the sums of the record that they belong to."""

from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq

from upsr_core.storage.atomic import replacing
from upsr_core.storage.records import Damaged, Record, check_file


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
