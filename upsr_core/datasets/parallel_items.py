"""Parts of an item file cleaned to text, one call each, so that every core can take some.

A part is an Arrow table of JSON texts, as DuckDB reads a clean file of JSON lines, or a list of rows of Python values,
as the line reader gives them. Both end in the same cleaning of one value. Of JSON texts a distinct one is cleaned once,
and Python does not look at what is clean already, which a regular expression tells.
"""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from upsr_core.datasets.cleaning import LONGEST, MISSING, clean, identifier
from upsr_core.schema import ITEM

TEXT = pa.large_string()
# A text that cleaning leaves as it is: words with one blank between them, without quotation marks and escapes, markup,
# entities, style sheets, and the marks and blanks that cleaning drops or replaces.
_WORD = (
    r'[^\x00-\x20"\\<&{\x7f-\xa0\x{1680}\x{2000}-\x{200b}\x{2028}\x{2029}\x{202f}\x{205f}\x{2060}\x{3000}\x{feff}'
    r"\x{fff9}-\x{fffb}]+"
)
_TEXT = rf'"{_WORD}(?: {_WORD})*"'
_CLEAN = rf"^(?:{_TEXT}|\[{_TEXT}(?:,{_TEXT})*\])$"
_PROGRAM = "getTime()"  # the only sign of a program that has no brace
_EMPTY = pa.array(['""', "[]", "{}"], pa.string())
_OWN_FORM = ("price", "category", "salesrank")  # and "related", which differs in what stands between its parts alone


@dataclass(frozen=True)
class Plan:
    """What becomes of a row: its id in place 0, and each attribute (name, places) of one value or several.

    `sequences` are attributes of an atomic file, which separates the words of a sequence by blanks.
    """

    attributes: tuple[tuple[str, tuple[int, ...]], ...]
    sequences: frozenset[str] = frozenset()

    @property
    def schema(self) -> pa.Schema:
        return pa.schema([(ITEM, TEXT), *((name, TEXT) for name, _ in self.attributes)])


@dataclass
class Shard:
    """Cleaned rows: ids and one text column per attribute; `mends` counts values per attribute and mend.

    `used` says of every place whether some row has a value there.
    """

    rows: pa.RecordBatch
    mends: dict[str, Counter[str]]
    used: list[bool]

    @property
    def present(self) -> np.ndarray:
        """Which rows have which attribute (n, n_attributes)."""
        columns = [pc.not_equal(column, "").to_numpy(zero_copy_only=False) for column in self.rows.columns[1:]]
        return np.stack(columns, axis=1)


def clean_part(part: pa.Table | list[tuple], plan: Plan) -> Shard | None:
    """Clean a part; None where a row of an Arrow table has no id, as then some may not be rows at all, or a value that
    Python refuses to read."""
    try:
        return _of_rows(part, plan) if isinstance(part, list) else _of_json(part, plan)
    except _Unreadable:
        return None


class _Unreadable(Exception):
    """A JSON text that DuckDB reads and Python does not: a number of thousands of digits, lists in lists in lists."""


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise _Unreadable from error


def _of_rows(rows: list[tuple], plan: Plan) -> Shard:
    columns = [pa.array([identifier(row[0]) for row in rows], TEXT)]
    mends: dict[str, Counter[str]] = {}
    for name, places in plan.attributes:
        mends[name], texts = Counter(), []
        for row in rows:
            made: set[str] = set()
            value = row[places[0]]
            if name in plan.sequences and name == "category" and isinstance(value, str) and "," not in value:
                value = value.split()
            text = clean(name, value, made)
            for place in places[1:]:
                text = ", ".join(part for part in (text, clean(name, row[place], made)) if part)
            mends[name].update(made)
            texts.append(text)
        columns.append(pa.array(texts, TEXT))
    used = [any(row[place] is not None for row in rows) for place in range(len(rows[0]))]
    return Shard(pa.RecordBatch.from_arrays(columns, schema=plan.schema), mends, used)


def _of_json(table: pa.Table, plan: Plan) -> Shard | None:
    values = [column.combine_chunks() for column in table.columns]
    ids = _ids(values[0])
    if ids is None:
        return None
    columns = [ids]
    mends: dict[str, Counter[str]] = {}
    for name, places in plan.attributes:
        text, made = _texts(name, [values[place] for place in places])
        columns.append(text)
        mends[name] = made
    used = [column.null_count < len(column) for column in values]
    return Shard(pa.RecordBatch.from_arrays(columns, schema=plan.schema), mends, used)


def _ids(column: pa.Array) -> pa.Array | None:
    if column.null_count:
        return None
    text = pc.binary_slice(column.cast(pa.binary()), 1, -1).cast(pa.string())
    clean_already = _is_clean(column, "") & ~_in(text, MISSING)
    if not clean_already.all():
        odd = [identifier(_value(value)) for value in column.filter(pa.array(~clean_already)).to_pylist()]
        if not all(odd):
            return None
        text = pc.replace_with_mask(text, pa.array(~clean_already), pa.array(odd, pa.string()))
    return text.cast(TEXT)


def _texts(name: str, columns: Sequence[pa.Array]) -> tuple[pa.Array, Counter]:
    """The text of an attribute in every row, of one column or several, and how many values were mended how."""
    names: dict[str, int] = {}
    text, mended = None, np.zeros(len(columns[0]), np.int64)
    for column in columns:
        encoded = column.dictionary_encode()
        distinct, made = _distinct(name, encoded.dictionary, names)
        places = encoded.indices
        known = ~places.is_null().to_numpy(zero_copy_only=False)
        mended[known] |= made[places.drop_null().to_numpy()]
        found = distinct.take(places).fill_null("")
        text = found if text is None else _joined(text, found)
    return text, Counter({mend: int((mended >> bit & 1).sum()) for mend, bit in names.items()})


def _joined(first: pa.Array, second: pa.Array) -> pa.Array:
    both = pc.binary_join_element_wise(first, second, pa.scalar(", ", TEXT))
    return pc.if_else(pc.equal(first, ""), second, pc.if_else(pc.equal(second, ""), first, both))


def _distinct(name: str, values: pa.Array, names: dict[str, int]) -> tuple[pa.Array, np.ndarray]:
    """Every JSON text cleaned, and its mends as bits (n,) int64; `names` gives the bit of a mend."""
    done = _in(values, _EMPTY)
    text = pa.array([""], TEXT).take(pa.array(np.zeros(len(values), np.int64)))
    if name not in _OWN_FORM:
        already = _is_clean(values, "[") & (pc.binary_length(values).to_numpy() <= LONGEST)
        single = _bare(values.filter(pa.array(already)), ", " if name == "related" else " ")
        text = pc.replace_with_mask(text, pa.array(already), single)
        done |= already
    mends = np.zeros(len(values), np.int64)
    odd, cleaned = np.flatnonzero(~done), []
    for place, value in zip(odd.tolist(), values.take(pa.array(odd)).to_pylist(), strict=True):
        made: set[str] = set()
        cleaned.append(clean(name, _value(value), made))
        for mend in made:
            mends[place] |= 1 << names.setdefault(mend, len(names))
    return pc.replace_with_mask(text, pa.array(~done), pa.array(cleaned, TEXT)), mends


def _is_clean(values: pa.Array, lists: str) -> np.ndarray:
    """Which JSON texts are clean texts, or with `lists` lists of such (n,)."""
    clean_already = pc.match_substring_regex(values, _CLEAN if lists else f"^{_TEXT}$")
    return pc.and_not(clean_already, pc.match_substring(values, _PROGRAM)).to_numpy(zero_copy_only=False)


def _bare(values: pa.Array, between: str) -> pa.Array:
    """Clean JSON texts without their marks, the parts of a list joined."""
    data = values.cast(pa.binary())
    of_list = pc.starts_with(values, "[")
    text = pc.if_else(of_list, pc.binary_slice(data, 2, -2), pc.binary_slice(data, 1, -1))
    text = pc.replace_substring(text.cast(TEXT), '","', between)
    return pc.if_else(pa.array(_in(text, MISSING)), "", text)


def _in(values: pa.Array, which) -> np.ndarray:
    known = pa.array(sorted(which), values.type) if isinstance(which, set) else which.cast(values.type)
    return pc.is_in(values, value_set=known).to_numpy(zero_copy_only=False)
