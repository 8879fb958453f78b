"""How much of its budget a training used, and whether it would have gained by more; from the learning curve alone."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import pandas as pd

from upsr_core.datasets.splits import SplitSpec, split, training_histories
from upsr_core.runs.run import Run
from upsr_core.runs.spec import DatasetRef

GAIN = 0.01  # a curve still improves if its last validations raised its best by more than a hundredth


@dataclass(frozen=True)
class Spent:
    """What a training went through before it stopped, `used` of `most`; `unit` is epochs or tokens."""

    unit: str
    used: float
    most: float

    @property
    def share(self) -> float:
        return min(1.0, self.used / self.most)


def spent(run: Run) -> Spent | None:
    """What the training on the ranked dataset used so far; None where there is none, or its curve has not begun.

    Raises RunError where the dataset is no longer that of the run.
    """
    curve, spec = run.curve(), run.spec
    if curve.empty or not spec.trains:
        return None
    seen = float(curve.tokens.max())
    unit, most = spec.kind.size(spec.model)
    return Spent(unit, spec.kind.used(spec.model, seen, lambda: _lengths(spec.dataset, spec.split)), most)


@lru_cache(maxsize=64)
def _lengths(dataset: DatasetRef, parts: SplitSpec) -> np.ndarray:
    """How long the training histories are (users,)."""
    stored = dataset.load()
    return np.array([len(history) for history in training_histories(stored, split(stored, parts))])


def converged(run: Run) -> bool | None:
    """Whether the learning curve no longer rises; None where nothing was validated."""
    curve, spec = run.curve(), run.spec
    if curve.ndcg10.isna().all():
        return None
    return not still_improving(curve, spec.kind.patience(spec.model))


def still_improving(curve: pd.DataFrame, patience: int) -> bool:
    """Whether the last `patience` validations of a learning curve raised its best NDCG@10 by more than a hundredth.

    A training that was stopped because it gained nothing more never does.

    >>> still_improving(pd.DataFrame({"ndcg10": [0.1, 0.2, 0.3, 0.4, 0.5]}), 2)
    True
    >>> still_improving(pd.DataFrame({"ndcg10": [0.1, 0.5, 0.5, 0.4]}), 2)
    False
    """
    values = curve.ndcg10.dropna().to_numpy()
    if len(values) <= patience:
        return len(values) > 0
    return bool(values[-patience:].max() > values[:-patience].max() * (1 + GAIN))
