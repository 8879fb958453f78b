"""What of a history fits the token limit: the newest items stay, the oldest are dropped."""

from dataclasses import dataclass

import numpy as np

from upsr_core.errors import DesignError


@dataclass(frozen=True)
class Room:
    """What the prompt leaves to the places of a history, in tokens.

    A place is an item or a mask. `tokens` are for all places and what stands between them: `separator` between two,
    but `between` before the last.
    """

    tokens: int
    separator: int
    between: int


def oldest_kept(lengths: np.ndarray, room: Room) -> int:
    """How many of the oldest places must go.

    Parameters
    ----------
    lengths : ndarray of int, (n_places,)
        Tokens of every place, oldest first.
    room
        What they have to fit into.

    Returns
    -------
    int
        The number of the oldest place that is kept.

    Raises
    ------
    DesignError
        Not even the newest place fits.

    Examples
    --------
    >>> oldest_kept(np.array([5, 5, 5, 1]), Room(tokens=14, separator=1, between=2))
    1
    """
    if not len(lengths):
        return 0
    used = lengths + room.separator
    used[-1] = lengths[-1]
    if len(lengths) > 1:
        used[-2] = lengths[-2] + room.between
    kept = int(np.searchsorted(np.cumsum(used[::-1]), room.tokens, side="right"))
    if not kept:
        raise DesignError("One item and the prompt exceed the token limit", how="Raise it or lower caps.")
    return len(lengths) - kept


def kept_before_mask(lengths: np.ndarray, starts: np.ndarray, ends: np.ndarray, room: Room) -> np.ndarray:
    """How many of the newest items stay when a mask follows them, for many histories at once.

    Parameters
    ----------
    lengths : ndarray of int, (n_events,)
        Tokens of the item of every event, histories one after the other.
    starts, ends : ndarray of int, (n_histories,)
        History `i` has the events from `starts[i]` to `ends[i]`, the end left out.
    room
        What each has to fit into, the mask included.

    Returns
    -------
    ndarray of int, (n_histories,)
        The same numbers as `oldest_kept` gives one by one.
    """
    total = np.concatenate([[0], np.cumsum(lengths + room.separator)])
    # One token is the mask's, and the last of the separators is the longer `between`.
    left = room.tokens - 1 - (room.between - room.separator)
    first = np.clip(np.searchsorted(total, total[ends] - left, side="left"), starts, ends)
    return ends - first
