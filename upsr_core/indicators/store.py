"""Readings kept under the home folder: one folder each, named by the digest of what the reading depends on."""

import json
import shutil
from pathlib import Path
from tempfile import mkdtemp

import pandas as pd

from upsr_core.indicators.reading import Reading, plain
from upsr_core.runtime import home, write_json

_FIELDS = ("name", "value", "unit", "reason", "low", "high", "note", "facts")


def _folder(digest: str) -> Path:
    return home() / "indicators" / digest


def stored(digest: str) -> Reading | None:
    """A kept reading; None where there is none or its files are damaged, so that it is made again."""
    folder = _folder(digest)
    try:
        record = json.loads((folder / "reading.json").read_text(encoding="utf-8"))
        tables = {name: pd.read_parquet(folder / f"{name}.parquet") for name in record.pop("tables")}
        return Reading(**record, tables=tables)
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
        write_json(temporary / "reading.json", {**record, "tables": list(reading.tables)})
        shutil.rmtree(folder, ignore_errors=True)
        try:
            temporary.replace(folder)
        except OSError:
            if not (folder / "reading.json").is_file():
                raise
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return Reading(**record, tables=reading.tables)
