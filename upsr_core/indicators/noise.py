"""Noise and ambiguity of a design: what is wrong with its texts, part by part, with the offending items."""

import numpy as np
import pandas as pd

from upsr_core.indicators.attribute_tokens import Catalogue
from upsr_core.indicators.defects import boilerplate, markup, repeated, stacked
from upsr_core.indicators.informativeness import alone, same_text
from upsr_core.indicators.near_duplicates import near_identical
from upsr_core.indicators.result import IndicatorResult
from upsr_core.text.design import ItemDesign

COMPONENTS = {
    "identical": "Text, as cut, equal to another item's",
    "near_identical": "At least nine tenths of the words of another item's text",
    "markup": "Markup, addresses, wrongly decoded characters",
    "boilerplate": "A phrase of six words that many values share",
    "stacked": "Six or more keywords in a row",
    "repeated": "One word said again and again",
}
IN_VALUES = {"markup": markup, "boilerplate": boilerplate, "stacked": stacked, "repeated": repeated}
SAME = 0.5  # an attribute hardly varies when more than this share of its values is one value
EVERYWHERE = 0.9  # a word that so many items have tells none of them apart


def defective(catalogue: Catalogue, design: ItemDesign) -> np.ndarray:
    """Which items (n,) have at least one of COMPONENTS: their share is the noise. What is wrong inside values and with
    their words is the same in every order, and is looked for once."""
    names = design.attributes
    bad = np.zeros(len(catalogue.items), bool)
    bad[_identical(catalogue.tokens(design)).item] = True
    bad |= catalogue.once(("near", *sorted(names)), lambda: _flagged(catalogue, _near(catalogue, tuple(sorted(names)))))
    for name in names:
        bad |= in_values(catalogue, name)
    return bad


def in_values(catalogue: Catalogue, attribute: str) -> np.ndarray:
    """Which items (n,) have markup, boilerplate, stacked or repeated words in a value of an attribute."""
    return catalogue.once(
        ("in_values", attribute),
        lambda: np.logical_or.reduce([_flagged(catalogue, find(catalogue, attribute)) for find in IN_VALUES.values()]),
    )


def _flagged(catalogue: Catalogue, table: pd.DataFrame) -> np.ndarray:
    return np.isin(np.arange(len(catalogue.items)), table["item"])


def _near(catalogue: Catalogue, attributes: tuple[str, ...]) -> pd.DataFrame:
    item, code, _ = catalogue.words_of(attributes)
    return near_identical(item, code, len(catalogue.items))


def noise(catalogue: Catalogue, design: ItemDesign) -> IndicatorResult:
    """Share of items with at least one defect (paper, section 3.2, "Noise & Ambiguity"; the paper does not quantify).

    Conflict with behaviour is measured by `conflict`, because it needs events.

    Returns
    -------
    IndicatorResult
        Facts: `components` the share of items with each (see COMPONENTS), `attributes` how much each attribute's
        values vary, `in_values` the share of items with markup, boilerplate, stacked or repeated words. Tables: one
        per component with the offending items, `values`, `words` (those in nine of ten items), `items` (one flag per
        component).
    """
    tokens = catalogue.tokens(design)
    if not len(tokens) or tokens.empty.all():
        return IndicatorResult.impossible("noise", "no item has any text under this design")
    tables = {"identical": _identical(tokens)}
    item, code, words = catalogue.words_of(design.attributes)
    near = _near(catalogue, design.attributes)
    tables["near_identical"] = near[~near.item.isin(tables["identical"].item)].reset_index(drop=True)
    for part, find in IN_VALUES.items():
        found = [find(catalogue, name) for name in design.attributes]
        some = [table for table in found if len(table)]
        tables[part] = pd.concat(some, ignore_index=True) if some else found[0]
    flags = pd.DataFrame({"item": np.arange(len(tokens))})
    for part in COMPONENTS:
        flags[part] = np.isin(flags.item, tables[part].item)
    values = _values(catalogue, design)
    tables |= {"values": values, "words": _words_everywhere(item, code, words, len(tokens)), "items": flags}
    facts = {
        "items": len(tokens),
        "components": {part: float(flags[part].mean()) for part in COMPONENTS},
        "in_values": float(np.logical_or.reduce([in_values(catalogue, name) for name in design.attributes]).mean()),
        "hardly_vary": values.attribute[values.hardly_varies].tolist(),
        "attributes": values.to_dict("records"),
    }
    note = "items with at least one defect; all items; conflict with behaviour apart"
    return IndicatorResult.of("noise", defective(catalogue, design).mean(), note=note, facts=facts, tables=tables)


def _identical(tokens) -> pd.DataFrame:
    """Columns item, group, size of the items that `text.cut.identical` counts: those without any text are one text."""
    labels = same_text(tokens.ids, tokens.offsets[:-1], np.diff(tokens.offsets))
    size = np.bincount(labels)[labels]
    table = pd.DataFrame({"item": np.arange(len(labels)), "group": labels, "size": size})[~alone(labels)]
    return table.sort_values(["size", "group", "item"], ascending=[False, True, True]).reset_index(drop=True)


def _values(catalogue: Catalogue, design: ItemDesign) -> pd.DataFrame:
    """How much the values of each attribute vary; shares are of the items that have a value."""
    rows = []
    for name in design.attributes:
        counts = catalogue.items[name][catalogue.items[name] != ""].value_counts()
        total = int(counts.sum())
        share = counts.to_numpy() / max(1, total)
        top = float(share[0]) if total else 0.0
        rows.append(
            {
                "attribute": name,
                "with_value": total / max(1, len(catalogue.items)),
                "distinct": len(counts),
                "effective": float(2 ** -(share * np.log2(share)).sum()) if total else 0.0,
                "most_common": str(counts.index[0])[:80] if total else "",
                "its_share": top,
                "hardly_varies": bool(total > 1 and top > SAME),
            }
        )
    return pd.DataFrame(rows)


def _words_everywhere(item: np.ndarray, code: np.ndarray, words: np.ndarray, items: int) -> pd.DataFrame:
    pairs = np.unique(item.astype(np.int64) * max(1, len(words)) + code)
    share = np.bincount(pairs % max(1, len(words)), minlength=len(words)) / max(1, items)
    order = [number for number in np.argsort(-share, kind="stable") if share[number] >= EVERYWHERE and items > 1]
    return pd.DataFrame({"word": [str(words[number]) for number in order], "share": [share[n] for n in order]})
