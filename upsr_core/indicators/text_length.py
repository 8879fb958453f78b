"""Text length: tokens per item and attribute, what the caps cut, how many items of a history fit a text sequence."""

import pandas as pd

from upsr_core.errors import DesignError
from upsr_core.indicators.attribute_tokens import Catalogue
from upsr_core.indicators.result import IndicatorResult
from upsr_core.text.catalogue_overview import history_fit, token_counts
from upsr_core.text.cut import Cut
from upsr_core.text.design import Design, ItemDesign
from upsr_core.text.prompt import SequenceBuilder


def length(catalogue: Catalogue, design: ItemDesign) -> IndicatorResult:
    """Mean tokens of an item before any cap (paper, section 3.2, "Text Length").

    Returns
    -------
    IndicatorResult
        Facts: `kept` tokens per item as cut by the caps, `cut` share of items that lose tokens, `attributes` the mean
        tokens of each attribute before and after the caps, `history` how many of the newest items fit the paper's
        prompt of 512 tokens (mean over users, and the share of users whose whole history fits). Table `items`: tokens,
        full_tokens.
    """
    tokens = catalogue.tokens(design)
    if not len(tokens) or tokens.empty.all():
        return IndicatorResult.impossible("length", "no item has any text under this design")
    cut = catalogue.cut(design)
    items = token_counts(tokens).rename_axis("item").reset_index()
    per_attribute = _attributes(catalogue, cut)
    history = _history(catalogue, design, tokens)
    facts = {
        "items": len(tokens),
        "kept": float(items.tokens.mean()),
        "cut": cut.cut,
        "cap": design.cap,
        "attributes": per_attribute.to_dict("records"),
        "history": history,
    }
    note = f"before the cap of {design.cap}; all items"
    tables = {"items": items, "attributes": per_attribute}
    return IndicatorResult.of("length", tokens.full_tokens.mean(), note=note, facts=facts, tables=tables)


def _attributes(catalogue: Catalogue, cut: Cut) -> pd.DataFrame:
    rows = []
    for name, left in cut.attributes.items():
        full = catalogue.attribute(name).lengths
        rows.append(
            {
                "attribute": name,
                "full_tokens": float(full.mean()),
                "tokens": left.tokens,
                "over_40": float((full > 40).mean()),
            }
        )
    return pd.DataFrame(rows)


def _history(catalogue: Catalogue, design: ItemDesign, tokens) -> dict:
    if not len(catalogue.dataset.sequence):
        return {"reason": "cannot be computed because the dataset has no events"}
    try:
        whole = Design(pretrain=design, finetune=design)
        fit = history_fit(SequenceBuilder(whole, tokens), catalogue.dataset)
    except DesignError as error:
        return {"reason": f"cannot be computed because {error.what}"}
    return {
        "limit": whole.max_tokens,
        "items_that_fit": float(fit.kept.mean()),
        "items": float(fit["items"].mean()),
        "whole": float((fit.kept == fit["items"]).mean()),
        "users": len(fit),
    }
