"""Batches by token budget, each a function of the seed and its number alone, so that resuming changes nothing."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol, runtime_checkable

import numpy as np
import torch
from torch.utils.data import Dataset as TorchDataset

from upsr_core.errors import RunError
from upsr_core.text.masking import choose_masks
from upsr_core.text.prompt import SequenceBuilder
from upsr_core.training.spec import TrainingSpec

CONTRASTED = 4  # other texts that the right one is compared with in a contrastive term
WINDOW = 2048  # histories of one window are grouped by length; windows are random


Batch = dict[str, torch.Tensor]


class Batches(Protocol):
    """The batches of a training, one a step, each by its number alone."""

    def __len__(self) -> int: ...

    def __getitem__(self, step: int) -> Batch: ...


@runtime_checkable
class Divisible(Batches, Protocol):
    """Batches that several processes can share."""

    def part(self, step: int, number: int, of: int) -> Batch:
        """Part `number` of `of` of a batch; the mean of the parts' losses is the batch's own."""


@dataclass(frozen=True)
class Source:
    """Training histories of one domain, and how they become text.

    Attributes
    ----------
    builder
        Makes text sequences of them.
    histories : sequence of ndarray of int
        Item indices, oldest first, at least two each.
    weights : ndarray of float, (n_tokens,), or None
        Of the catalogue's text tokens in order; None where all weigh alike.
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
        empty = np.zeros(0, dtype=np.int64)
        numbers, ends, lengths = [empty], [empty], [empty]
        for number, history in enumerate(self.histories):
            first = 2 if prefixes else len(history)
            tokens = frame + np.cumsum(item[history])[first - 1 :]
            numbers.append(np.full(len(tokens), number))
            ends.append(np.arange(first, len(history) + 1))
            lengths.append(np.minimum(tokens, self.builder.limit))
        return np.concatenate(numbers), np.concatenate(ends), np.concatenate(lengths)

    def dealt(self, seed: int) -> "Source":
        """The same items in histories of the same lengths, dealt out at random."""
        items = np.random.default_rng([seed, 6]).permutation(np.concatenate([np.zeros(0, int), *self.histories]))
        cuts = np.cumsum([len(history) for history in self.histories])[:-1]
        return replace(self, histories=np.split(items, cuts) if self.histories else [])

    def weights_of(self, items: np.ndarray) -> np.ndarray:
        """Weights of a target that holds these items: of each sentinel, each text token, and the end."""
        offsets = self.builder.texts.offsets
        if self.weights is None:
            return np.ones(int((offsets[items + 1] - offsets[items] + 1).sum()) + 1, np.float32)
        parts = [np.r_[1.0, self.weights[offsets[item] : offsets[item + 1]]] for item in items]
        return np.concatenate([*parts, [1.0]]).astype(np.float32)


def plan_batches(
    lengths: np.ndarray, tokens: int, batch_tokens: int, seed: int, size: int = 0, epochs: int = 0
) -> list[np.ndarray]:
    """Which histories each step sees: epochs in random order, grouped by length, until the tokens are used.

    Parameters
    ----------
    lengths : ndarray of int, (n,)
        Encoder tokens of each history.
    tokens
        Real tokens to use.
    batch_tokens
        Padded tokens that a batch holds at most; at least one history.
    seed
        Of the order.
    size
        Histories of a batch, whatever their length; 0 for as many as `batch_tokens` hold.
    epochs
        At most; 0 for no end.

    Returns
    -------
    list of ndarray of int
        Numbers of histories, a batch each.

    Examples
    --------
    >>> [sorted(batch.tolist()) for batch in plan_batches(np.array([10, 10]), 40, 1000, 0)]
    [[0, 1], [0, 1]]
    """
    plan, used, epoch = [], 0, 0
    while used < tokens and not (epochs and epoch == epochs):
        rng = np.random.default_rng([seed, 4, epoch])
        order = rng.permutation(len(lengths))
        batches = []
        for start in range(0, len(order), WINDOW):
            window = order[start : start + WINDOW]
            window = window[np.argsort(-lengths[window], kind="stable")]
            while len(window):
                count = size or max(1, batch_tokens // int(lengths[window[0]]))
                batches.append(window[:count])
                window = window[count:]
        for number in rng.permutation(len(batches)):
            if used >= tokens:
                break
            plan.append(batches[number])
            used += int(lengths[batches[number]].sum())
        epoch += 1
    return plan


class MaskedBatches(TorchDataset):
    """Step `i` as one ready batch: `input_ids`, `attention_mask` (b, s), `labels` (b, t) padded with -100.

    Parameters
    ----------
    sources
        One a domain; their histories are drawn alike.
    spec
        What is masked, and how many tokens a batch has.
    tokens
        Real encoder tokens after which there are no more batches; the attribute `tokens` has how many there are.
    size, epochs
        As `plan_batches` takes them.
    pad
        The id of the padding token.

    Raises
    ------
    RunError
        There is no history of at least two items.
    """

    def __init__(
        self, sources: Sequence[Source], spec: TrainingSpec, tokens: int, size: int = 0, epochs: int = 0, pad: int = 0
    ):
        sources = [source.dealt(spec.seed) for source in sources] if spec.dealt else sources
        self.sources, self.spec, self.pad = sources, spec, pad
        samples = [source.samples(spec.prefixes) for source in sources]
        self.source_of = np.repeat(np.arange(len(sources)), [len(part[0]) for part in samples])
        self.row_of, self.end_of, lengths = (np.concatenate(part) for part in zip(*samples, strict=True))
        if not len(lengths):
            raise RunError("There is no history of at least two items to train on", how="Use a larger dataset.")
        self.plan = plan_batches(lengths, tokens, spec.batch_tokens, spec.seed, size, epochs)
        if spec.shorter_first:
            half = len(self.plan) // 2
            self.plan[:half] = sorted(self.plan[:half], key=lambda batch: lengths[batch].max())
        self.tokens = int(lengths[np.concatenate(self.plan)].sum()) if self.plan else 0

    def __len__(self) -> int:
        return len(self.plan)

    def __getitem__(self, step: int) -> Batch:
        return self.part(step, 0, 1)

    def part(self, step: int, number: int, of: int) -> Batch:
        """Every `of`-th history of a batch, from the `number`-th on, with what their loss is divided by.

        `total` and `contrasted` are the target weight and the contrasted rows of the whole batch, divided by `of`: the
        mean over the parts' losses is the batch's own loss, however its targets fall. A part that would be empty has
        one history that counts nothing. `others` are rows of `texts`, the labels of the whole batch.
        """
        rng = np.random.default_rng([self.spec.seed, 5, step])
        drawn = [self._drawn(int(number), rng) for number in self.plan[step]]
        mine = range(number, len(drawn), of)
        batch = self._padded([drawn[row] for row in mine] or drawn[:1])
        total = sum(float(self.sources[source].weights_of(items).sum()) for source, _, _, items in drawn)
        batch["total"] = torch.tensor(total / of)
        if self.spec.contrast:
            others = other_rows([(source, *items.tolist()) for source, _, _, items in drawn], rng)
            batch["others"] = torch.from_numpy(others[list(mine) or [0]])
            batch["texts"] = _pad([torch.from_numpy(self._target(row)) for row in drawn], -100)
            batch["contrasted"] = torch.tensor(max(1, (others >= 0).any(1).sum()) / of)
        if not mine:
            batch["attention_mask"][:, 1:] = 0
            batch["weights"] = torch.zeros(batch["labels"].shape)
            if self.spec.contrast:
                batch["others"].fill_(-1)
        return batch

    def _drawn(self, number: int, rng: np.random.Generator) -> tuple[int, np.ndarray, list[int], np.ndarray]:
        """(source, history, masked positions, masked items) of a sample; the draw is the next of `rng`."""
        source = self.sources[self.source_of[number]]
        whole, end = source.histories[self.row_of[number]], int(self.end_of[number])
        history = whole[:end][source.builder.first_kept(whole[:end]) :]
        # A beginning is learned from for the item that comes next; a whole history as the paper does.
        share = self.spec.last_only if end == len(whole) else 1.0
        masks = choose_masks(len(history), rng, self.spec.mask_share, share)
        masks = masks[: len(source.builder.tokenizer.sentinels)]
        return int(self.source_of[number]), history, masks, history[masks]

    def _padded(self, drawn: list[tuple]) -> Batch:
        inputs, targets, weights = [], [], []
        for number, history, masks, items in drawn:
            sequence, target = self.sources[number].builder.masked(history, masks)
            inputs.append(torch.from_numpy(sequence.ids))
            targets.append(torch.from_numpy(target))
            if self.sources[number].weights is not None:
                weights.append(torch.from_numpy(self.sources[number].weights_of(items)))
        batch = {"input_ids": _pad(inputs, self.pad), "attention_mask": _pad([torch.ones_like(i) for i in inputs], 0)}
        batch["labels"] = _pad(targets, -100)
        if weights:
            batch["weights"] = _pad(weights, 0.0)
        return batch

    def _target(self, row: tuple) -> np.ndarray:
        number, history, masks, _ = row
        return self.sources[number].builder.masked(history, masks)[1]


class Parts(TorchDataset):
    """The batches of a training, each in `of` parts that follow one another, as several processes take them in turn.

    Raises RunError where the batches cannot be split.
    """

    def __init__(self, batches: Batches, of: int):
        divisible = batches if isinstance(batches, Divisible) else None
        if of > 1 and divisible is None:
            raise RunError(
                "This model's training cannot be split over processes or accumulated",
                "only UPSR's batches can be split",
                "Train it in one process: it is small.",
            )
        self.batches, self.divisible, self.of = batches, divisible, of

    def __len__(self) -> int:
        return len(self.batches) * self.of

    def __getitem__(self, number: int) -> Batch:
        if self.divisible is None:
            return self.batches[number]
        return self.divisible.part(*divmod(number, self.of), self.of)


def _pad(rows: list[torch.Tensor], value: float) -> torch.Tensor:
    return torch.nn.utils.rnn.pad_sequence(rows, batch_first=True, padding_value=value)


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
