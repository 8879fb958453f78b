"""The linear probe: a closed-form ridge regression from the text vectors of a history to that of the next item.

No seed and no gradient: how much a design and a frozen encoder tell of what comes next without any further learning.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import numpy as np
from pydantic import Field
from scipy import linalg

from upsr_core.datasets.splits import Split, training_histories
from upsr_core.datasets.store import Dataset
from upsr_core.errors import ModelError
from upsr_core.models.base import LEAVE_ONE_OUT, Model, Request, TrainingJob
from upsr_core.models.budgets import BUDGETS
from upsr_core.models.cost import DataSizes, Work
from upsr_core.models.similarity import CONTRIBUTIONS, LinearRanker, encoding_work, unit_length
from upsr_core.models.spec import TextModelSpec
from upsr_core.plm.loading import ENCODERS
from upsr_core.runtime import Progress, silent
from upsr_core.schema import Spec
from upsr_core.storage.arrays import keep_arrays, kept_arrays

WEIGHTS = "probe.npz"
USERS = 8192  # whose histories are gone through at once


class ProbeSettings(Spec):
    """What the probe makes of vectors and histories.

    Vectors are centred, whitened along at most `directions` principal directions, and brought to length one. A history
    is its last vector beside the mean of all, in which an item weighs `decay` times what the next one does. `ridge`
    is added to the diagonal of the mean second moments of histories, as a share of their mean.
    """

    directions: int = Field(default=256, ge=1)
    decay: float = Field(default=0.7, ge=0, le=1)
    ridge: float = Field(default=0.01, gt=0)


class ProbeSpec(TextModelSpec):
    """The linear probe with a design and an encoder."""

    name: Literal["linear-probe"] = "linear-probe"
    settings: ProbeSettings = ProbeSettings()

    @property
    def trains(self) -> bool:
        return True


class ProbeRanker(LinearRanker):
    """Ranks items by the product of their vector with the predicted one.

    `vectors` (items, k) are whitened text vectors, `weights` (2, k, k) map the last vector and the decayed mean of a
    history to the vector that comes next.
    """

    def __init__(self, vectors: np.ndarray, weights: np.ndarray, settings: ProbeSettings):
        super().__init__(len(vectors))
        self.vectors, self.weights, self.settings = vectors, weights, settings

    def shares(self, history: np.ndarray) -> np.ndarray:
        vectors = self.vectors[history]
        weighed = decayed(len(history), self.settings.decay)[:, None] * vectors @ self.weights[1]
        weighed[-1:] += vectors[-1:] @ self.weights[0]
        return weighed

    def queries(self, histories: Sequence[np.ndarray]) -> np.ndarray:
        last, mean = summaries(self.vectors, histories, self.settings.decay)
        return last @ self.weights[0] + mean @ self.weights[1]


def decayed(count: int, decay: float) -> np.ndarray:
    """Weights (count,) that sum to one, each `decay` times the next.

    >>> decayed(3, 1.0).sum().item(), decayed(2, 0.0).tolist()
    (1.0, [0.0, 1.0])
    """
    weights = decay ** np.arange(count - 1, -1, -1.0)
    return (weights / weights.sum()).astype(np.float32) if count else weights.astype(np.float32)


def summaries(vectors: np.ndarray, histories: Sequence[np.ndarray], decay: float) -> tuple[np.ndarray, np.ndarray]:
    """Last vector and decayed mean (h, k) each of histories; zero for an empty one."""
    last, mean = (np.zeros((len(histories), vectors.shape[1]), np.float32) for _ in range(2))
    for row, history in enumerate(histories):
        if len(history):
            last[row], mean[row] = vectors[history[-1]], decayed(len(history), decay) @ vectors[history]
    return last, mean


def whitened(vectors: np.ndarray, directions: int) -> np.ndarray:
    """Vectors (n, k) of length one: centred, and scaled to one variance along the leading `directions` of n by d."""
    centred = vectors.astype(np.float64) - vectors.mean(0, dtype=np.float64)
    values, axes = linalg.eigh(centred.T @ centred / len(centred))
    kept = [place for place in np.argsort(-values)[:directions] if values[place] > 1e-9 * values.max()]
    return unit_length(centred @ axes[:, kept] / np.sqrt(values[kept])).astype(np.float32)


def fit(
    vectors: np.ndarray, histories: Sequence[np.ndarray], settings: ProbeSettings, progress: Progress = silent
) -> np.ndarray:
    """The weights (2, k, k) of the ridge regression over every beginning of every history.

    Sums are gathered position by position over many users at once, so memory does not grow with the events.
    """
    size = vectors.shape[1]
    moments, products = np.zeros((2 * size, 2 * size)), np.zeros((2 * size, size))
    rows, ordered = 0, sorted((history for history in histories if len(history) > 1), key=len, reverse=True)
    for start in range(0, len(ordered), USERS):
        progress(start, len(ordered), "training")
        block = ordered[start : start + USERS]
        lengths = np.array([len(history) for history in block])
        total, weight = np.zeros((len(block), size), np.float32), 0.0
        for position in range(int(lengths[0]) - 1):
            active = int((lengths > position + 1).sum())  # the longest come first
            now, following = (
                np.array([history[place] for history in block[:active]]) for place in (position, position + 1)
            )
            weight = 1 + settings.decay * weight
            total = vectors[now] + settings.decay * total[:active]
            inputs = np.concatenate([vectors[now], total / weight], axis=1)
            moments += inputs.T @ inputs
            products += inputs.T @ vectors[following]
            rows += active
    if not rows:
        raise ModelError("There is no history of at least two items to learn from", how="Use a larger dataset.")
    moments[np.diag_indices(2 * size)] += settings.ridge * np.trace(moments) / (2 * size)
    found = linalg.solve(moments, products, assume_a="pos")
    return found.reshape(2, size, size).astype(np.float32)


class LinearProbe(Model[ProbeSpec]):
    name = "linear-probe"
    title = "Linear probe"
    note = (
        "A closed-form ridge regression from the frozen text vectors of a history to the vector of the next item: no "
        "seed, seconds, all test users."
    )
    limits = "It learns one linear map, and items with the same text are the same to it."
    spec_type = ProbeSpec
    reads_text = True
    plm_kinds = ENCODERS
    plm_note = "Its texts may also be read by an encoder: the folder or hub id of a BERT-like model."
    methods = (CONTRIBUTIONS, LEAVE_ONE_OUT)

    def plan(self, request: Request) -> ProbeSpec:
        return ProbeSpec.model_validate({"design": request.design, "plm": self.plm_ref(request.plm)})

    def train(self, spec: ProbeSpec, job: TrainingJob) -> None:
        vectors = _vectors(job.dataset, spec, job.progress)
        weights = fit(vectors, training_histories(job.dataset, job.parts), spec.settings, job.progress)
        with job.saved_model() as folder:
            keep_arrays(folder / WEIGHTS, weights=weights, dataset=np.array(job.dataset.digest))

    def open(self, spec: ProbeSpec, dataset: Dataset, parts: Split, mode: str, weights: Path | None) -> ProbeRanker:
        kept = kept_arrays(weights / WEIGHTS, "weights", "dataset") if weights else None
        if kept is None or str(kept["dataset"]) != dataset.digest:
            raise ModelError("The weights of the probe cannot be used", str(weights), "Start the run again.")
        return ProbeRanker(_vectors(dataset, spec, silent), kept["weights"], spec.settings)

    def budgets(self) -> list[str]:
        return [name for name, budget in BUDGETS.items() if budget.share]

    def budget_line(self, budget: str) -> str:
        return "Closed form over all training events, whatever the budget: seconds. All test users are evaluated."

    def work(self, spec: ProbeSpec, sizes: DataSizes, trained: float, pretrained: float) -> Work:
        k = spec.settings.directions
        training = encoding_work(spec, sizes) + 2.0 * sizes.events * 2 * k * 3 * k
        return Work(training * trained, 4.0 * sizes.tested * k * sizes.items)


def _vectors(dataset: Dataset, spec: ProbeSpec, progress: Progress) -> np.ndarray:
    from upsr_core.models.text_vectors import text_vectors

    found = text_vectors(dataset, spec.design.finetune, spec.plm.name, progress)
    return whitened(found, spec.settings.directions)
