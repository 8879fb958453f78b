"""Candidates are data: drawn once per (dataset, split, users, seed), stored, the same for every model."""

from dataclasses import dataclass
from functools import partial
from typing import Literal, get_args

import numpy as np
import pandas as pd
from pydantic import Field

from upsr_core.datasets.splits import Split, training_counts
from upsr_core.datasets.store import Dataset
from upsr_core.errors import DataError
from upsr_core.runtime import home
from upsr_core.schema import Spec, digest_of
from upsr_core.storage.arrays import keep_arrays, kept_arrays

Mode = Literal["uni100", "pop100", "full"]
Part = Literal["validation", "test"]
MODES: tuple[Mode, ...] = get_args(Mode)
NEGATIVES = 100
DRAWING = "negatives of validation and test drawn apart"  # counts in every digest: how they were drawn


class CandidateSpec(Spec):
    """Who is evaluated, and what is ranked for each.

    Items of the user's own history are left out in all modes, as in published tables of full ranking.

    Attributes
    ----------
    mode
        `uni100`: the target and 100 items drawn uniformly without replacement. `pop100`: the target and 100 items
        drawn without replacement in proportion to their training events (Sun et al., BERT4Rec, CIKM 2019); targets
        are drawn like that too, so a ranking that ignores the user gains little over random. `full`: the whole
        catalogue.
    part
        Which instances of the split.
    users
        Limits the evaluation to a seeded sample of that many histories, each with all the targets that are seen from
        it (one, but k in leave-last-k); None takes all.
    seed
        Of the sample and of the draws.
    """

    mode: Mode = "uni100"
    part: Part = "test"
    users: int | None = Field(default=None, ge=1)
    seed: int = 0


@dataclass(frozen=True)
class Candidates:
    """Evaluation instances and what is ranked for each.

    Attributes
    ----------
    digest
        Identifies dataset, split and specification.
    instances : DataFrame, n rows
        Columns user, end, target, cold and, of the test, step; see `Split`.
    negatives : ndarray of int32, (n, 100), or None
        Item indices that are ranked beside the target; None in mode `full`.
    of
        How many instances there were before sampling.
    """

    spec: CandidateSpec
    digest: str
    instances: pd.DataFrame
    negatives: np.ndarray | None
    of: int
    dataset: Dataset

    def __len__(self) -> int:
        return len(self.instances)

    @property
    def mode(self) -> Mode:
        return self.spec.mode

    def history(self, row: int) -> np.ndarray:
        """Item indices of the history of instance `row`, oldest first; the target event is never in it."""
        user, end = self.instances.user.to_numpy()[row], self.instances.end.to_numpy()[row]
        return self.dataset.history(int(user))[: int(end)]

    def left_out(self, row: int) -> np.ndarray:
        """Items of the user's own history, each once, that are not ranked for instance `row`."""
        own = np.unique(self.history(row))
        return own[own != self.instances.target.to_numpy()[row]]

    def items(self, row: int) -> np.ndarray:
        """Item indices ranked for instance `row`; the target is the first."""
        target = int(self.instances.target.to_numpy()[row])
        if self.negatives is not None:
            return np.concatenate([[target], self.negatives[row]])
        allowed = np.ones(self.dataset.n_items, dtype=bool)
        allowed[self.left_out(row)] = False
        allowed[target] = False
        return np.concatenate([[target], np.flatnonzero(allowed)])


def candidates_for(dataset: Dataset, parts: Split, spec: CandidateSpec) -> Candidates:
    """The stored candidates of this specification; drawn and stored when they are asked for the first time.

    Parameters
    ----------
    dataset, parts
        The data, and how they are split.
    spec
        Which instances, and what is ranked for each. A sample of users is given the negatives that all users get.

    Raises
    ------
    DataError
        There is nothing to evaluate, or the catalogue has too few items to draw 100 negatives.
    """
    digest = digest_of([dataset.digest, parts.spec.digest, spec.digest, DRAWING])
    table = getattr(parts, spec.part).reset_index(drop=True)
    if table.empty:
        raise DataError(
            f"No user of {dataset.name!r} has a {spec.part} instance",
            f"{parts.not_evaluated} users are too short for the split {parts.spec.kind}",
            "Choose another split or lower the number of events a user needs.",
        )
    rows = _sampled(table, spec)
    instances = table.iloc[rows].reset_index(drop=True)
    negatives = None
    if spec.mode != "full":
        file = home() / "candidates" / f"{digest}.npz"
        kept = kept_arrays(file, "negatives")
        if kept is None:
            draw = _draw_uniform if spec.mode == "uni100" else partial(_draw_popular, training_counts(dataset, parts))
            kept = {"negatives": draw(dataset, instances, rows, spec)}
            keep_arrays(file, **kept)
        negatives = kept["negatives"]
    return Candidates(spec, digest, instances, negatives, len(table), dataset)


def _sampled(table: pd.DataFrame, spec: CandidateSpec) -> np.ndarray:
    """Rows of the instances to evaluate, in order. Targets of one history stay together: they are compared."""
    history = table.groupby(["user", "end"], sort=False).ngroup().to_numpy()
    count = history.max() + 1
    if spec.users is None or spec.users >= count:
        return np.arange(len(table))
    drawn = np.random.default_rng([spec.seed, 1]).choice(count, size=spec.users, replace=False)
    return np.flatnonzero(np.isin(history, drawn))


def _draw_popular(
    counts: np.ndarray, dataset: Dataset, instances: pd.DataFrame, rows: np.ndarray, spec: CandidateSpec
) -> np.ndarray:
    """Negatives (n, 100) in proportion to `counts`, none of them in the user's own events."""
    logs = np.log(counts, where=counts > 0, out=np.full(len(counts), -np.inf))
    negatives = np.empty((len(instances), NEGATIVES), dtype=np.int32)
    for position, (user, row) in enumerate(zip(instances.user, rows, strict=True)):
        allowed = logs.copy()
        allowed[dataset.history(int(user))] = -np.inf
        if np.isfinite(allowed).sum() < NEGATIVES:
            raise _too_few(dataset, int(user), "items with training events")
        # The largest of log weight + Gumbel noise are a weighted sample without replacement (Kool et al., ICML 2019).
        keys = allowed + _generator(spec, int(row)).gumbel(size=len(allowed))
        negatives[position] = np.argpartition(-keys, NEGATIVES)[:NEGATIVES]
    return negatives


def _too_few(dataset: Dataset, user: int, what: str) -> DataError:
    return DataError(
        f"{NEGATIVES} negatives cannot be drawn for user {dataset.users[user]!r}",
        f"too few {what} besides the user's own in {dataset.name!r}",
        "Rank the whole catalogue instead: choose the mode full.",
    )


def _generator(spec: CandidateSpec, row: int) -> np.random.Generator:
    """One per mode, part and instance: a sample of users sees the same negatives as all users do, and what decides
    in the validation when a training stops says nothing of the test's negatives."""
    return np.random.default_rng([spec.seed, MODES.index(spec.mode), get_args(Part).index(spec.part), row])


def _draw_uniform(dataset: Dataset, instances: pd.DataFrame, rows: np.ndarray, spec: CandidateSpec) -> np.ndarray:
    """Negatives (n, 100), none of them in the user's own events (history, target and later ones)."""
    total, count = dataset.n_items, NEGATIVES
    negatives = np.empty((len(instances), count), dtype=np.int32)
    for position, (user, row) in enumerate(zip(instances.user, rows, strict=True)):
        own = np.unique(dataset.history(int(user)))
        if total - len(own) < count:
            raise _too_few(dataset, int(user), "items")
        rng = _generator(spec, int(row))
        free = np.setdiff1d(np.arange(total), own) if total < 4 * (count + len(own)) else None
        if free is not None:
            negatives[position] = rng.choice(free, size=count, replace=False)
            continue
        own_set, chosen = set(own.tolist()), dict[int, None]()
        while len(chosen) < count:
            for item in rng.integers(0, total, size=count).tolist():
                if item not in own_set and len(chosen) < count:
                    chosen[item] = None
        negatives[position] = list(chosen)
    return negatives
