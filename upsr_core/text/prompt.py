"""A history as a text sequence: prompt, items, masks; every token traceable to its item and attribute."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from upsr_core.errors import DesignError
from upsr_core.text.design import Design, template_parts
from upsr_core.text.render import ItemTexts
from upsr_core.text.truncation import Room, oldest_kept

History = Sequence[int] | np.ndarray  # item indices, oldest first
# Marks in `place` for tokens that belong to no item of the history.
PROMPT, SENTINEL = -1, -2


@dataclass(frozen=True)
class TextSequence:
    """A prompt with a history in it, as tokens.

    Attributes
    ----------
    ids : ndarray of int, (s,)
        Token ids, closed by `</s>`.
    place : ndarray of int, (s,)
        Position in the history of the item that a token belongs to, or PROMPT or SENTINEL.
    owner : ndarray of int, (s,)
        Attribute of a token as in `ItemTexts.owner`, -1 outside items.
    dropped
        How many of the oldest items did not fit.
    """

    ids: np.ndarray
    place: np.ndarray
    owner: np.ndarray
    dropped: int


class SequenceBuilder:
    """Builds text sequences and masked item text prediction samples for one design and catalogue.

    Each part (head, item, separator, tail) is tokenised by itself, so an item has the same tokens wherever it stands,
    as history and as candidate.

    Parameters
    ----------
    design
        Its prompt and limit are used; item texts are those of `texts`.
    texts
        The items that histories consist of.

    Raises
    ------
    DesignError
        The prompt leaves no room for a history.
    """

    def __init__(self, design: Design, texts: ItemTexts):
        self.texts, self.tokenizer, self.limit = texts, texts.tokenizer, design.max_tokens
        ((head, _), (between, _)), tail = template_parts(design.prompt)
        self.head = self.tokenizer.encode(head)
        self.between = self.tokenizer.continue_with(between.rstrip())
        self.tail = self.tokenizer.continue_with(tail)
        self.separator = self.tokenizer.continue_with(",")
        self.lengths = np.diff(texts.offsets)
        room = self.limit - len(self.head) - len(self.tail) - 1  # `</s>` closes the sequence
        if room < len(self.between) + 2:  # an item and a mask of a token each
            raise DesignError("The prompt leaves no room for a history", f"limit of {self.limit} tokens")
        self.room = Room(room, len(self.separator), len(self.between))

    def ranking(self, history: History) -> TextSequence:
        """The input of ranking: the history, then `<extra_id_0>` for the item to predict (paper, section 3.4.2)."""
        return self._assemble([*history, -1], {len(history): 0})

    def masked(self, history: History, masks: Sequence[int]) -> tuple[TextSequence, np.ndarray]:
        """A training sample (paper, section 3.4.1, equation 1).

        Items are dropped from the old end before masking, so a mask that fell off is in neither part.

        Parameters
        ----------
        history
            Item indices, oldest first.
        masks
            Positions in it that are replaced by sentinels.

        Returns
        -------
        sequence : TextSequence
            The input.
        target : ndarray of int, (t,)
            `<extra_id_0> text <extra_id_1> text ... </s>`.

        Raises
        ------
        ValueError
            No mask is left; the last item is always left.
        """
        items = list(history)
        dropped = self._fit(items, set(masks))
        kept = sorted(position for position in masks if position >= dropped)
        if not kept:
            raise ValueError("no masked item is left after truncation")
        kept = kept[: len(self.tokenizer.sentinels)]
        numbers = {position: number for number, position in enumerate(kept)}
        target = []
        for position, number in numbers.items():
            target += [self.tokenizer.sentinels[number], *self.texts.ids_of(items[position]).tolist()]
        return self._assemble(items, numbers, dropped), np.array([*target, self.tokenizer.end])

    def first_kept(self, history: History) -> int:
        """Position of the oldest item that still fits when all items are shown."""
        return self._fit(list(history), set())

    def _fit(self, history: list[int], masked: set[int]) -> int:
        """How many of the oldest items must go so that head, mask and closing question stay within the limit."""
        places = np.array(history, dtype=np.int64)
        shown = places >= 0
        shown[list(masked)] = False
        # A mask is a single token, a sentinel.
        return oldest_kept(np.where(shown, self.lengths[places], 1), self.room)

    def _assemble(self, history: list[int], masks: dict[int, int], dropped: int | None = None) -> TextSequence:
        if dropped is None:
            dropped = self._fit(history, set(masks))
        ids, place, owner = list(self.head), [PROMPT] * len(self.head), [-1] * len(self.head)

        def add(tokens: list[int], position: int, owners: list[int] | None = None) -> None:
            ids.extend(tokens)
            place.extend([position] * len(tokens))
            owner.extend(owners if owners is not None else [-1] * len(tokens))

        last = len(history) - 1
        for position in range(dropped, last + 1):
            if position in masks:
                add([self.tokenizer.sentinels[masks[position]]], SENTINEL)
            else:
                item = self.texts.item(history[position])
                add(item.ids.tolist(), position, item.owner.tolist())
            if position != last:
                add(self.between if position == last - 1 else self.separator, PROMPT)
        add([*self.tail, self.tokenizer.end], PROMPT)
        return TextSequence(np.array(ids), np.array(place), np.array(owner), dropped)
