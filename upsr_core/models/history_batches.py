"""Histories of any lengths packed into rows without padding between them, and the batches of both training tasks."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch.utils.data import Dataset as TorchDataset

from upsr_core.errors import RunError
from upsr_core.models.sequential import Task
from upsr_core.models.spec import SequenceSpec

NO_LABEL = -100
OVERLAP = 9  # tenths of a window that the next one shares in the cloze task, as in BERT4Rec's published code


@dataclass(frozen=True)
class PackedHistories:
    """Sequences side by side in rows of one length, each seeing only itself.

    `segments` (r, s) numbers the sequences of a row from 1, 0 is padding; `positions` (r, s) count from 0 inside each
    sequence, from its old end, or where `from_end` from its new end; `row` and `column` (n_items,) are the places of
    all items, sequence after sequence.
    """

    segments: np.ndarray
    positions: np.ndarray
    row: np.ndarray
    column: np.ndarray

    @classmethod
    def of(cls, lengths: np.ndarray, width: int, from_end: bool = False) -> "PackedHistories":
        """Best fit, longest first, for lengths between 1 and `width`.

        >>> PackedHistories.of(np.array([2, 3, 1]), 4).segments.tolist()
        [[1, 1, 1, 2], [1, 1, 0, 0]]
        """
        free: list[list[int]] = [[] for _ in range(width + 1)]  # rows by their free places
        row, start, number = np.zeros((3, len(lengths)), dtype=np.int64)
        used: list[int] = []
        for place in np.argsort(-lengths, kind="stable").tolist():
            size = int(lengths[place])
            room = next((room for room in range(size, width + 1) if free[room]), None)
            if room is None:
                target, room = len(used), width
                used.append(0)
            else:
                target = free[room].pop()
            used[target] += 1
            row[place], start[place], number[place] = target, width - room, used[target]
            free[room - size].append(target)
        within = np.arange(lengths.sum()) - np.repeat(np.cumsum(lengths) - lengths, lengths)
        rows_of, columns = np.repeat(row, lengths), np.repeat(start, lengths) + within
        longest = int(columns.max()) + 1 if len(columns) else 0
        segments, positions = np.zeros((2, len(used), longest), dtype=np.int64)
        segments[rows_of, columns] = np.repeat(number, lengths)
        positions[rows_of, columns] = np.repeat(lengths, lengths) - 1 - within if from_end else within
        return cls(segments, positions, rows_of, columns)

    def place(self, values: np.ndarray, fill: int = 0) -> torch.Tensor:
        """A tensor (r, s) with one value for each item, sequence after sequence, and `fill` at padding."""
        table = np.full(self.segments.shape, fill, dtype=np.int64)
        table[self.row, self.column] = values
        return torch.from_numpy(table)

    def inputs(self, items: np.ndarray) -> dict[str, torch.Tensor]:
        """What an encoder reads: `input_ids`, `attention_mask`, `segments`, `positions`, all (r, s)."""
        segments = torch.from_numpy(self.segments)
        return {
            "input_ids": self.place(items),
            "attention_mask": (segments > 0).long(),
            "segments": segments,
            "positions": torch.from_numpy(self.positions),
        }


def _hidden(lengths: np.ndarray, spec: SequenceSpec) -> np.ndarray:
    """How many items of histories of these lengths (n,) a cloze hides: their share, at least one."""
    return np.maximum(1, np.rint(lengths * spec.mask_share).astype(np.int64))


def windows(history: np.ndarray, size: int, overlap: int) -> list[np.ndarray]:
    """A history cut from its new end into pieces of at most `size` items that share `overlap` items.

    >>> [piece.tolist() for piece in windows(np.arange(5), 3, 1)]
    [[2, 3, 4], [0, 1, 2]]
    """
    pieces, end = [history[-size:]], len(history)
    while end > size:
        end -= size - overlap
        pieces.append(history[max(0, end - size) : end])
    return pieces


class HistoryBatches(TorchDataset):
    """Step `i` as one ready batch, a function of the seed and `i` alone, so that resuming changes nothing.

    Beside the inputs of `PackedHistories.inputs` there are `labels` (r, s), NO_LABEL where nothing is predicted, and
    for the task "next", where `sampled`, `negatives` (r, s): an item outside the user's training history for each
    label. `from_end` is that of `PackedHistories`.
    Raises RunError where no history has two items.
    """

    def __init__(
        self,
        histories: Sequence[np.ndarray],
        items: int,
        spec: SequenceSpec,
        task: Task,
        epochs: int,
        sampled: bool = False,
        from_end: bool = False,
    ):
        self.items, self.spec, self.task, self.epochs, self.from_end = items, spec, task, epochs, from_end
        cut = (spec.length + 1, 1) if task == "next" else (spec.length, OVERLAP * spec.length // 10)
        pieces = [(user, piece) for user, history in enumerate(histories) for piece in windows(history, *cut)]
        pieces = [(user, piece) for user, piece in pieces if len(piece) > 1]
        if not pieces:
            raise RunError("There is no history of at least two items to train on", how="Use a larger dataset.")
        self.user = np.array([user for user, _ in pieces])
        self.pieces = [piece for _, piece in pieces]
        self.sampled = sampled
        self.own = np.unique(np.concatenate([u * items + np.asarray(h, np.int64) for u, h in enumerate(histories)]))
        self.size = spec.batch  # histories a step
        if spec.batch_unit == "predictions":
            lengths = np.array([len(piece) for piece in self.pieces])
            predicted = lengths - 1 if task == "next" else _hidden(lengths, spec)
            self.size = max(1, round(spec.batch / float(predicted.mean())))
        self.per_epoch = -(-len(pieces) // self.size)
        self._order = (-1, np.zeros(0, dtype=np.int64))

    def __len__(self) -> int:
        return self.epochs * self.per_epoch

    def __getitem__(self, step: int) -> dict[str, torch.Tensor]:
        epoch, place = divmod(step, self.per_epoch)
        if self._order[0] != epoch:
            self._order = (epoch, np.random.default_rng([self.spec.seed, 6, epoch]).permutation(len(self.pieces)))
        chosen = self._order[1][place * self.size : (place + 1) * self.size]
        rng = np.random.default_rng([self.spec.seed, 7, step])
        return self._next(chosen, rng) if self.task == "next" else self._cloze(chosen, rng)

    def _next(self, chosen: np.ndarray, rng: np.random.Generator) -> dict[str, torch.Tensor]:
        pieces = [self.pieces[number] for number in chosen]
        lengths = np.array([len(piece) - 1 for piece in pieces])
        packed = PackedHistories.of(lengths, self.spec.length, self.from_end)
        batch = packed.inputs(np.concatenate([piece[:-1] for piece in pieces]))
        batch["labels"] = packed.place(np.concatenate([piece[1:] for piece in pieces]), NO_LABEL)
        if self.sampled:
            batch["negatives"] = packed.place(self._negatives(np.repeat(self.user[chosen], lengths), rng))
        return batch

    def _negatives(self, users: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        drawn = rng.integers(0, self.items, size=len(users))
        for _ in range(100):  # a user who took nearly everything keeps what was drawn last
            keys = users * self.items + drawn
            found = self.own[np.minimum(np.searchsorted(self.own, keys), len(self.own) - 1)] == keys
            if not found.any():
                break
            drawn[found] = rng.integers(0, self.items, size=int(found.sum()))
        return drawn

    def _cloze(self, chosen: np.ndarray, rng: np.random.Generator) -> dict[str, torch.Tensor]:
        pieces = [self.pieces[number] for number in chosen]
        lengths = np.array([len(piece) for piece in pieces])
        packed, items = PackedHistories.of(lengths, self.spec.length, self.from_end), np.concatenate(pieces)
        starts, sequence = np.cumsum(lengths) - lengths, np.repeat(np.arange(len(pieces)), lengths)
        # As many of each history as its share says, chosen at random; or its last item alone.
        order = np.lexsort((rng.random(len(items)), sequence))
        place = np.empty(len(items), dtype=np.int64)
        place[order] = np.arange(len(items)) - starts[sequence]
        hidden = place < _hidden(lengths, self.spec)[sequence]
        alone = rng.random(len(pieces)) < self.spec.last_only
        hidden[alone[sequence]] = False
        hidden[(starts + lengths - 1)[alone]] = True
        batch = packed.inputs(np.where(hidden, self.items, items))
        batch["labels"] = packed.place(np.where(hidden, items, NO_LABEL), NO_LABEL)
        return batch
