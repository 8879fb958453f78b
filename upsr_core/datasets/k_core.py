"""The k-core: users and items with few events dropped, again and again until none is left to drop."""

import numpy as np

from upsr_core.datasets.event_order import Sequences


def k_core(events: Sequences, min_user: int, min_item: int) -> tuple[np.ndarray, np.ndarray, int]:
    """The largest part of the events in which every user and every item has enough of them.

    Dropping an item can leave a user with too few events, so one pass is not enough: it is repeated until nothing is
    dropped any more. Nothing is dropped from the file.

    Parameters
    ----------
    events
        All events, on the disk.
    min_user, min_item
        Events that a user, and an item, needs.

    Returns
    -------
    by_user, by_item : ndarray of int32, (n_users,) and (n_items,)
        Events of every user and of every item in that part, 0 for those outside.
    passes : int
        How many passes dropped some.
    """
    by_user, by_item = events.counts()
    passes = 0
    while ((by_user > 0) & (by_user < min_user)).any() or ((by_item > 0) & (by_item < min_item)).any():
        enough_user, enough_item = by_user >= min_user, by_item >= min_item
        # Who is out has no events left and stays out, so the masks of this pass hold those of all before.
        by_user, by_item = events.counts(lambda part: enough_user[part["user"]] & enough_item[part["item"]])  # noqa: B023
        passes += 1
    return by_user, by_item, passes
