"""The user's own Table 1: every attribute alone under every indicator, in bands, with a suggested use and why."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from upsr_core.indicators.attribute_use import BANDS, BOTH, DISCARD, TUNING, Criteria, band, use_of
from upsr_core.indicators.profile import Setting, check_names, measure, stored_result
from upsr_core.indicators.result import INDICATORS, IndicatorResult
from upsr_core.runtime import Progress
from upsr_core.text.design import ItemDesign

# What is shown of every attribute, by its title. Sense and defects are parts of indicators, see `Criteria`.
TITLES = {
    "naturalness": "Perplexity",
    "familiarity": "Familiarity",
    "domain_consistency": "Domain consistency",
    "sense": "Sense",
    "informativeness": "Informativeness",
    "defects": "Defects or conflict",
    "length": "Text length",
    "alignment": "Behaviour alignment",
}
COLUMNS = tuple(TITLES)
JUDGED = ("familiarity", "sense", "informativeness", "defects", "length")  # in the order of the paper's columns
RULE = (
    "Familiarity stands for the paper's naturalness, whose perplexity per token cannot compare attributes of "
    "different kinds: the share of what the letters of a value cost in random order that the model saves as it "
    "knows the value. Low below .35, high from .5, for the embedded model. Sense: 1 - the shift of the words' "
    "sense between domains; low below .5, high from .7. Defects or conflict: the share of items with a defect "
    "inside the value, or with an equal value and other company in behaviour; low below 1/3, high from 2/3. The "
    "others in thirds of the range among these attributes where there are at least three values, length on a "
    "logarithmic scale. Perplexity and consistency have no band."
)
# Table 1 of the paper in three bands: "very high" is high, "very low" low. Columns as JUDGED.
PAPER = {
    "title": ("high", "high", "high", "medium", "high", BOTH),
    "category": ("medium", "high", "medium", "medium", "low", BOTH),
    "brand": ("medium", "medium", "medium", "low", "medium", TUNING),
    "price": ("low", "medium", "medium", "low", "low", TUNING),
    "description": ("high", "medium", "high", "high", "high", TUNING),
    "related": ("low", "low", "medium", "high", "high", DISCARD),
    "salesrank": ("low", "low", "low", "high", "low", DISCARD),
}


@dataclass(frozen=True)
class AttributeTable:
    """One row per attribute in `bands`, and the results behind it by attribute and indicator.

    Columns: attribute, each of COLUMNS and its band as `<name>_band` ("" where it has none), over_40 (share of items
    above 40 tokens), use, reason, paper_use, differs (where the paper's Table 1 has another use, and other bands).
    """

    bands: pd.DataFrame
    results: dict[str, dict[str, IndicatorResult]]


def attribute_table(setting: Setting, attributes: tuple[str, ...], progress: Progress) -> AttributeTable:
    """Measure every attribute alone, as the paper's Table 1 does.

    Parameters
    ----------
    setting
        On what, with what and how exactly.
    attributes
        Text columns of the dataset.
    progress
        Called with (measurements done, in all, what); what it raises stops the work, and those done are kept.

    Raises
    ------
    DesignError
        The dataset lacks an attribute.
    """
    names = check_names(None)
    results: dict[str, dict[str, IndicatorResult]] = {}
    steps, done = len(attributes) * len(names), 0
    for attribute in attributes:
        results[attribute] = {}
        for name in names:
            what = f"{attribute}: {INDICATORS[name][0]}"
            progress(done, steps, what)
            around = _context(setting, attribute) if name == "domain_consistency" else None
            results[attribute][name] = measure(
                name,
                setting,
                ItemDesign(attributes=(attribute,)),
                _within(progress, done, steps, what),
                around,
            )
            done += 1
    progress(steps, steps, "done")
    return AttributeTable(_banded(attributes, results), results)


def _within(progress: Progress, done: int, steps: int, what: str) -> Progress:
    """The progress of one of the steps."""
    return lambda part, total, _: progress(done + part / max(total, 1), steps, what)


def is_kept(setting: Setting, attributes: tuple[str, ...]) -> bool:
    """Whether the table needs no computing."""
    return all(
        stored_result(name, setting, ItemDesign(attributes=(attribute,)), around) is not None
        for attribute in attributes
        for name in INDICATORS
        for around in [_context(setting, attribute) if name == "domain_consistency" else None]
    )


def _context(setting: Setting, attribute: str) -> ItemDesign:
    """In which texts the words of an attribute are read for their sense: the paper's general text and the attribute."""
    shared = set.intersection(*(set(each.attributes) for each in (setting.dataset, *setting.domains)))
    names = [name for name in ("category", "title") if name in shared and name != attribute]
    return ItemDesign(attributes=(*names, attribute), cap=80)


def _banded(attributes: tuple[str, ...], results: dict[str, dict[str, IndicatorResult]]) -> pd.DataFrame:
    rows = []
    for name in attributes:
        found = results[name]
        criteria = Criteria.of(found["familiarity"].value, found)
        values = {column: np.nan if (value := found[column].value) is None else value
                  for column in COLUMNS if column in found}  # fmt: skip
        use, reason = use_of(criteria)
        rows.append({"attribute": name, **values, **vars(criteria), "use": use, "reason": reason})
    table = pd.DataFrame(rows)
    for column in COLUMNS:
        values = table[column].astype(float).to_numpy()
        table[f"{column}_band"] = (
            [band(column, value) for value in values]
            if column in BANDS
            else [""] * len(values)
            if column in ("naturalness", "domain_consistency")
            else bands(np.log(np.maximum(values, 1e-9)) if column == "length" else values)
        )
    compared = [_against_paper(row) for row in table.to_dict("records")]
    table["paper_use"], table["differs"] = [use for use, _ in compared], [differs for _, differs in compared]
    return table


def bands(values: np.ndarray) -> list[str]:
    """The third of the range that each value lies in; "" for NaN, and for all where there are fewer than three values
    or they are one: of two values one would be low and one high, however near they are.

    >>> bands(np.array([0.0, 1.0, 5.0, 9.0, np.nan]))
    ['low', 'low', 'medium', 'high', '']
    >>> bands(np.array([0.51, 0.52, np.nan]))
    ['', '', '']
    """
    known = values[np.isfinite(values)]
    if len(known) < 3 or np.ptp(known) == 0:
        return [""] * len(values)
    place = (values - known.min()) / np.ptp(known)
    return ["" if not np.isfinite(x) else "low" if x < 1 / 3 else "medium" if x <= 2 / 3 else "high" for x in place]


def _against_paper(row: dict) -> tuple[str, str]:
    """The paper's use of an attribute, and where its use and its bands are others than ours."""
    theirs = PAPER.get(row["attribute"])
    if theirs is None:
        return "", ""
    other = [
        f"{TITLES[name].lower()} {row[f'{name}_band']}, paper {band}"
        for name, band in zip(JUDGED, theirs[:-1], strict=True)
        if row[f"{name}_band"] and row[f"{name}_band"] != band
    ]
    if row["use"] != theirs[-1]:
        other.insert(0, f"another use, because of {row['reason']}")
    return theirs[-1], "; ".join(other)
