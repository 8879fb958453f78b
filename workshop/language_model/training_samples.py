"""Training samples of the embedded language model: every step a batch that depends on (seed, step) alone."""

from collections.abc import Sequence
from functools import partial

import numpy as np
import torch
from tokenizers import Tokenizer
from torch.utils.data import Dataset as TorchDataset

from workshop.language_model.corpus import Stream
from workshop.language_model.generated_listings import ListingWriter
from workshop.language_model.span_corruption import corrupt, random_spans
from workshop.language_model.spec import PretrainingSpec

Pair = tuple[list[int], list[int]]  # encoder ids and target ids, both closed by </s>
# Tokens drawn for each one used, so that a batch holds samples of like length and little padding: cheap for texts.
SPANS_POOL, PREFIX_POOL, LISTINGS_POOL = 1, 8, 3
EMPTY_PREFIX = 0.5  # share of prefix batches whose encoder sees the mask alone, as a text's own perplexity does


class Batches(TorchDataset):
    """Step `i` as one ready batch: `input_ids`, `attention_mask` (b, s) and `labels` (b, t) with -100 as padding.

    A batch is of one kind: lists of things that belong together (`spec.listings`), prefix language modelling
    (`spec.prefix`), and span corruption for the rest. Spans are drawn from all text alike, token by token;
    beginnings paragraph by paragraph, so that short texts count as much as long ones.
    """

    def __init__(self, spec: PretrainingSpec, streams: Sequence[Stream], writer: ListingWriter, tokenizer: Tokenizer):
        self.spec, self.streams, self.writer, self.tokenizer = spec, streams, writer, tokenizer
        sentinel = tokenizer.token_to_id("<extra_id_0>")
        if sentinel is None:
            raise ValueError("the tokenizer has no <extra_id_0>")
        self.sentinel = sentinel
        sizes = np.array([len(stream.ids) for stream in streams], dtype=float)
        self.by_token = sizes / sizes.sum()
        sizes = np.array([len(stream.starts) for stream in streams], dtype=float)
        self.by_paragraph = sizes / sizes.sum()

    def __len__(self) -> int:
        return self.spec.steps

    def __getitem__(self, step: int) -> dict:
        rng = np.random.default_rng([self.spec.seed, step])
        kind = rng.random()
        make, drawn = self._spans, SPANS_POOL
        if kind < self.spec.listings:
            make, drawn = self._listing, LISTINGS_POOL
        elif kind < self.spec.listings + self.spec.prefix:
            # One share for the whole batch, so that its sources and targets are of like lengths.
            seen = 0.0 if rng.random() < EMPTY_PREFIX else rng.random()
            make, drawn = partial(self._prefix, seen=seen), PREFIX_POOL
        pool, size = [], 0
        while size < drawn * self.spec.batch_tokens:
            pool.append(make(rng))
            size += len(pool[-1][0]) + len(pool[-1][1])
        return pad(of_like_length(pool, self.spec.batch_tokens, rng))

    def _stream(self, rng, weights: np.ndarray) -> Stream:
        return self.streams[rng.choice(len(self.streams), p=weights)]

    def _spans(self, rng) -> Pair:
        stream = self._stream(rng, self.by_token)
        start = int(rng.integers(0, max(1, len(stream.ids) - self.spec.length)))
        ids = stream.ids[start : start + self.spec.length].astype(np.int64)
        return corrupt(ids, random_spans(len(ids), rng), self.sentinel)

    def _prefix(self, rng, seen: float) -> Pair:
        """From the beginning of a paragraph: the encoder sees the share `seen` of it, and the decoder goes on."""
        stream = self._stream(rng, self.by_paragraph)
        number = int(rng.integers(len(stream.starts)))
        end = stream.starts[number + 1] if number + 1 < len(stream.starts) else len(stream.ids)
        ids = stream.ids[stream.starts[number] : min(int(end), int(stream.starts[number]) + self.spec.length)]
        cut = int(seen * len(ids))
        return [*ids[:cut].tolist(), self.sentinel, 1], [self.sentinel, *ids[cut:].tolist(), 1]

    def _listing(self, rng) -> Pair:
        lead, items = self.writer.write(rng)
        ids = self.tokenizer.encode(lead, add_special_tokens=False).ids if lead else []
        texts = [self.tokenizer.encode(item, add_special_tokens=False).ids for item in items]
        room = np.cumsum([len(text) + 1 for text in texts]) + len(ids) <= self.spec.length
        texts = texts[: max(1, int(room.sum()))]
        last = len(texts) - 1
        # Whole entries as spans: the last one half of the time, otherwise one or two anywhere.
        chosen = {last} if rng.random() < 0.5 else set(rng.choice(last + 1, size=int(rng.integers(1, 3))).tolist())
        separator = self.tokenizer.encode("x,", add_special_tokens=False).ids[-1]
        spans = []
        for number, text in enumerate(texts):
            if number in chosen:
                spans.append((len(ids), len(ids) + len(text)))
            ids = [*ids, *text, separator]
        if rng.random() < 0.25:
            spans = random_spans(len(ids), rng)
        return corrupt(np.array(ids), spans, self.sentinel)


def of_like_length(pool: list[Pair], tokens: int, rng: np.random.Generator) -> list[Pair]:
    """A sample drawn at random and those closest to it in length, as many as fill `tokens` with their padding.

    >>> pool = [([7] * n, [8]) for n in (9, 1, 2, 9)]
    >>> [len(source) for source, _ in of_like_length(pool, 20, np.random.default_rng(0))]
    [9, 9]
    """
    lengths = np.array([(len(source), len(target)) for source, target in pool])
    distance = np.abs(lengths - lengths[rng.integers(len(pool))]).max(axis=1)
    order = np.argsort(distance, kind="stable")
    padded = np.maximum.accumulate(lengths[order]).sum(axis=1) * np.arange(1, len(pool) + 1)
    return [pool[number] for number in order[: max(1, int((padded <= tokens).sum()))]]


def pad(pairs: list[Pair]) -> dict[str, torch.Tensor]:
    """Padded on the right: zeros in the input, -100 in the labels."""
    rows = torch.nn.utils.rnn.pad_sequence
    inputs = [torch.tensor(source) for source, _ in pairs]
    return {
        "input_ids": rows(inputs, batch_first=True),
        "attention_mask": rows([torch.ones_like(ids) for ids in inputs], batch_first=True),
        "labels": rows([torch.tensor(target) for _, target in pairs], batch_first=True, padding_value=-100),
    }
