"""Readings kept under the home folder: one folder each, named by the digest of what the reading depends on."""

import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path

import pandas as pd

from upsr_core.errors import DataError
from upsr_core.indicators.result import IndicatorResult, plain
from upsr_core.logs import warn
from upsr_core.runtime import home
from upsr_core.storage.atomic import new_folder, storing
from upsr_core.storage.records import Damaged, check_file, read_record, write_record
from upsr_core.storage.tables import read_table

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
                raise DataError(f"A kept reading is damaged: {error}", str(self._folder), how) from error
        return self._read[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._read)

    def __len__(self) -> int:
        return len(self._read)


def stored(digest: str) -> IndicatorResult | None:
    """A kept reading; None where there is none or its files are damaged, so that it is made again."""
    folder = _folder(digest)
    try:
        record = read_record(folder / RECORD, "indicator")
        sizes = record.pop("tables")
        if any((folder / f"{name}{_TABLE}").stat().st_size != size for name, size in sizes.items()):
            raise Damaged(folder / RECORD, "has tables of another size")
        known = {"files": record.pop("files") or {f"{name}{_TABLE}": None for name in sizes}}
        return IndicatorResult(**record, tables=_Tables(folder, known))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError) as error:
        warn(f"indicator {digest}: {type(error).__name__}; measured anew")
        return None


def keep(digest: str, reading: IndicatorResult) -> IndicatorResult:
    """Keep a reading and give it back as it will be read; another process may keep the same at the same time."""
    folder = _folder(digest)
    with storing(folder):
        folder.parent.mkdir(exist_ok=True)
        temporary = new_folder(folder)
        try:
            for name, table in reading.tables.items():
                table.to_parquet(temporary / f"{name}{_TABLE}", index=False)
            record = plain({field: getattr(reading, field) for field in _FIELDS})
            sizes = {name: (temporary / f"{name}{_TABLE}").stat().st_size for name in reading.tables}
            files = [f"{name}{_TABLE}" for name in reading.tables]
            write_record(temporary / RECORD, "indicator", {**record, "tables": sizes}, files)
            shutil.rmtree(folder, ignore_errors=True)
            try:
                temporary.replace(folder)
            except OSError:
                if not (folder / RECORD).is_file():
                    raise
        finally:
            shutil.rmtree(temporary, ignore_errors=True)
    return IndicatorResult(**record, tables=reading.tables)


def damage_of(digest: str) -> str:
    """What is wrong with a kept reading, all of its files looked at; empty where nothing is."""
    folder = _folder(digest)
    try:
        record = read_record(folder / RECORD, "indicator")
        for file in record["files"]:
            check_file(record, folder / file)
        if not record["files"] and stored(digest) is None:
            return "its tables are not as they were kept"
    except FileNotFoundError:
        return f"{RECORD} is missing"
    except (OSError, ValueError) as error:
        return str(error)
    return ""


def forget(digest: str) -> None:
    """Remove a kept reading: it is measured anew when it is wanted."""
    shutil.rmtree(_folder(digest), ignore_errors=True)
