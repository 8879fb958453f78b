"""Tables as CSV that a spreadsheet opens as text, never as a formula of whoever wrote the data."""

import re
from pathlib import Path
from typing import Any

import pandas as pd

# How a cell begins that a spreadsheet would run (OWASP, CSV injection); a plain number is none.
_FORMULA = re.compile(r"[=+\-@\t\r\n＝＋－＠]")
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?%?")


def csv_text(table: pd.DataFrame) -> str:
    """A table without its index; a text that begins like a formula stands behind an apostrophe.

    >>> csv_text(pd.DataFrame({"id": ["=1+1", "-5", "a"], "gain": [-0.5, 0.0, 1.0]})).splitlines()
    ['id,gain', "'=1+1,-0.5", '-5,0.0', 'a,1.0']
    """
    shown = table.rename(columns=_safe)
    for place, column in enumerate(table.columns):
        if not pd.api.types.is_numeric_dtype(table[column]):
            shown.isetitem(place, table[column].map(_safe))
    return shown.to_csv(index=False, lineterminator="\r\n")  # RFC 4180; a lone carriage return is quoted then


def write_csv(table: pd.DataFrame, file: Path) -> None:
    """Write `csv_text` of a table."""
    file.write_bytes(csv_text(table).encode("utf-8"))


def _safe(value: Any) -> Any:
    risky = isinstance(value, str) and _FORMULA.match(value) and not _NUMBER.fullmatch(value)
    return f"'{value}" if risky else value
