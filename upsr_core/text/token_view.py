"""Every token of an item's text with its attribute and whether the caps keep it: what a person looks at."""

from dataclasses import dataclass

import pandas as pd

from upsr_core.text.design import ItemDesign
from upsr_core.text.render import ItemTexts
from upsr_core.text.tokenizer import TextTokenizer

# The largest cap a design can have; longer texts are shown up to here.
SHOWN = 512


@dataclass(frozen=True)
class TracedToken:
    """`text` is the token's characters with the space before it; `kept` is False where a cap cuts it."""

    text: str
    attribute: str
    kept: bool


def trace_items(design: ItemDesign, items: pd.DataFrame, tokenizer: TextTokenizer) -> list[list[TracedToken]]:
    """For every row of `items` its first 512 tokens before any cap.

    Raises DesignError where the items lack an attribute of the design.
    """
    capped = ItemTexts(design, items, tokenizer)
    free = ItemTexts(ItemDesign(attributes=design.attributes, template=design.template, cap=SHOWN), items, tokenizer)
    encodings = tokenizer.encode_with_offsets(free.texts)
    traced = []
    for number, (_, offsets) in enumerate(encodings):
        # Each cap keeps the first tokens of an attribute, so counts per attribute say which tokens are left.
        left = [int((capped.item(number).owner == position).sum()) for position in range(len(design.attributes))]
        item, text, end = free.item(number), free.texts[number], 0
        tokens = []
        for owner, (_, stop) in zip(item.owner.tolist(), offsets, strict=False):
            tokens.append(TracedToken(text[end:stop], design.attributes[owner], left[owner] > 0))
            left[owner] -= 1
            end = max(end, stop)
        traced.append(tokens)
    return traced
