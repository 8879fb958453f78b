"""Which runs can be compared, on which users, and how runs that differ only in seed become one entry."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from upsr_core.errors import RunError
from upsr_core.evaluation.metrics import HEADLINE, METRICS
from upsr_core.runs.results import BORROWED, SHARED
from upsr_core.runs.run import Run
from upsr_core.runs.spec import RunSpec

INSTANCE = ["user", "end", "target", "step"]
REFERENCES = {"popularity": "Popularity", "random": "Random order"}


@dataclass(frozen=True)
class Entry:
    """One line of a comparison: a design or model, with every seed that it was trained with.

    `metrics` has for each metric an array (seeds, instances), `ranks` and `dependence` (NDCG@10 gained over another
    user's history) the same; `ties` are of the target. References have no runs.
    """

    label: str
    runs: tuple[Run, ...]
    metrics: dict[str, np.ndarray]
    ranks: np.ndarray
    dependence: np.ndarray

    @property
    def id(self) -> str:
        """The id of its first run; the label of a reference."""
        return self.runs[0].id if self.runs else self.label

    def users(self, metric: str) -> np.ndarray:
        """A metric per instance, the mean over seeds."""
        return self.metrics[metric].mean(axis=0)


@dataclass(frozen=True)
class Compared:
    """Entries over the same instances, in the order of the runs given; `references` stand beside them.

    `instances` has the columns user, end, target, step, cold; `of` counts the instances before any sampling.
    `refused` says of runs that were left out why.
    """

    entries: tuple[Entry, ...]
    references: tuple[Entry, ...]
    instances: pd.DataFrame
    of: int
    refused: dict[str, str]

    @property
    def first(self) -> Run:
        return self.entries[0].runs[0]

    @property
    def mode(self) -> str:
        return self.first.spec.candidates.mode

    @property
    def runs(self) -> tuple[Run, ...]:
        return tuple(run for entry in self.entries for run in entry.runs)

    def at(self, chosen: np.ndarray) -> "Compared":
        """The same on some instances (bool per instance). Raises RunError where none is left."""
        if not chosen.any():
            raise RunError("No instance is left to compare", how="Evaluate more users.")

        def cut(entry: Entry) -> Entry:
            metrics = {name: values[:, chosen] for name, values in entry.metrics.items()}
            return replace(entry, metrics=metrics, ranks=entry.ranks[:, chosen], dependence=entry.dependence[:, chosen])

        kept = self.instances[chosen].reset_index(drop=True)
        entries, references = (tuple(map(cut, each)) for each in (self.entries, self.references))
        return replace(self, entries=entries, references=references, instances=kept)

    def entry(self, name: str) -> Entry:
        """The entry of a run's id or of its beginning. Raises RunError where none is here."""
        for entry in self.entries:
            if name and any(run.id.startswith(name) for run in entry.runs):
                return entry
        raise RunError(f"The run {name!r} is not in this comparison", how="Name one of the compared runs.")


def why_not(first: Run, other: Run) -> str:
    """Why two finished runs cannot be compared; empty where they can.

    Evaluations of different samples of users can: the candidates of a user are drawn alike in all of them.
    """
    ours, theirs = first.spec, other.spec
    if other.result() is None:
        return f"it is not finished ({other.status().state})"
    if theirs.dataset != ours.dataset:
        same_name = theirs.dataset.name == ours.dataset.name
        return f"it is of {'another version of the' if same_name else 'the other'} dataset {theirs.dataset.name!r}"
    if theirs.split != ours.split:
        return f"its split is {_split_name(theirs)}, not {_split_name(ours)}"
    for what in ("mode", "part", "seed"):
        mine, its = getattr(ours.candidates, what), getattr(theirs.candidates, what)
        if mine != its:
            return f"it ranked other candidates: {what} {its} instead of {mine}"
    return ""


def _split_name(spec: RunSpec) -> str:
    return f"{spec.split.kind} with k = {spec.split.k}" if spec.split.kind == "leave-last-k" else spec.split.kind


def comparable(runs: Sequence[Run]) -> tuple[list[Run], dict[str, str]]:
    """The runs that can be compared with the first finished one, and of the others (by id) why they cannot."""
    finished = [run for run in runs if run.result() is not None]
    if not finished:
        return [], {run.id: f"it is not finished ({run.status().state})" for run in runs}
    reasons = {run.id: why_not(finished[0], run) for run in runs}
    kept = list({run.id: run for run in runs if not reasons[run.id]}.values())
    return kept, {run_id: reason for run_id, reason in reasons.items() if reason}


def load(runs: Sequence[Run], strict: bool = True) -> Compared:
    """Per-user results of runs on the instances that all of them evaluated; seeds of one design become one entry.

    Parameters
    ----------
    runs
        Finished runs of one dataset, split and candidate mode; the first finished one says which.
    strict
        Refuse all where one cannot be compared; otherwise it is left out, and `Compared.refused` says why.

    Returns
    -------
    Compared
        Entries in the order of the runs, each with arrays of shape (seeds, instances).

    Raises
    ------
    RunError
        No run can be compared, one cannot and `strict` is set, or they evaluated no user in common.
    """
    kept, refused = comparable(runs)
    if not kept or (strict and refused):
        reasons = "; ".join(f"run {run_id}: {reason}" for run_id, reason in refused.items()) or "no run was named"
        how = "Compare runs of one dataset, split and candidate mode; `upsr runs` lists them."
        raise RunError("These runs cannot be compared", reasons, how)
    tables = {run.id: run.per_user() for run in kept}
    own = {run.id: _of_score(tables[run.id], run.spec.model.own_score) for run in kept}
    common = own[kept[0].id].index
    for run in kept[1:]:
        common = common[common.isin(own[run.id].index)]
    if not len(common):
        raise RunError("These runs evaluated no user in common", how="Evaluate all users, or the same sample.")
    groups: dict[str, list[Run]] = {}
    for run in sorted(kept, key=lambda run: run.spec.seed):
        groups.setdefault(without_seed(run), []).append(run)
    order = dict.fromkeys(without_seed(run) for run in kept)
    labels = _labels([groups[key][0] for key in order])
    entries = []
    for key, label in zip(order, labels, strict=True):
        frames = [own[run.id].loc[common] for run in groups[key]]
        gains = [_gain_of_right_history(run, tables[run.id]).loc[common].to_numpy() for run in groups[key]]
        entries.append(_entry(label, tuple(groups[key]), frames, gains))
    first = tables[kept[0].id]
    references = []
    for name, label in REFERENCES.items():
        if any(entry.runs[0].spec.model.name == name for entry in entries):
            continue
        frame = _of_score(first, name).loc[common]
        references.append(_entry(label, (), [frame], [np.zeros(len(frame))]))
    instances = own[kept[0].id].loc[common, ["cold"]].reset_index()
    return Compared(tuple(entries), tuple(references), instances, kept[0].finished_result().of_users, refused)


def _of_score(table: pd.DataFrame, score: str) -> pd.DataFrame:
    return table[table.score == score].set_index(INSTANCE)


def _gain_of_right_history(run: Run, table: pd.DataFrame) -> pd.Series:
    """NDCG@10 with the right history minus that with another user's, on the candidates in neither."""
    own, borrowed = (_of_score(table, name.format(run.spec.model.own_score)) for name in (SHARED, BORROWED))
    return own[HEADLINE] - borrowed[HEADLINE]


def _entry(label: str, runs: tuple[Run, ...], frames: list[pd.DataFrame], gains: list[np.ndarray]) -> Entry:
    metrics = {name: np.stack([frame[name].to_numpy() for frame in frames]) for name in METRICS}
    ranks = np.stack([frame["rank"].to_numpy() for frame in frames])
    return Entry(label, runs, metrics, ranks, np.stack(gains))


def without_seed(run: Run) -> str:
    """What runs have in common that differ in nothing but the seed of their training."""
    return run.spec.model_copy(update={"model": run.spec.model.with_seed(0)}).digest


def _labels(runs: list[Run]) -> list[str]:
    """What tells the runs apart: model, text, language model, budget, recipe, pre-training; the id where nothing
    does."""
    rows = []
    recipes = {run.spec.model.recipe for run in runs if run.spec.kind.recipes}
    for run in runs:
        spec = run.spec
        text = spec.design.finetune.label if spec.reads_text else ""
        first = ", ".join(ref.name for ref in spec.pretrain_on)
        plm = spec.plm.name.rstrip("/").rsplit("/", 1)[-1] if spec.reads_text else ""
        rows.append([spec.kind.title, text, plm, run.budget, f"after {first}" if first else ""])
        rows[-1].append(spec.model.recipe if len(recipes) > 1 else "")
    # The language model, the budget and the recipe are said only where they differ.
    silent = {place for place in (2, 3) if len({row[place] for row in rows if row[place]}) < 2}
    labels = [" · ".join(part for n, part in enumerate(row) if part and n not in silent) for row in rows]
    return [
        f"{label} ({run.id[:6]})" if labels.count(label) > 1 else label for label, run in zip(labels, runs, strict=True)
    ]
