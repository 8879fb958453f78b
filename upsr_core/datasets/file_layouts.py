"""How a file is laid out (JSON lines, Python literals, delimited text, Parquet), and its rows read that way."""

import ast
import csv
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Literal

from upsr_core.datasets import parquet_files
from upsr_core.datasets.source_lines import SourceFile, is_parquet, lines
from upsr_core.errors import DataError

HEAD_ROWS = 1000  # rows looked at to know the columns of a file without a header
LONGEST_LITERAL = 2 << 20  # characters; Python's own parser takes a hundred times as much memory
LONGEST_RECORD = 1000  # lines; a longer one is a quotation mark that was never closed
DELIMITERS = ("\t", ",", ";", "::", "|")
ATOMIC_TYPES = {"token", "token_seq", "float", "float_seq"}

DATE = re.compile(r"\d{4}[-/.]\d{1,2}[-/.]\d{1,2}|\d{1,2}[-/.]\d{1,2}[-/.]\d{2}(\d{2})?\b")  # the year at either end

csv.field_size_limit(2**31 - 1)


@dataclass(frozen=True)
class Layout:
    """The form of a file and its columns; `types` are the types of an atomic file's header ("token", "float", …)."""

    form: Literal["json", "literal", "delimited", "parquet"]
    columns: tuple[str, ...]
    delimiter: str = ""
    header: bool = True
    types: dict[str, str] = field(default_factory=dict, hash=False)


def detect(path: Path) -> Layout:
    """The layout of a file, told by its content and never by its name.

    Raises DataError for a file that is missing, empty, damaged, binary, or one JSON document instead of lines.
    """
    if is_parquet(path):
        return Layout("parquet", parquet_files.columns(path))
    first = next((line for line in lines(SourceFile(path)) if line.strip()), "").strip()
    if not first:
        raise DataError("The file holds blank lines only", str(path), "Export or download it again.")
    if first.startswith("{"):
        form: Literal["json", "literal"] = "literal" if _json(first) is None and _literal(first) is not None else "json"
        return Layout(form, _keys(path, form))
    if first.startswith("["):
        raise DataError("The file is one JSON list", f"{path}, line 1", "Write one JSON object per line (JSON lines).")
    return _delimited(first, path)


def rows(layout: Layout, columns: Sequence[str], source_file: SourceFile) -> Iterator[tuple]:
    """The values of the asked columns, row by row: text, or what JSON and Parquet hold; None where absent.

    Rows that cannot be read are counted in `source_file`. Raises DataError when a column is not there.
    """
    if layout.form in ("delimited", "parquet"):
        there = set(layout.columns)
        missing = [column for column in columns if column not in there]
        if missing:
            raise DataError(
                f"There is no column {missing[0]!r}",
                str(source_file.path),
                f"The columns are: {', '.join(layout.columns)}. Correct the mapping.",
            )
    if layout.form == "parquet":
        return parquet_files.rows(columns, source_file)
    if layout.form == "delimited":
        return _delimited_rows(layout, columns, source_file)
    return _object_rows(_json if layout.form == "json" else _literal, columns, source_file)


def preview(path: Path, layout: Layout, count: int) -> list[dict]:
    """The first rows as dictionaries."""
    found = rows(layout, layout.columns, SourceFile(path))
    return [dict(zip(layout.columns, row, strict=True)) for row in islice(found, count)]


def _json(line: str) -> dict | None:
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _literal(line: str) -> dict | None:
    if len(line) > LONGEST_LITERAL:
        return None
    try:
        value = ast.literal_eval(line.strip())
    except (ValueError, SyntaxError, RecursionError, MemoryError, TypeError):
        return None
    return value if isinstance(value, dict) else None


def _keys(path: Path, form: Literal["json", "literal"]) -> tuple[str, ...]:
    parse = _json if form == "json" else _literal
    keys: dict[str, None] = {}
    for line in islice(lines(SourceFile(path)), HEAD_ROWS):
        keys.update(dict.fromkeys(map(str, parse(line) or ())))
    if not keys:
        raise DataError(
            "No line could be read", f"{path}, lines 1 to {HEAD_ROWS:,}", "Wanted is one JSON object per line."
        )
    return tuple(keys)


def _object_rows(parse, columns: Sequence[str], source_file: SourceFile) -> Iterator[tuple]:
    for line in lines(source_file):
        value = parse(line)
        if value is None:
            if line.strip():
                source_file.skip()
            continue
        source_file.rows += 1
        yield tuple(map(value.get, columns))


def _delimited(first: str, path: Path) -> Layout:
    delimiter = max(DELIMITERS, key=first.count)
    if "\r" in first:
        how = "Save it with the line ends of Unix or Windows."
        raise DataError("The lines end in carriage returns alone", f"{path}, line 1", how)
    fields = next(csv.reader([first], delimiter=delimiter)) if delimiter in ",;" else first.split(delimiter)
    names = [name.strip() or f"unnamed_{number}" for number, name in enumerate(fields, 1)]
    types = dict(name.split(":") for name in names if name.count(":") == 1)
    if len(types) == len(names) and set(types.values()) <= ATOMIC_TYPES:
        return Layout("delimited", tuple(types), delimiter, types=types)
    header = not any(_is_number(name) or DATE.match(name) for name in names)
    if not header:
        names = [f"column_{number}" for number in range(1, len(names) + 1)]
    if len(set(names)) < len(names):
        raise DataError("Two columns have one name", f"{path}, line 1", f"Rename them: {', '.join(names)}.")
    return Layout("delimited", tuple(names), delimiter, header)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _delimited_rows(layout: Layout, columns: Sequence[str], source_file: SourceFile) -> Iterator[tuple]:
    numbers = {column: number for number, column in enumerate(layout.columns)}
    places = [numbers[column] for column in columns]
    width = len(layout.columns)
    split = _quoted if layout.delimiter in ",;" else _split
    records = split(layout.delimiter, source_file)
    if layout.header:
        next(records, None)
    for record in records:
        if len(record) != width:
            if record:
                source_file.skip()
            continue
        source_file.rows += 1
        yield tuple([record[place] for place in places])


def _split(delimiter: str, source_file: SourceFile) -> Iterator[list[str]]:
    """Tab-separated text: a quotation mark is text, unless it wraps a whole field."""
    for line in lines(source_file):
        line = line.rstrip("\r\n")
        fields = line.split(delimiter) if line else []
        yield [_unwrapped(value) for value in fields] if '"' in line else fields


def _unwrapped(value: str) -> str:
    wrapped = len(value) > 1 and value[0] == value[-1] == '"'
    return value[1:-1].replace('""', '"') if wrapped else value


def _quoted(delimiter: str, source_file: SourceFile) -> Iterator[list[str]]:
    """Comma-separated text with quoted fields, which may span lines."""
    records = csv.reader(lines(source_file), delimiter=delimiter, strict=True)
    while True:
        before = source_file.line
        try:
            record = next(records, None)
        except csv.Error:
            record = []
            source_file.skip(before + 1, max(source_file.line - before, 1))
        if source_file.line - before > LONGEST_RECORD:
            raise DataError(
                f"A quotation mark is not closed within {LONGEST_RECORD:,} lines",
                f"{source_file.path}, line {before + 1}",
                "Close it, or double the quotation marks inside fields.",
            )
        if record is None:
            return
        yield record
