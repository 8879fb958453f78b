"""Bits per byte on held-out text: compares models whatever their vocabulary."""

import math
from collections.abc import Sequence

import torch
from tokenizers import Tokenizer

PREFIX, CONTINUATION = 200, 200  # characters seen by the encoder, and predicted after them
PIECES, BATCH = 1000, 32


def pieces_of(paragraphs: Sequence[str], most: int = PIECES) -> list[tuple[str, str]]:
    """(beginning, continuation) of long paragraphs, spread evenly over them, cut at spaces.

    >>> pieces_of(["ab " * 200])[0][0] == ("ab " * 67).rstrip()
    True
    """
    long = [text for text in paragraphs if len(text) >= PREFIX + CONTINUATION + 20]
    pieces = []
    for text in long[:: max(1, len(long) // most)][:most]:
        first = text.index(" ", PREFIX - 1)
        last = text.index(" ", first + CONTINUATION)
        pieces.append((text[:first], text[first + 1 : last]))
    return pieces


@torch.inference_mode()
def bits_per_byte(model, tokenizer: Tokenizer, paragraphs: Sequence[str]) -> float:
    """Bits that the model needs per byte of a continuation, given its beginning; lower is better."""
    sentinel = tokenizer.token_to_id("<extra_id_0>")
    nats, count = 0.0, 0
    pieces = pieces_of(paragraphs)
    for start in range(0, len(pieces), BATCH):
        inputs, labels = [], []
        for beginning, continuation in pieces[start : start + BATCH]:
            seen, wanted = (tokenizer.encode(text, add_special_tokens=False).ids for text in (beginning, continuation))
            inputs.append(torch.tensor([*seen, sentinel, 1]))
            labels.append(torch.tensor([sentinel, *wanted]))
            count += len(continuation.encode())
        pad = torch.nn.utils.rnn.pad_sequence
        input_ids, mask = pad(inputs, True), pad([torch.ones_like(ids) for ids in inputs], True)
        targets = pad(labels, True, -100)
        logits = model(input_ids=input_ids, attention_mask=mask, labels=targets).logits
        logp = torch.log_softmax(logits, dim=-1).gather(2, targets.clamp(min=0)[..., None])[..., 0]
        nats -= float(logp.where(targets >= 0, 0.0)[:, 1:].double().sum())
    return nats / math.log(2) / count
