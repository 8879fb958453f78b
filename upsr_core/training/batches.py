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

WINDOW = 2048  # histories of one window are grouped by length; windows are random


@dataclass(frozen=True)
class Source:
    """Training histories of one domain (item indices, at least two each) and how they become text."""

    builder: SequenceBuilder
    histories: Sequence[np.ndarray]

    def lengths(self) -> np.ndarray:
        """Encoder tokens of each history, at most the limit (n,)."""
        item = np.diff(self.builder.texts.offsets) + len(self.builder.separator)
        frame = len(self.builder.head) + len(self.builder.tail) + 1
        return np.array([min(frame + int(item[h].sum()), self.builder.limit) for h in self.histories])


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
        lengths = [source.lengths() for source in sources]
        if not sum(map(len, lengths)):
            raise RunError("There is no history of at least two items to train on", how="Use a larger dataset.")
        self.source_of = np.repeat(np.arange(len(sources)), [len(part) for part in lengths])
        self.row_of = np.concatenate([np.arange(len(part)) for part in lengths])
        self.plan = plan_batches(np.concatenate(lengths), tokens, spec.batch_tokens, spec.seed)
        self.tokens = int(np.concatenate(lengths)[np.concatenate(self.plan)].sum()) if self.plan else 0

    def __len__(self) -> int:
        return len(self.plan)

    def __getitem__(self, step: int) -> dict[str, torch.Tensor]:
        rng = np.random.default_rng([self.spec.seed, 5, step])
        inputs, targets = [], []
        for number in self.plan[step]:
            source = self.sources[self.source_of[number]]
            history = source.histories[self.row_of[number]]
            history = history[source.builder.first_kept(history) :]
            masks = choose_masks(len(history), rng, self.spec.mask_share, self.spec.last_only)
            sequence, target = source.builder.masked(history, masks)
            inputs.append(torch.from_numpy(sequence.ids))
            targets.append(torch.from_numpy(target))
        pad = torch.nn.utils.rnn.pad_sequence
        input_ids = pad(inputs, batch_first=True, padding_value=self.pad)
        mask = pad([torch.ones_like(ids) for ids in inputs], batch_first=True)
        return {"input_ids": input_ids, "attention_mask": mask, "labels": pad(targets, True, -100)}
