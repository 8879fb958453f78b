"""Results of indicators kept under the home folder: one folder each, named by the digest of what they depend on."""

import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path

import pandas as pd

from upsr_core.errors import DataError
from upsr_core.indicators.result import IndicatorResult, plain
from upsr_core.logs import warn
from upsr_core.runtime import home
from upsr_core.storage.atomic import storing
from upsr_core.storage.folders import filling
from upsr_core.storage.records import Damaged, check_file, read_record, write_record
from upsr_core.storage.tables import keep_table, read_table

RECORD, _TABLE = "indicator.json", ".parquet"

_FIELDS = ("name", "value", "unit", "reason", "low", "high", "note", "facts")


def _folder(digest: str) -> Path:
    return home() / "indicators" / digest


class _Tables(Mapping):
    """Tables that are read when they are looked at: a page shows few of those behind its numbers."""

    def __init__(self, folder: Path, record: dict):
        self._folder, self._record = folder, record
        self._read: dict[str, pd.DataFrame | None] = {file.removesuffix(_TABLE): None for file in record["files"]}

    def __getitem__(self, name: str) -> pd.DataFrame:
        if self._read[name] is None:
            try:
                self._read[name] = read_table(self._folder / f"{name}{_TABLE}", self._record)
            except ValueError as error:
                warn(f"indicator {self._folder.name}: {error}; forgotten")
                shutil.rmtree(self._folder, ignore_errors=True)
                how = "It was forgotten, and is measured anew when you do the same again."
                raise DataError(
                    f"The kept result of an indicator is damaged: {error}", str(self._folder), how
                ) from error
        return self._read[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._read)

    def __len__(self) -> int:
        return len(self._read)


def stored(digest: str) -> IndicatorResult | None:
    """A kept result; None where there is none or its files are damaged, so that it is measured again.

    The sum of a table is looked at when the table is read.
    """
    folder = _folder(digest)
    try:
        record = read_record(folder / RECORD, "indicator")
        sums = record.pop("files")
        if missing := [file for file in sums if not (folder / file).is_file()]:
            raise Damaged(folder / missing[0], "is missing")
        return IndicatorResult(**record, tables=_Tables(folder, {"files": sums}))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError) as error:
        warn(f"indicator {digest}: {error}; measured anew")
        return None


def keep(digest: str, result: IndicatorResult) -> IndicatorResult:
    """Keep a result and give it back as it will be read; another process may keep the same at the same time."""
    folder = _folder(digest)
    with storing(folder), filling(folder) as temporary:
        for name, table in result.tables.items():
            keep_table(temporary / f"{name}{_TABLE}", table.reset_index(drop=True))
        record = plain({field: getattr(result, field) for field in _FIELDS})
        write_record(temporary / RECORD, "indicator", record, [f"{name}{_TABLE}" for name in result.tables])
        forget(digest)
    return IndicatorResult(**record, tables=result.tables)


def damage_of(digest: str) -> str:
    """What is wrong with a kept result, all of its files looked at; empty where nothing is."""
    folder = _folder(digest)
    try:
        record = read_record(folder / RECORD, "indicator")
        for file in record["files"]:
            check_file(record, folder / file)
    except FileNotFoundError:
        return f"{RECORD} is missing"
    except (OSError, ValueError) as error:
        return str(error)
    return ""


def forget(digest: str) -> None:
    """Remove a kept result: it is measured anew when it is wanted."""
    shutil.rmtree(_folder(digest), ignore_errors=True)
