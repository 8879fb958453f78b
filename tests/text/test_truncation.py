"""What is kept of a history is what a plain walk from its newest place keeps."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from upsr_core.errors import DesignError
from upsr_core.text.truncation import Room, kept_before_mask, oldest_kept

LENGTHS = st.lists(st.integers(1, 40), min_size=1, max_size=20)
ROOMS = st.builds(Room, tokens=st.integers(1, 300), separator=st.integers(0, 3), between=st.integers(0, 5))


def walk(lengths: list[int], room: Room) -> int:
    """The number of the oldest place that fits; the number of places where not even the newest does."""
    used, last = 0, len(lengths) - 1
    for place in range(last, -1, -1):
        used += lengths[place] + (0 if place == last else room.between if place == last - 1 else room.separator)
        if used > room.tokens:
            return place + 1
    return 0


@given(LENGTHS, ROOMS)
def test_the_newest_places_are_kept_as_long_as_they_fit(lengths, room):
    expected = walk(lengths, room)
    if expected == len(lengths):
        with pytest.raises(DesignError, match="exceed the token limit"):
            oldest_kept(np.array(lengths), room)
    else:
        assert oldest_kept(np.array(lengths), room) == expected


@given(st.lists(LENGTHS, min_size=1, max_size=5), ROOMS)
def test_many_histories_are_kept_as_one_by_one(histories, room):
    ends = np.cumsum([len(history) for history in histories])
    starts = np.concatenate([[0], ends[:-1]])
    found = kept_before_mask(np.concatenate(histories), starts, ends, room)
    assert found.tolist() == [len(history) - min(walk([*history, 1], room), len(history)) for history in histories]
