"""Text length: tokens per item and attribute, what the caps cut, how many items of a history fit a text sequence."""

import pandas as pd

from upsr_core.errors import DesignError
from upsr_core.indicators.attribute_tokens import Catalogue, DesignTokens
from upsr_core.indicators.result import IndicatorResult
from upsr_core.text.catalogue_overview import attribute_tokens, history_fit, token_counts
from upsr_core.text.design import Design, ItemDesign
from upsr_core.text.prompt import SequenceBuilder
from upsr_core.text.render import ItemTexts


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
    items = token_counts(tokens).rename_axis("item").reset_index()
    per_attribute = _attributes(catalogue, design, tokens)
    history = _history(catalogue, design, tokens)
    facts = {
        "items": len(tokens),
        "kept": float(items.tokens.mean()),
        "cut": float((items.full_tokens > items.tokens).mean()),
        "cap": design.cap,
        "attributes": per_attribute.to_dict("records"),
        "history": history,
    }
    note = f"before the cap of {design.cap}; all items"
    tables = {"items": items, "attributes": per_attribute}
    return IndicatorResult.of("length", tokens.full_tokens.mean(), note=note, facts=facts, tables=tables)


def _attributes(catalogue: Catalogue, design: ItemDesign, tokens: DesignTokens | ItemTexts) -> pd.DataFrame:
    table = attribute_tokens(tokens)
    lengths = [catalogue.attribute(name).lengths for name in design.attributes]
    table.insert(1, "full_tokens", [float(full.mean()) for full in lengths])
    return table.assign(over_40=[float((full > 40).mean()) for full in lengths])


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
