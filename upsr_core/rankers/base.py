"""The protocol of everything that ranks, and its evaluation on stored candidates."""

from collections.abc import Callable, Sequence
from typing import Protocol

import numpy as np
import pandas as pd

from upsr_core.evaluation.candidates import Candidates
from upsr_core.evaluation.metrics import rank_table

Items = Callable[[int], np.ndarray]


class Ranker(Protocol):
    """Scores any candidates for any histories."""

    def scores(self, histories: Sequence[np.ndarray], items: Items) -> list[np.ndarray]:
        """Scores (c,) of `items(i)` for each history (item indices, oldest first); higher is better."""
        ...


def evaluate(ranker: Ranker, candidates: Candidates) -> pd.DataFrame:
    """Ranks and metrics per evaluation instance of a ranker on stored candidates, target first."""
    histories = [candidates.history(row) for row in range(len(candidates))]
    return rank_table(ranker.scores(histories, candidates.items))
