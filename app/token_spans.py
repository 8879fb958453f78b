"""Text sequences and their targets as spans for the token strip: every token says its item and attribute."""

import numpy as np
import pandas as pd

from app.components import Span
from upsr_core.text.prompt import PROMPT, SENTINEL, SequenceBuilder, TextSequence
from upsr_core.text.tokenizer import readable


def sequence_spans(sequence: TextSequence, builder: SequenceBuilder, history: np.ndarray, items: pd.DataFrame):
    """Spans of an encoder input. `history` (n,) item indices, the places of `sequence` count in it."""
    attributes = builder.texts.design.attributes
    spans, before = [], PROMPT
    for text, place, owner in zip(
        readable(builder.tokenizer.tokens(sequence.ids.tolist())),
        sequence.place.tolist(),
        sequence.owner.tolist(),
        strict=True,
    ):
        if place >= 0:
            item_id = items.item_id.iloc[int(history[place])]
            hover = f"item {place + 1} of {len(history)}, {item_id}: {attributes[owner]}"
            spans.append(Span(text, attributes[owner], hover, opens=place != before))
        elif place == SENTINEL:
            spans.append(Span(text, hover="stands for a masked item", mark=True))
        else:
            spans.append(Span(text, hover="prompt"))
        before = place
    return spans


def target_spans(target: np.ndarray, masked_items: list[int], builder: SequenceBuilder, items: pd.DataFrame):
    """Spans of a decoder target: sentinels, each followed by the tokens of its item. `masked_items` in that order."""
    attributes = builder.texts.design.attributes
    sentinels = set(builder.tokenizer.sentinels)
    waiting, owners, hover, spans = iter(masked_items), iter(()), "", []
    for number, text in zip(target.tolist(), readable(builder.tokenizer.tokens(target.tolist())), strict=True):
        if number in sentinels:
            item = next(waiting)
            owners = iter(builder.texts.item(item).owner.tolist())
            hover = str(items.item_id.iloc[item])
            spans.append(Span(text, hover=f"opens the text of {hover}", mark=True))
        elif number == builder.tokenizer.end:
            spans.append(Span(" " + text, hover="end"))
        else:
            name = attributes[next(owners)]
            spans.append(Span(text, name, f"{hover}: {name}"))
    return spans
