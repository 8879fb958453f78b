"""The item file: one row per item, every attribute cleaned to text."""

from collections import Counter
from dataclasses import dataclass

import pandas as pd

from upsr_core.datasets.cleaning import clean, identifier
from upsr_core.datasets.files import Reading
from upsr_core.datasets.layouts import rows
from upsr_core.datasets.sniff import Guess
from upsr_core.datasets.spec import ColumnMapping
from upsr_core.errors import DataError
from upsr_core.runtime import Progress
from upsr_core.schema import ATTRIBUTES, ITEM


@dataclass
class RawItems:
    """`table` has item_id and one text column per attribute, "" where missing; `mends` counts values per mend.

    `duplicates` counts the rows whose item had appeared before (the first row is kept); mends count in them too.
    """

    table: pd.DataFrame
    reading: Reading
    duplicates: int
    duplicated: int
    mends: dict[str, dict[str, int]]


def read_items(source: Guess, mapping: ColumnMapping, progress: Progress | None = None) -> RawItems:
    """Read and clean an item file.

    Raises DataError when a mapped column is nowhere in the file or no item could be read.
    """
    names = sorted(mapping.names, key=lambda name: ATTRIBUTES.index(name) if name in ATTRIBUTES else len(ATTRIBUTES))
    plan = _plan(mapping, names)
    columns = (mapping.item_id, *(column for _, column in mapping.attributes))
    reading = Reading(source.path, progress)
    seen: Counter[str] = Counter()
    values: list[list[str]] = [[] for _ in names]
    mends = {name: Counter() for name in names}
    used = [False] * len(columns)
    types = source.layout.types
    sequences = {name for name in names if any(types.get(each) == "token_seq" for each in mapping.sources(name))}
    for row in rows(source.layout, columns, reading):
        used = [was or value is not None for was, value in zip(used, row, strict=True)]
        item = identifier(row[0])
        if not item:
            reading.skip()
            continue
        seen[item] += 1
        cleaned = [_cleaned(name, places, row, mends[name], name in sequences) for name, places in plan]
        if seen[item] == 1:
            for column, text in zip(values, cleaned, strict=True):
                column.append(text)
    _check_columns(source, columns, used, reading)
    table = pd.DataFrame({ITEM: list(seen), **dict(zip(names, values, strict=True))}, dtype="str")
    duplicated = sum(count > 1 for count in seen.values())
    found = {name: dict(sorted(counts.items())) for name, counts in mends.items() if counts}
    return RawItems(table, reading, seen.total() - len(seen), duplicated, found)


def _plan(mapping: ColumnMapping, names: list[str]) -> list[tuple[str, list[int]]]:
    pairs = mapping.attributes
    return [(name, [place for place, pair in enumerate(pairs, 1) if pair[0] == name]) for name in names]


def _cleaned(name: str, places: list[int], row: tuple, counts: Counter, sequence: bool) -> str:
    mends: set[str] = set()
    value = row[places[0]]
    if sequence and name == "category" and isinstance(value, str) and "," not in value:
        value = value.split()  # an atomic file separates the words of a sequence by blanks
    text = clean(name, value, mends)
    for place in places[1:]:
        text = ", ".join(part for part in (text, clean(name, row[place], mends)) if part)
    counts.update(mends)
    return text


def _check_columns(source: Guess, columns: tuple, used: list[bool], reading: Reading) -> None:
    if reading.rows == 0:
        raise DataError("No item could be read", str(source.path), reading.note or "The file has a header only.")
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
