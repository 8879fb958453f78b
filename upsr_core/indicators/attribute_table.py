"""The user's own Table 1: every attribute alone under every indicator, in bands, with a suggested use and why."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from upsr_core.indicators.profile import Setting, check_names, measure, stored_result
from upsr_core.indicators.result import INDICATORS, IndicatorResult
from upsr_core.runtime import Progress
from upsr_core.text.design import ItemDesign

BOTH, TUNING, DISCARD = "pre-training and tuning", "tuning only", "discard"
COLUMNS = ("naturalness", "domain_consistency", "informativeness", "noise", "length", "alignment")
RULE = (
    "Between the lowest and the highest value among these attributes, the lower third is low, the middle medium, the "
    "upper high, where there are at least three values; perplexity and length on a logarithmic scale. Naturalness is "
    "high where perplexity is low. Noise joins defects inside values and conflict with behaviour: 1 - (1 - defects) "
    "(1 - conflict)."
)
USE_RULE = (
    "Discard: noise high, naturalness or consistency low. Pre-training and tuning: naturalness not low, consistency "
    "high (or without a band), noise not high, at most half of the items above 40 tokens. Otherwise tuning."
)
# Table 1 of the paper in three bands: "very high" is high, "very low" low. Columns as COLUMNS without alignment.
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

    Columns: attribute, each of COLUMNS and its band as `<name>_band`, over_40 (share of items above 40 tokens), use,
    reason, paper_use, differs (where the paper's Table 1 has another band).
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
    rows = [{"attribute": name, **_values(results[name])} for name in attributes]
    table = pd.DataFrame(rows)
    for column in COLUMNS:
        values = table[column].astype(float).to_numpy()
        if column == "naturalness":
            values = -np.log(values)
        elif column == "length":
            values = np.log(np.maximum(values, 1e-9))
        table[f"{column}_band"] = bands(values)
    uses = [_use(row) for row in table.to_dict("records")]
    table["use"], table["reason"] = [use for use, _ in uses], [reason for _, reason in uses]
    compared = [_against_paper(row) for row in table.to_dict("records")]
    table["paper_use"], table["differs"] = [use for use, _ in compared], [differs for _, differs in compared]
    return table


def _values(results: dict[str, IndicatorResult]) -> dict[str, float]:
    found = {name: results[name].value for name in COLUMNS}
    values = {name: np.nan if value is None else value for name, value in found.items()}
    noise, clash = results["noise"], results["conflict"].value
    if noise.value is not None:
        values["noise"] = 1 - (1 - noise.facts["in_values"]) * (1 - (clash or 0.0))
    over = results["length"]
    values["over_40"] = over.facts["attributes"][0]["over_40"] if over.value is not None else np.nan
    return values


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


def _use(row: dict) -> tuple[str, str]:
    """The suggested use and the reason, by USE_RULE."""
    natural, consistent, noisy = (row[f"{name}_band"] for name in ("naturalness", "domain_consistency", "noise"))
    if not np.isfinite(row["informativeness"]):
        return DISCARD, "no item has a value"
    weak = [what for what, band in (("naturalness", natural), ("consistency", consistent)) if band == "low"]
    if noisy == "high" and weak:
        return DISCARD, f"noise high and {' and '.join(weak)} low"
    against = []
    if natural == "low":
        against.append("naturalness low")
    if consistent in ("low", "medium"):
        against.append(f"consistency {consistent}")
    if noisy == "high":
        against.append("noise high")
    if row["over_40"] > 0.5:
        against.append(f"{row['over_40']:.0%} of the items above 40 tokens")
    if against:
        return TUNING, ", ".join(against)
    unknown = "" if consistent else "; consistency unknown: it needs further domains and three attributes"
    return BOTH, f"naturalness {natural or 'not compared'}, noise {noisy or 'not compared'}{unknown}"


def _against_paper(row: dict) -> tuple[str, str]:
    """The paper's use of an attribute, and where its bands are others than ours."""
    theirs = PAPER.get(row["attribute"])
    if theirs is None:
        return "", ""
    other = [
        f"{INDICATORS[name][0].lower()} {row[f'{name}_band']}, paper {band}"
        for name, band in zip(COLUMNS[:-1], theirs[:-1], strict=True)
        if row[f"{name}_band"] and row[f"{name}_band"] != band
    ]
    return theirs[-1], "; ".join(other)
