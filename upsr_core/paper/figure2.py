"""Figure 2: SASRec retrieves from the whole catalogue, every model reranks its list: quality over the list's length."""

from functools import partial

import numpy as np
import pandas as pd

from upsr_core.comparison.compare import mean_of
from upsr_core.datasets.splits import split
from upsr_core.datasets.store import load_dataset
from upsr_core.errors import RunError
from upsr_core.evaluation.candidates import Candidates, CandidateSpec, candidates_for
from upsr_core.evaluation.metrics import METRICS, user_metrics
from upsr_core.export.figure_style import grouped
from upsr_core.models.catalogue_ranker import CatalogueRanker
from upsr_core.models.registry import model_named
from upsr_core.paper.experiment import Cell, Experiment, ExperimentSpec, Outcome, design_of, planned
from upsr_core.paper.grid import Finished, judged, scale_notes, tested, wide
from upsr_core.runs.run import Run
from upsr_core.runs.user_ranking import load_ranker
from upsr_core.runtime import Progress
from upsr_core.storage.arrays import keep_arrays, kept_arrays

MODELS = {"UPSR": "upsr", "SASRec": "sasrec-ce", "BERT4Rec": "bert4rec", "UniSRec": "unisrec"}
CEILING = "Recall ceiling"
LENGTHS = (10, 20, 50, 100, 200, 300, 500)
LONGEST = {"smoke": 50, "quick": 200, "standard": 500}  # several hundred in the paper
METRIC = "NDCG@10"


def cells(spec: ExperimentSpec) -> list[Cell]:
    made = []
    for dataset in spec.datasets:
        design = design_of(load_dataset(dataset), "CTD")
        for column, model in MODELS.items():
            text = design if model_named(model).reads_text else None
            made += planned(spec, dataset, column, text, model=model)
    return made


def collect(spec: ExperimentSpec, finished: Finished, progress: Progress) -> Outcome:
    longest, rows, claims = LONGEST[spec.scale], [], []
    for dataset in spec.datasets:
        mine = [(cell, run) for cell, run in finished if cell.dataset == dataset]
        seeds = sorted({run.spec.seed for _, run in mine})
        values: dict[tuple[str, int], list[np.ndarray]] = {}
        for seed in seeds:
            runs = {cell.column: run for cell, run in mine if run.spec.seed == seed}
            for key, each in _reranked(spec, runs, longest, progress).items():
                values.setdefault(key, []).append(each)
        of_seeds = {key: 100 * np.stack(parts) for key, parts in values.items()}  # (seeds, instances), percent
        lengths = [length for length in LENGTHS if length <= longest]
        for length in lengths:
            for column in (*MODELS, CEILING):
                found = mean_of(of_seeds[column, length])
                row = {"dataset": dataset, "row": f"{METRIC} of the first {length}", "length": length, "column": column}
                rows.append(row | {"value": found["mean"], "low": found["low"], "high": found["high"]})
        ours = of_seeds["UPSR", lengths[-1]]
        gains = {
            f"UPSR above {other} on the first {lengths[-1]}, {METRIC}": tested(ours, of_seeds[other, lengths[-1]])
            for other in ("SASRec", "BERT4Rec", "UniSRec")
        }
        gained = ours - of_seeds["UPSR", lengths[0]]  # by the same trainings
        gains[f"UPSR gains from {lengths[0]} to {lengths[-1]} candidates, {METRIC}"] = tested(gained, 0 * gained[:1])
        claims += [
            {"dataset": dataset, "paper": "all datasets", "claim": claim, **numbers} for claim, numbers in gains.items()
        ]
    long = pd.DataFrame(rows).astype({"low": float, "high": float})
    table = wide(long, EXPERIMENT.columns)
    several = len(spec.datasets) > 1
    labels = long.column + " · " + long.dataset if several else long.column
    figure = grouped(long.assign(at=long.length, label=labels), "candidates that SASRec retrieved", f"{METRIC}, %", 420)
    figure.update_xaxes(type="log", tickvals=list(LENGTHS), ticktext=[str(length) for length in LENGTHS])
    notes = (
        *scale_notes(spec, finished),
        f"{CEILING}: the share of targets that are on the list at all; no reranking can pass it.",
        "The paper gives this figure as a picture without numbers, on all of its datasets; it says that UPSR is best "
        "everywhere and rises with the number of candidates, while the others fluctuate or fall.",
    )
    return Outcome(table, table, figure, judged(claims), notes)


def _reranked(
    spec: ExperimentSpec, runs: dict[str, Run], longest: int, progress: Progress
) -> dict[tuple[str, int], np.ndarray]:
    """NDCG@10 (instances,) of every column for every length of the list, 0 where the target is not on it."""
    retrieval = runs["SASRec"]
    test = _instances(retrieval, runs["UPSR"].spec.candidates)
    lists, targets = _retrieved(retrieval, test, longest), test.instances.target.to_numpy()
    found: dict[tuple[str, int], np.ndarray] = {}
    place = METRICS.index(METRIC)
    for column, run in runs.items():
        scores = _scores(spec, run, test, lists, longest, column, progress)
        for length in [length for length in LENGTHS if length <= longest]:
            gains = np.zeros(len(lists))
            for row, (items, score) in enumerate(zip(lists, scores, strict=True)):
                at = np.flatnonzero(items[:length] == targets[row])
                if len(at):
                    own, others = score[at[0]], np.delete(score[:length], at[0])
                    metrics = user_metrics(int((others > own).sum()), int((others == own).sum()))
                    gains[row] = list(metrics.values())[place]
            found[column, length] = gains
            on_list = [targets[row] in items[:length] for row, items in enumerate(lists)]
            found[CEILING, length] = np.array(on_list, dtype=float)
    return found


def _instances(run: Run, sampled: CandidateSpec) -> Candidates:
    """The instances that UPSR is evaluated on, with the whole catalogue to retrieve from."""
    data = run.spec.dataset.load()
    return candidates_for(
        data, split(data, run.spec.split), CandidateSpec(mode="full", users=sampled.users, seed=sampled.seed)
    )


def _retrieved(run: Run, test: Candidates, longest: int) -> list[np.ndarray]:
    """The items that a run retrieves for every instance, best first; never what it has not seen in training."""
    ranker = load_ranker(run)
    if not isinstance(ranker, CatalogueRanker):
        raise RunError(
            f"{run.spec.kind.title} does not score the whole catalogue at once", run.id, "Retrieve with SASRec."
        )
    kept = ranker.rank(test, longest).candidates
    kept = kept[np.isfinite(kept.score)].sort_values(["row", "rank", "item"])
    return [part.item.to_numpy()[:longest] for _, part in kept.groupby("row")]


def _scores(
    spec: ExperimentSpec, run: Run, test: Candidates, lists: list[np.ndarray], longest: int, column: str,
    progress: Progress,
) -> list[np.ndarray]:  # fmt: skip
    """Scores of the retrieved items under a run; kept beside the experiment, so that no list is scored twice."""
    file = spec.folder / "reranked" / f"{run.id}-{longest}-{len(lists)}.npz"
    cuts = np.cumsum([len(items) for items in lists])[:-1]
    flat = np.concatenate(lists)
    kept = kept_arrays(file, "items", "scores")
    if kept is not None and np.array_equal(kept["items"], flat):
        return np.split(kept["scores"], cuts)
    ranker, scores = load_ranker(run), []
    for row in range(len(lists)):
        progress(row, len(lists), f"{column} reranks {test.dataset.name}")
        scores += ranker.scores([test.history(row)], partial(_always, lists[row]))
    keep_arrays(file, items=flat, scores=np.concatenate(scores))
    return scores


def _always(items: np.ndarray, _: int) -> np.ndarray:
    return items


EXPERIMENT = Experiment(
    "figure2",
    "Figure 2: reranking what SASRec retrieves",
    "Is UPSR the better judge of hard candidates, and how many should it be given?",
    cells,
    collect,
    (*MODELS, CEILING),
    {},
)
