"""The work of one run, from the stored dataset to its results; every stage can be cut off and taken up again."""

import shutil
import time

from upsr_core.datasets.splits import Split, split, training_histories
from upsr_core.datasets.store import Dataset
from upsr_core.errors import RunError
from upsr_core.evaluation.candidates import CandidateSpec, candidates_for
from upsr_core.evaluation.statistics import other_users, paired_difference
from upsr_core.experiments.outcome import score_table, write_result
from upsr_core.experiments.ranking import load_ranker
from upsr_core.experiments.runs import Run
from upsr_core.plm.door import load_model, load_tokenizer, locate, weights_digest
from upsr_core.rankers.base import evaluate
from upsr_core.rankers.popularity import Popularity
from upsr_core.rankers.upsr import Upsr
from upsr_core.runtime import Progress, environment, write_json
from upsr_core.text.render import ItemTexts
from upsr_core.text.sequence import SequenceBuilder
from upsr_core.training.batches import MaskedBatches, Source
from upsr_core.training.trainer import train

MODEL_FILES = ("tokenizer.json", "tokenizer_config.json", "spiece.model")


def execute(run: Run, progress: Progress) -> dict:
    """Do what is left of a run and return its result; calls `progress(done, total, phase)` often.

    Raises RunError where the dataset or the language model is no longer the one of the specification, and Cancelled
    where `progress` does.
    """
    began, spec = time.time(), run.spec
    resumed = any((run.folder / name).exists() for name in ("pretraining", "pretrained", "tuning", "model"))
    dataset = spec.dataset.load()
    if weights_digest(spec.plm.name) != spec.plm.content:
        raise RunError(
            f"The language model {spec.plm.name!r} is not the one of this run",
            "its weights changed",
            "Start a new run.",
        )
    tokenizer = load_tokenizer(spec.plm.name)
    parts = split(dataset, spec.split)
    trained = run.folder / "model"
    if not trained.exists() and spec.training.trains:
        model = load_model(spec.plm.name)
        _pretrain(run, model, tokenizer, progress)
        if spec.training.tokens:
            _tune(run, model, tokenizer, dataset, parts, progress)
        _save_model(run, model)
    write_json(run.folder / "environment.json", environment())
    ranker = load_ranker(run)
    test = candidates_for(dataset, parts, spec.candidates)
    table = score_table(ranker, test, Popularity(dataset, parts), progress)
    table.to_parquet(run.folder / "scores.parquet")
    result = write_result(run, table, test, ranker.texts.identical(), time.time() - began, resumed)
    for folder in ("tuning", "pretraining"):
        shutil.rmtree(run.folder / folder, ignore_errors=True)
    return result


def _pretrain(run: Run, model, tokenizer, progress: Progress) -> None:
    """Masked item text prediction over several domains with the pre-training stage of the design."""
    spec = run.spec
    if not spec.pretrain_on:
        return
    done = run.folder / "pretrained"
    if done.exists():
        model.load_state_dict(load_model(str(done)).state_dict())
        return
    sources = []
    for ref in spec.pretrain_on:
        dataset = ref.load()
        texts = ItemTexts(spec.design.pretrain, dataset.items, tokenizer)
        histories = training_histories(dataset, split(dataset, spec.split))
        sources.append(Source(SequenceBuilder(spec.design, texts), histories))
    batches = MaskedBatches(sources, spec.training, spec.training.pretrain_tokens)
    train(model, batches, spec.training, run.folder / "pretraining", progress, "pre-training")
    _save_model(run, model, "pretrained")


def _tune(run: Run, model, tokenizer, dataset: Dataset, parts: Split, progress: Progress) -> None:
    """Masked item text prediction on the dataset that is ranked, validated by ranking."""
    spec = run.spec
    ranker = Upsr(model, tokenizer, dataset, spec.design, spec.score)
    validation_spec = CandidateSpec(part="validation", users=spec.validation_users, seed=spec.candidates.seed)
    validation = candidates_for(dataset, parts, validation_spec)
    source = Source(ranker.builder, training_histories(dataset, parts))
    batches = MaskedBatches([source], spec.training, spec.training.tokens)
    train(
        model, batches, spec.training, run.folder / "tuning", progress, "training",
        validate=lambda _: _validate(ranker, validation), curve=run.write_curve,
    )  # fmt: skip


def _validate(ranker: Upsr, validation) -> dict[str, float]:
    """Validation NDCG@10, and what the right history gains over another user's on the same candidates."""
    right = evaluate(ranker, validation)["NDCG@10"].to_numpy()
    borrowed = other_users(len(validation), validation.spec.seed)
    wrong = evaluate(ranker, validation.with_histories_of(borrowed))["NDCG@10"].to_numpy()
    gain = paired_difference(right, wrong)
    return {"ndcg10": float(right.mean()), "user_dependence": gain["mean"], "low": gain["low"], "high": gain["high"]}


def _save_model(run: Run, model, name: str = "model") -> None:
    """Save a model so that its folder is there whole or not at all."""
    temporary = run.folder / f".{name}"
    shutil.rmtree(temporary, ignore_errors=True)
    model.save_pretrained(temporary)
    for file in MODEL_FILES:
        if (locate(run.spec.plm.name) / file).is_file():
            shutil.copy(locate(run.spec.plm.name) / file, temporary / file)
    temporary.rename(run.folder / name)
