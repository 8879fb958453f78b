"""The right history against another user's, on the same candidates: what the gain of user dependence is made of."""

from dataclasses import dataclass

import numpy as np

from upsr_core.evaluation.candidates import Candidates
from upsr_core.evaluation.statistics import other_users


@dataclass(frozen=True)
class SharedCandidates(Candidates):
    """The candidates of instances that stand in neither of two histories: their user's and a lender's.

    Whoever only copies from a history, or only avoids what stands in it, ranks these alike under both: any other
    candidates would favour the right or the borrowed history for what is not personal. Lenders never hold the target,
    as the right history does not.

    Attributes
    ----------
    lenders : ndarray of int, (n,)
        The instance whose history each one borrows; itself where every other user holds the target.
    borrows
        Whether `history` is the lender's, or the right one.
    """

    lenders: np.ndarray
    borrows: bool

    def history(self, row: int) -> np.ndarray:
        return super().history(int(self.lenders[row])) if self.borrows else super().history(row)

    def left_out(self, row: int) -> np.ndarray:
        """Items of both histories, each once; the target is never among them."""
        both = np.union1d(super().history(row), super().history(int(self.lenders[row])))
        return both[both != self.instances.target.to_numpy()[row]]

    def items(self, row: int) -> np.ndarray:
        """Item indices ranked for instance `row`; the target is the first."""
        ranked = super().items(row)
        return ranked if self.negatives is None else ranked[self.stays(row, ranked)]

    def stays(self, row: int, items: np.ndarray) -> np.ndarray:
        """Which of `items` (c,) are ranked for instance `row` (c,)."""
        return ~np.isin(items, self.left_out(row))


def own_and_borrowed(candidates: Candidates) -> tuple[SharedCandidates, SharedCandidates]:
    """The shared candidates of every instance under the right history, and under the borrowed one.

    Lenders are drawn by the seed of the candidates, see `statistics.other_users`; whose history holds the target is
    passed over for the next user.
    """
    users, targets = candidates.instances.user.to_numpy(), candidates.instances.target.to_numpy()
    following = other_users(users, candidates.spec.seed)
    lenders = following.copy()
    for row, target in enumerate(targets):
        while users[lenders[row]] != users[row] and target in candidates.history(int(lenders[row])):
            lenders[row] = following[lenders[row]]
        if users[lenders[row]] == users[row]:
            lenders[row] = row
    fields = {name: getattr(candidates, name) for name in Candidates.__dataclass_fields__}
    own, borrowed = (SharedCandidates(**fields, lenders=lenders, borrows=borrows) for borrows in (False, True))
    return own, borrowed
