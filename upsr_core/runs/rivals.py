"""The work of a run whose model scores its whole catalogue at once."""

import shutil
import time

import numpy as np

from upsr_core.datasets.splits import Split, split, training_histories
from upsr_core.datasets.store import Dataset
from upsr_core.evaluation.candidates import Candidates, candidates_for
from upsr_core.evaluation.statistics import other_users
from upsr_core.models.base import CatalogueRanker, evaluate
from upsr_core.models.factory import new_ranker
from upsr_core.models.popularity import Popularity, Random
from upsr_core.models.registry import SCORE
from upsr_core.runs.results import Ranked
from upsr_core.runs.run import PRETRAINING, Run
from upsr_core.runs.user_ranking import load_ranker
from upsr_core.runs.validation import validate
from upsr_core.runtime import Progress
from upsr_core.storage.atomic import write_json
from upsr_core.storage.records import seal_folder
from upsr_core.storage.tables import keep_table
from upsr_core.text.design import ItemDesign

KEPT = 101  # candidates stored for every instance: all of the sampled modes, the best of the whole catalogue


def train_rival(run: Run, dataset: Dataset, parts: Split, progress: Progress) -> None:
    """Train the model of a run, validated by ranking, and save it.

    A model of texts first reads all items with the frozen language model, and where there are datasets to pre-train
    on, learns from those, with the design's pre-training text.
    """
    spec = run.spec
    texts = _text_vectors(run, dataset, spec.design.finetune, progress) if spec.info.text else None
    ranker = new_ranker(spec.model, spec.training, dataset, parts, texts)
    if spec.pretrain_on:
        ranker.network.adopt(_pretrained(run, progress))
    if spec.training.epochs:
        validation = candidates_for(dataset, parts, spec.validation)
        ranker.fit(run.folder / "tuning", progress, lambda _: validate(ranker, validation), run.write_curve)
    ranker.save(run.model_folder)


def _text_vectors(run: Run, dataset: Dataset, design: ItemDesign, progress: Progress) -> np.ndarray:
    from upsr_core.models.text_vectors import text_vectors

    return text_vectors(dataset, design, run.spec.plm.name, progress)


def _pretrained(run: Run, progress: Progress) -> dict:
    """What pre-training on the datasets of the run leaves; done once, then read again."""
    from safetensors.torch import load_file, save_file

    from upsr_core.models.unisrec import pretrain

    spec, file, began = run.spec, run.pretrained_folder / "model.safetensors", time.monotonic()
    if not file.exists():
        sources = []
        for ref in spec.pretrain_on:
            data = ref.load()
            vectors = _text_vectors(run, data, spec.design.pretrain, progress)
            sources.append((vectors, training_histories(data, split(data, spec.pretraining_split))))
        shared = pretrain(sources, spec.training, run.folder / "pretraining", progress)
        temporary = run.folder / ".pretrained"
        shutil.rmtree(temporary, ignore_errors=True)
        temporary.mkdir()
        save_file(shared, temporary / file.name)
        write_json(temporary / PRETRAINING, {"run": run.id, "seconds": round(time.monotonic() - began, 1)})
        seal_folder(temporary)
        shutil.rmtree(file.parent, ignore_errors=True)
        temporary.rename(file.parent)
    return load_file(file)


def rank_rival(run: Run, dataset: Dataset, parts: Split, test: Candidates, progress: Progress) -> tuple[Ranked, dict]:
    """Ranks of all test instances, and counts of what the model could not score; writes `scores.parquet`.

    Columns of that table: row, user, item, target (bool), score, rank (expected rank among all candidates of the
    instance), popularity (training events).
    """
    ranker, popularity, count = load_ranker(run), Popularity(dataset, parts), len(test)
    right = ranker.rank(test, KEPT, lambda done: progress(done, 2 * count, "evaluating"))
    borrowed = right.metrics
    if count > 1:
        others = test.with_histories_of(other_users(test.instances.user.to_numpy(), test.spec.seed))
        borrowed = ranker.rank(others, 0, lambda done: progress(count + done, 2 * count, "evaluating")).metrics
    table = right.candidates
    table["user"] = test.instances.user.to_numpy()[table.row]
    table["popularity"] = popularity.counts[table.item]
    keep_table(run.folder / "scores.parquet", table)
    references = {"popularity": evaluate(popularity, test), "random": evaluate(Random(dataset), test)}
    return Ranked({SCORE: right.metrics}, {SCORE: borrowed}, references), unscorable(ranker, test)


def unscorable(ranker: CatalogueRanker, test: Candidates) -> dict[str, int]:
    """How many targets the model cannot score at all."""
    return {"unscorable_targets": int((~ranker.scorable[test.instances.target.to_numpy()]).sum())}
