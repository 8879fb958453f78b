"""The work of one run, from the stored dataset to its results; every stage can be cut off and taken up again."""

import os
import shutil
import time
from dataclasses import dataclass

from upsr_core.datasets.splits import Split, split, training_counts
from upsr_core.datasets.store import Dataset
from upsr_core.errors import RunError
from upsr_core.evaluation.candidates import Candidates, candidates_for
from upsr_core.models.base import Ranker, TrainingJob
from upsr_core.models.popularity import PopularityRanker, RandomRanker
from upsr_core.parallel import Workers
from upsr_core.plm.loading import model_digest
from upsr_core.runs.results import RunResult, measured, per_user_table
from upsr_core.runs.run import Run, load_run
from upsr_core.runs.text_cuts import text_cuts
from upsr_core.runs.unseen_events import check_pretraining
from upsr_core.runs.user_ranking import load_ranker
from upsr_core.runs.weight_reuse import take_pretraining, take_weights
from upsr_core.runtime import Progress, environment, forget_peak_memory, home, peak_memory_mib
from upsr_core.storage.atomic import write_json
from upsr_core.storage.tables import keep_table
from upsr_core.training import distributed


def execute(run: Run, progress: Progress, accumulation: int = 1, workers: Workers | None = None) -> RunResult | None:
    """Do what is left of a run and return its result; calls `progress(done, total, phase)` often.

    In several processes, all of them train and the first alone does the rest; it has the result. For `accumulation`
    see `training.trainer.train`; `workers` score the candidates of UPSR's test users. Raises RunError where the
    dataset or the language model is no longer the one of the specification, and Cancelled where `progress` does.
    """
    forget_peak_memory()
    began, spec, first = time.monotonic(), run.spec, distributed.first()
    if first:
        run.drop_damaged()
    resumed = any((run.folder / name).exists() for name in ("pretraining", "pretrained", "tuning", "model"))
    dataset = spec.dataset.load()
    _check_language_model(run)
    check_pretraining(spec)
    parts = split(dataset, spec.split)
    if distributed.broadcast(first and spec.trains and not run.model_folder.exists() and not take_weights(run)):
        if first:
            take_pretraining(run)
        spec.kind.train(spec.model, _job(run, dataset, parts, progress, accumulation))
        if first:
            run.note_training(run.id, round(time.monotonic() - began + run.pretraining_elsewhere, 1))
    elif first and spec.trains and not run.has_note:
        run.note_training(run.id, None)  # killed once the weights were saved
    if not first:
        return None
    write_json(run.folder / "environment.json", environment())
    result = _evaluate(run, dataset, parts, progress, workers or Workers(), began, resumed)
    for folder in ("tuning", "pretraining"):
        shutil.rmtree(run.folder / folder, ignore_errors=True)
    return result


def _check_language_model(run: Run) -> None:
    spec = run.spec
    if spec.reads_text and spec.plm.content != model_digest(spec.plm.name, spec.kind.plm_kinds):
        raise RunError(
            f"The language model {spec.plm.name!r} is not the one of this run",
            "its weights, configuration or tokenizer changed",
            "Start a new run.",
        )


def _job(run: Run, dataset: Dataset, parts: Split, progress: Progress, accumulation: int) -> TrainingJob:
    spec = run.spec

    def sources() -> list[tuple[Dataset, Split]]:
        opened = [ref.load() for ref in spec.pretrain_on]
        return [(source, split(source, spec.pretraining_split)) for source in opened]

    return TrainingJob(
        run=run.id, folder=run.folder, dataset=dataset, parts=parts, sources=sources,
        validation=lambda: candidates_for(dataset, parts, spec.validation), progress=progress,
        write_curve=run.write_curve, accumulation=accumulation,
    )  # fmt: skip


def _evaluate(
    run: Run, dataset: Dataset, parts: Split, progress: Progress, workers: Workers, began: float, resumed: bool
) -> RunResult:
    """Rank the test instances, keep what was found, and sum it up; writes the result, the last of what a run writes."""
    spec, test = run.spec, candidates_for(dataset, parts, run.spec.candidates)
    evaluated = load_ranker(run).evaluate(test, progress, workers, Reopened(str(home()), run.id))
    counts, users = training_counts(dataset, parts), test.instances.user.to_numpy()
    for name, table in (("scores", evaluated.candidates), ("catalogue_scores", evaluated.sample)):
        if table is not None:
            table.insert(1, "user", users[table.row])
            keep_table(run.folder / f"{name}.parquet", table.assign(popularity=counts[table.item]))
    rankers = {"popularity": PopularityRanker(dataset, parts), "random": RandomRanker(dataset)}
    references = {name: ranker.metrics(test) for name, ranker in rankers.items()}
    keep_table(run.folder / "per_user.parquet", per_user_table(evaluated, references, test))
    result = RunResult(
        run=run.id, title=run.title, **measured(evaluated, references, test, spec.model.own_score),
        cuts=text_cuts(spec, keep_texts=True),
        taken_before=parts.taken_before["test"], trained_by=run.trained_by, training_seconds=run.training_seconds,
        seconds=round(time.monotonic() - began, 1), peak_memory_mib=peak_memory_mib(), resumed=resumed,
        finished=time.time(),
    )  # fmt: skip
    run.write_result(result)
    return result


@dataclass(frozen=True)
class Reopened:
    """A run's ranker and its test candidates, opened in another process that has the same home folder."""

    home: str
    run: str

    def __call__(self) -> tuple[Ranker, Candidates]:
        os.environ["UPSR_HOME"] = self.home
        run = load_run(self.run)
        dataset = run.spec.dataset.load()
        return load_ranker(run), candidates_for(dataset, split(dataset, run.spec.split), run.spec.candidates)
