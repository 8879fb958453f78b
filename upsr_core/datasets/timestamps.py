"""Times of events, as numbers or dates, in milliseconds since 1970; read in DuckDB, a distinct text once."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Literal

import numpy as np
import pandas as pd

from upsr_core.datasets.import_scratch import Scratch
from upsr_core.errors import DataError

# A number of this size cannot be of the smaller unit: 1e11 seconds is the year 5138.
UNITS = ((1e17, 1e-6, "nanoseconds"), (1e14, 1e-3, "microseconds"), (1e11, 1.0, "milliseconds"))

_MILLISECONDS = "datetime64[ms, UTC]"
DAY_FIRST = "Dates that are not in ISO form were read with the day first."
LATEST = 253_402_300_800_000  # the year 10000, in milliseconds
TEXTS_AT_ONCE = 250_000
NO_TIMES = "No times: the order of the rows is the order of the events."

# Two columns for the times of a source: `number` for a plain whole number, `text` for anything else.
COLUMNS = "number BIGINT, text VARCHAR"
AS_COLUMNS = (
    "CASE WHEN CAST(TRY_CAST({0} AS BIGINT) AS VARCHAR) = {0} THEN TRY_CAST({0} AS BIGINT) END AS number, "
    "CASE WHEN CAST(TRY_CAST({0} AS BIGINT) AS VARCHAR) = {0} THEN NULL ELSE {0} END AS text"
)


@dataclass(frozen=True)
class Clock:
    """How the table `raw` is timed: `milliseconds` is a SQL expression over `source`, NULL where there is no time.

    `milliseconds` is None when every value is empty; `note` says how the times were read.
    """

    milliseconds: str | None
    source: str
    note: str


def clock_of(scratch: Scratch, where: str) -> Clock:
    """Look at all times of the table `raw` (columns `number` and `text`); makes the table `parsed`.

    Raises DataError when there are values and none is a time.
    """
    texts = "SELECT text, count(*) AS events FROM raw WHERE text IS NOT NULL GROUP BY text"
    scratch.run(f"CREATE OR REPLACE TABLE texts AS {texts}", "Reading the times")
    _read(scratch, _numbers)
    whole = scratch.one("SELECT count(number) FROM raw")[0]
    counts = "SELECT coalesce(sum(events) FILTER (value IS NOT NULL), 0), coalesce(sum(events) FILTER (given), 0)"
    numbers, given = scratch.one(f"{counts} FROM parsed")
    if not whole and not given:
        return Clock(None, "raw", NO_TIMES)
    number = "CAST(number AS DOUBLE)"
    # What most events have decides: a 0 among dates stands for none, as a word does among numbers.
    if 2 * (whole + numbers) >= whole + given:
        factor, note = _unit(scratch)
    else:
        first: Literal["day", "month"] = "day" if _day_first(scratch) else "month"
        noted = _read(scratch, partial(_dates, first=first))
        factor, note, number = 1.0, DAY_FIRST.replace("day", first) if noted else "", "NULL"
        if not scratch.one("SELECT count(value) FROM parsed")[0]:  # neither: what numbers there are count
            _read(scratch, _numbers)
            factor, note = _unit(scratch)
            number = "CAST(number AS DOUBLE)"
    joined = scratch.one("SELECT count(*) FROM parsed")[0]
    value = f"({f'coalesce({number}, value)' if joined else number} * {factor!r})"
    known = f"CASE WHEN abs({value}) < {LATEST} THEN CAST(trunc({value}) AS BIGINT) END"
    clock = Clock(known, "raw LEFT JOIN parsed USING (text)" if joined else "raw", note)
    if not scratch.one(f"SELECT count({known}) FROM {clock.source}")[0]:
        _refuse(scratch, where)
    return clock


def _refuse(scratch: Scratch, where: str) -> None:
    query = """SELECT coalesce(text, CAST(number AS VARCHAR)) FROM raw LEFT JOIN parsed USING (text)
        WHERE given OR number IS NOT NULL ORDER BY raw.rowid LIMIT 1"""
    raise DataError(
        f"{scratch.one(query)[0]!r} is not a time",
        where,
        "Write seconds since 1970, dates like 2015-09-28 10:01; or map no timestamp to use the row order.",
    )


def _read(scratch: Scratch, reader: Callable[[pd.Series], tuple[pd.Series, bool]]) -> bool:
    """Fill the table `parsed` with the value of every text; whether the reader met anything of note."""
    import pyarrow as pa

    scratch.connection.execute(
        "CREATE OR REPLACE TABLE parsed (text VARCHAR, events BIGINT, given BOOLEAN, value DOUBLE)"
    )
    noted = False
    for batch in scratch.batches("SELECT text, events FROM texts", TEXTS_AT_ONCE):
        texts = pd.Series(batch.column("text").to_pylist(), dtype="str")
        given = texts.str.strip() != ""
        values, note = reader(texts.where(given, "none"))
        noted |= note
        columns = [batch.column("text"), batch.column("events"), pa.array(given.to_numpy(bool)),
                   pa.array(values.to_numpy(np.float64), from_pandas=True)]  # fmt: skip
        scratch.append("parsed", pa.table(columns, ["text", "events", "given", "value"]))
    return noted


def _numbers(texts: pd.Series) -> tuple[pd.Series, bool]:
    """Texts as numbers, NaN where they are none."""
    return pd.to_numeric(texts, errors="coerce").astype(np.float64), False


def _dates(texts: pd.Series, first: Literal["day", "month"] = "month") -> tuple[pd.Series, bool]:
    """Texts as dates in milliseconds, NaN where they are none; whether some were not in ISO form.

    >>> _dates(pd.Series(["2015-09-28", "soon"], dtype="str"))[0].tolist()
    [1443398400000.0, nan]
    """
    dated = texts.where(texts.str.contains(r"\d"))  # pandas takes "now" and "today" for times
    parsed = pd.to_datetime(dated, format="ISO8601", errors="coerce", utc=True).astype(_MILLISECONDS)
    mixed = False
    if parsed.isna().any():
        left = dated[parsed.isna()]
        other = pd.to_datetime(left, format="mixed", errors="coerce", utc=True, dayfirst=first == "day")
        parsed, mixed = parsed.fillna(other.astype(_MILLISECONDS)), bool(other.notna().any())
    return parsed.astype("int64").where(parsed.notna()).astype(np.float64), mixed


def _day_first(scratch: Scratch) -> bool:
    """Whether dates such as 03.11.2024 or 28/11/2024 begin with the day: by their dots, or a number over 12."""
    form = r"^\s*(\d{1,2})([./-])(\d{1,2})[./-]\d{2,4}\b"
    query = f"""SELECT coalesce(bool_or(second > 12), false), coalesce(bool_or(mark = '.' OR first > 12), false) FROM
        (SELECT CAST(regexp_extract(text, '{form}', 1) AS INT) AS first, regexp_extract(text, '{form}', 2) AS mark,
        CAST(regexp_extract(text, '{form}', 3) AS INT) AS second FROM texts WHERE regexp_matches(text, '{form}'))"""
    month_first, day_first = scratch.one(query)
    return day_first and not month_first


def _unit(scratch: Scratch) -> tuple[float, str]:
    """The factor to milliseconds and a note: the median's size tells the unit."""
    sizes = """(SELECT abs(CAST(number AS DOUBLE)) AS size, 1 AS events FROM raw WHERE number IS NOT NULL
        UNION ALL SELECT abs(value), events FROM parsed WHERE isfinite(value))"""
    for least, factor, name in UNITS:
        query = f"""SELECT sum(events), coalesce(sum(events) FILTER (size < {least}), 0),
            max(size) FILTER (size < {least}), min(size) FILTER (size >= {least}) FROM {sizes}"""
        count, below, last, first = scratch.one(query)
        if not count:
            break  # no number is finite
        if 2 * below < count or (2 * below == count and (last + first) / 2 >= least):
            return factor, f"Times were in {name}."
    return 1000.0, ""
