"""Times of events, as numbers or dates, in milliseconds since 1970."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from upsr_core.errors import DataError

# A number of this size cannot be of the smaller unit: 1e11 seconds is the year 5138.
UNITS = ((1e17, 1e-6, "nanoseconds"), (1e14, 1e-3, "microseconds"), (1e11, 1.0, "milliseconds"))

_MILLISECONDS = "datetime64[ms, UTC]"
DAY_FIRST = "Dates that are not in ISO form were read with the day first."
LATEST = 253_402_300_800_000  # the year 10000, in milliseconds


def milliseconds(values: Sequence[Any], where: str) -> tuple[np.ndarray | None, np.ndarray, str]:
    """Times (n,) int64 in milliseconds, which of them are known (n,) bool, and a note on how they were read.

    The times are None when every value is empty. Raises DataError when there are values and none is a time.

    >>> milliseconds(["874965478", ""], "here")
    (array([874965478000,            0]), array([ True, False]), '')
    >>> milliseconds([1588615855070], "here")[2]
    'Times were in milliseconds.'
    >>> milliseconds(["2015-09-28"], "here")[0]
    array([1443398400000])
    """
    series = pd.Series(values)
    given = series.notna()
    if not pd.api.types.is_numeric_dtype(series):
        given &= series.astype("str").str.strip() != ""
    if not given.any():
        return None, given.to_numpy(), "No times: the order of the rows is the order of the events."
    numbers = pd.to_numeric(series[given], errors="coerce")
    if numbers.notna().any():
        time, note = _from_numbers(numbers)
    else:
        time, note = _from_dates(series[given])
    time = time.where(time.abs() < LATEST)
    known = given.to_numpy().copy()
    known[known] = time.notna().to_numpy()
    if not known.any():
        raise DataError(
            f"{series[given].iloc[0]!r} is not a time",
            where,
            "Write seconds since 1970, dates like 2015-09-28 10:01; or map no timestamp to use the row order.",
        )
    result = np.zeros(len(series), np.int64)
    result[known] = time.dropna().to_numpy().astype(np.int64)
    return result, known, note


def _from_numbers(numbers: pd.Series) -> tuple[pd.Series, str]:
    numbers = numbers.where(np.isfinite(numbers))
    size = numbers.abs().median()
    for least, factor, name in UNITS:
        if size >= least:
            exact = numbers if factor == 1.0 else numbers * factor
            return exact, f"Times were in {name}."
    return numbers * 1000, ""


def _from_dates(values: pd.Series) -> tuple[pd.Series, str]:
    unique = pd.Series(values.astype("str").unique(), dtype="str")
    dated = unique.where(unique.str.contains(r"\d"))  # pandas takes "now" and "today" for times
    parsed = pd.to_datetime(dated, format="ISO8601", errors="coerce", utc=True).astype(_MILLISECONDS)
    note = ""
    if parsed.isna().any():
        left, first = dated[parsed.isna()], "day" if _day_first(dated) else "month"
        other = pd.to_datetime(left, format="mixed", errors="coerce", utc=True, dayfirst=first == "day")
        parsed = parsed.fillna(other.astype(_MILLISECONDS))
        if other.notna().any():
            note = DAY_FIRST if first == "day" else DAY_FIRST.replace("day", "month")
    stamp = parsed.astype("int64").where(parsed.notna())
    by_text = dict(zip(unique, stamp, strict=True))
    return values.astype("str").map(by_text), note


def _day_first(dates: pd.Series) -> bool:
    """Whether dates such as 03.11.2024 or 28/11/2024 begin with the day: by their dots, or a number over 12.

    >>> _day_first(pd.Series(["03/11/2024", "28/11/2024"])), _day_first(pd.Series(["03/11/2024", "11/28/2024"]))
    (True, False)
    """
    found = dates.str.extract(r"^\s*(\d{1,2})([./-])(\d{1,2})\2\d{2,4}\b").dropna()
    if (found[2].astype(int) > 12).any():
        return False
    return bool((found[1] == ".").any() or (found[0].astype(int) > 12).any())
