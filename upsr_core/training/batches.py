"""Batches by token budget, each a function of the seed and its number alone, so that resuming changes nothing."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch.utils.data import Dataset as TorchDataset

from upsr_core.errors import RunError
from upsr_core.text.masking import choose_masks
from upsr_core.text.sequence import SequenceBuilder
from upsr_core.training.spec import TrainingSpec

CONTRASTED = 4  # other texts that the right one is compared with in a contrastive term
WINDOW = 2048  # histories of one window are grouped by length; windows are random


@dataclass(frozen=True)
class Source:
    """Training histories of one domain (item indices, at least two each) and how they become text.

    `weights` (n_tokens,) of the catalogue's text tokens in order, or None where all weigh alike.
    """

    builder: SequenceBuilder
    histories: Sequence[np.ndarray]
    weights: np.ndarray | None = None

    def samples(self, prefixes: bool) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Which histories are learned from up to which item, and how long they are.

        (number of the history, end, encoder tokens) of each sample (n,): whole histories, and with `prefixes` every
        beginning of at least two items as well.
        """
        item = np.diff(self.builder.texts.offsets) + len(self.builder.separator)
        frame = len(self.builder.head) + len(self.builder.tail) + 1
        numbers, ends, lengths = [], [], []
        for number, history in enumerate(self.histories):
            first = 2 if prefixes else len(history)
            tokens = frame + np.cumsum(item[history])[first - 1 :]
            numbers.append(np.full(len(tokens), number))
            ends.append(np.arange(first, len(history) + 1))
            lengths.append(np.minimum(tokens, self.builder.limit))
        empty = np.zeros(0, dtype=np.int64)
        return tuple(np.concatenate([empty, *part]) for part in (numbers, ends, lengths))

    def weights_of(self, items: np.ndarray) -> np.ndarray:
        """Weights of a target that holds these items: of each sentinel, each text token, and the end."""
        offsets = self.builder.texts.offsets
        parts = [np.r_[1.0, self.weights[offsets[item] : offsets[item + 1]]] for item in items]
        return np.concatenate([*parts, [1.0]]).astype(np.float32)


def plan_batches(lengths: np.ndarray, tokens: int, batch_tokens: int, seed: int) -> list[np.ndarray]:
    """Which histories each step sees: epochs in random order, grouped by length, until `tokens` real tokens are used.

    Every batch holds at most `batch_tokens` padded tokens (at least one history).

    >>> [sorted(batch.tolist()) for batch in plan_batches(np.array([10, 10]), 40, 1000, 0)]
    [[0, 1], [0, 1]]
    """
    plan, used, epoch = [], 0, 0
    while used < tokens:
        rng = np.random.default_rng([seed, 4, epoch])
        order = rng.permutation(len(lengths))
        batches = []
        for start in range(0, len(order), WINDOW):
            window = order[start : start + WINDOW]
            window = window[np.argsort(-lengths[window], kind="stable")]
            while len(window):
                size = max(1, batch_tokens // int(lengths[window[0]]))
                batches.append(window[:size])
                window = window[size:]
        for number in rng.permutation(len(batches)):
            if used >= tokens:
                break
            plan.append(batches[number])
            used += int(lengths[batches[number]].sum())
        epoch += 1
    return plan


class MaskedBatches(TorchDataset):
    """Step `i` as one ready batch: `input_ids`, `attention_mask` (b, s), `labels` (b, t) padded with -100.

    `tokens` real encoder tokens are in all batches together.
    """

    def __init__(self, sources: Sequence[Source], spec: TrainingSpec, tokens: int, pad: int = 0):
        self.sources, self.spec, self.pad = sources, spec, pad
        samples = [source.samples(spec.prefixes) for source in sources]
        self.source_of = np.repeat(np.arange(len(sources)), [len(part[0]) for part in samples])
        self.row_of, self.end_of, lengths = (np.concatenate(part) for part in zip(*samples, strict=True))
        if not len(lengths):
            raise RunError("There is no history of at least two items to train on", how="Use a larger dataset.")
        self.plan = plan_batches(lengths, tokens, spec.batch_tokens, spec.seed)
        self.tokens = int(lengths[np.concatenate(self.plan)].sum()) if self.plan else 0

    def __len__(self) -> int:
        return len(self.plan)

    def __getitem__(self, step: int) -> dict[str, torch.Tensor]:
        rng = np.random.default_rng([self.spec.seed, 5, step])
        inputs, targets, weights, masked = [], [], [], []
        for number in self.plan[step]:
            source = self.sources[self.source_of[number]]
            whole, end = source.histories[self.row_of[number]], int(self.end_of[number])
            history = whole[:end][source.builder.first_kept(whole[:end]) :]
            # A beginning is learned from for the item that comes next; a whole history as the paper does.
            share = self.spec.last_only if end == len(whole) else 1.0
            masks = choose_masks(len(history), rng, self.spec.mask_share, share)
            sequence, target = source.builder.masked(history, masks)
            inputs.append(torch.from_numpy(sequence.ids))
            targets.append(torch.from_numpy(target))
            masked.append((self.source_of[number], *history[masks].tolist()))
            if source.weights is not None:
                weights.append(torch.from_numpy(source.weights_of(history[masks])))
        pad = torch.nn.utils.rnn.pad_sequence
        input_ids = pad(inputs, batch_first=True, padding_value=self.pad)
        mask = pad([torch.ones_like(ids) for ids in inputs], batch_first=True)
        batch = {"input_ids": input_ids, "attention_mask": mask, "labels": pad(targets, True, -100)}
        if weights:
            batch["weights"] = pad(weights, batch_first=True)
        if self.spec.contrast:
            batch["others"] = torch.from_numpy(other_rows(masked, rng))
        return batch


def other_rows(masked: list[tuple[int, ...]], rng: np.random.Generator) -> np.ndarray:
    """For each row of a batch CONTRASTED other rows with one masked item, another one, of the same domain (b, k).

    `masked` holds a row's domain and masked items. -1 where there are not as many, and in rows that mask several.

    >>> other_rows([(0, 5), (0, 5), (0, 7), (0, 1, 2)], np.random.default_rng(0)).max(axis=1)
    array([ 2,  2,  1, -1])
    """
    others = np.full((len(masked), CONTRASTED), -1)
    single = [row for row, key in enumerate(masked) if len(key) == 2]
    for row in single:
        rivals = [other for other in single if masked[other] != masked[row] and masked[other][0] == masked[row][0]]
        chosen = rng.permutation(rivals)[:CONTRASTED]
        others[row, : len(chosen)] = chosen
    return others
