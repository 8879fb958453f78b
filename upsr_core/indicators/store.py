"""Readings kept under the home folder: one folder each, named by the digest of what the reading depends on."""

import json
import shutil
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from tempfile import mkdtemp

import pandas as pd

from upsr_core.indicators.reading import Reading, plain
from upsr_core.runtime import home, write_json

_FIELDS = ("name", "value", "unit", "reason", "low", "high", "note", "facts")


def _folder(digest: str) -> Path:
    return home() / "indicators" / digest


class _Tables(Mapping):
    """Tables that are read when they are looked at: a page shows few of those behind its numbers."""

    def __init__(self, folder: Path, names: Iterable[str]):
        self._folder, self._read = folder, dict.fromkeys(names)

    def __getitem__(self, name: str) -> pd.DataFrame:
        if self._read[name] is None:
            self._read[name] = pd.read_parquet(self._folder / f"{name}.parquet")
        return self._read[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._read)

    def __len__(self) -> int:
        return len(self._read)


def stored(digest: str) -> Reading | None:
    """A kept reading; None where there is none or its files are damaged, so that it is made again."""
    folder = _folder(digest)
    try:
        record = json.loads((folder / "reading.json").read_text(encoding="utf-8"))
        sizes = record.pop("tables")
        if any((folder / f"{name}.parquet").stat().st_size != size for name, size in sizes.items()):
            return None
        return Reading(**record, tables=_Tables(folder, sizes))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def keep(digest: str, reading: Reading) -> Reading:
    """Keep a reading and give it back as it will be read; another process may keep the same at the same time."""
    folder = _folder(digest)
    folder.parent.mkdir(exist_ok=True)
    temporary = Path(mkdtemp(prefix=".", dir=folder.parent))
    try:
        for name, table in reading.tables.items():
            table.to_parquet(temporary / f"{name}.parquet", index=False)
        record = plain({field: getattr(reading, field) for field in _FIELDS})
        sizes = {name: (temporary / f"{name}.parquet").stat().st_size for name in reading.tables}
        write_json(temporary / "reading.json", {**record, "tables": sizes})
        shutil.rmtree(folder, ignore_errors=True)
        try:
            temporary.replace(folder)
        except OSError:
            if not (folder / "reading.json").is_file():
                raise
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return Reading(**record, tables=reading.tables)
