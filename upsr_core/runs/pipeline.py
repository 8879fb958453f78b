"""The work of one run, from the stored dataset to its results; every stage can be cut off and taken up again."""

import shutil
import time
from functools import partial

from upsr_core.datasets.splits import Split, split, training_histories
from upsr_core.datasets.store import Dataset
from upsr_core.errors import RunError
from upsr_core.evaluation.candidates import Candidates, candidates_for
from upsr_core.models.popularity import Popularity
from upsr_core.parallel import Workers
from upsr_core.plm.loading import load_model, load_tokenizer, locate, model_digest, weights_digest
from upsr_core.runs.results import Ranked, score_table, write_result
from upsr_core.runs.rivals import rank_rival, train_rival
from upsr_core.runs.run import PRETRAINING, Run
from upsr_core.runs.scoring import Scored
from upsr_core.runs.user_ranking import likelihood_ranker, load_ranker
from upsr_core.runs.validation import validate
from upsr_core.runs.weight_reuse import take_pretraining, take_weights
from upsr_core.runtime import Progress, environment, forget_peak_memory
from upsr_core.storage.atomic import write_json
from upsr_core.storage.records import seal_folder
from upsr_core.storage.tables import keep_table
from upsr_core.text.prompt import SequenceBuilder
from upsr_core.text.text_cache import texts_of
from upsr_core.training import distributed
from upsr_core.training.batches import MaskedBatches, Source
from upsr_core.training.objective import informative_weights, loss_of
from upsr_core.training.trainer import train

MODEL_FILES = ("tokenizer.json", "tokenizer_config.json", "spiece.model")


def execute(run: Run, progress: Progress, accumulation: int = 1, workers: Workers | None = None) -> dict | None:
    """Do what is left of a run and return its result; calls `progress(done, total, phase)` often.

    In several processes, all of them train and the first alone does the rest; it has the result. For `accumulation`
    see `training.trainer.train`; `workers` score the candidates of UPSR's test users. Raises RunError where the
    dataset or the language model is no longer the one of the specification, and Cancelled where `progress` does.
    """
    forget_peak_memory()
    began, spec = time.monotonic(), run.spec
    if distributed.first():
        run.drop_damaged()
    resumed = any((run.folder / name).exists() for name in ("pretraining", "pretrained", "tuning", "model"))
    dataset = spec.dataset.load()
    # Older versions wrote down the weights alone.
    if spec.plm and spec.plm.content not in (
        model_digest(spec.plm.name, spec.info.reads_with), weights_digest(spec.plm.name, spec.info.reads_with)
    ):  # fmt: skip
        raise RunError(
            f"The language model {spec.plm.name!r} is not the one of this run",
            "its weights, configuration or tokenizer changed",
            "Start a new run.",
        )
    parts = split(dataset, spec.split)
    by_likelihood = spec.info.task == "likelihood"
    first = distributed.first()
    if distributed.broadcast(first and spec.trains and not run.model_folder.exists() and not take_weights(run)):
        if first:
            take_pretraining(run)
        if by_likelihood:
            _train(run, dataset, parts, progress, accumulation)
        else:
            train_rival(run, dataset, parts, progress)
        if first:
            run.note_training(run.id, round(time.monotonic() - began + run.pretraining_elsewhere, 1))
    elif first and spec.trains and not run.has_note:
        run.note_training(run.id, None)  # killed once the weights were saved
    if not first:
        return None
    write_json(run.folder / "environment.json", environment())
    test = candidates_for(dataset, parts, spec.candidates)
    if by_likelihood:
        ranked, counts = _rank(run, dataset, parts, test, progress, workers or Workers())
    else:
        ranked, counts = rank_rival(run, dataset, parts, test, progress)
    counts |= {"taken_before": parts.taken_before["test"]}
    result = write_result(run, ranked, test, time.monotonic() - began, resumed, counts)
    for folder in ("tuning", "pretraining"):
        shutil.rmtree(run.folder / folder, ignore_errors=True)
    return result


def _train(run: Run, dataset: Dataset, parts: Split, progress: Progress, accumulation: int) -> None:
    spec = run.spec
    model, tokenizer = load_model(spec.plm.name), load_tokenizer(spec.plm.name)
    options = {
        "loss": partial(loss_of, spec=spec.training), "accumulation": accumulation,
        "half": spec.training.dtype == "bfloat16",
    }  # fmt: skip
    _pretrain(run, model, tokenizer, progress, options)
    if spec.training.tokens:
        model = _tune(run, model, dataset, parts, progress, options)
    _save_model(run, model)


def _rank(
    run: Run, dataset: Dataset, parts: Split, test: Candidates, progress: Progress, workers: Workers
) -> tuple[Ranked, dict]:
    ranker = load_ranker(run)
    table = score_table(Scored(ranker, test, run), Popularity(dataset, parts), progress, workers)
    keep_table(run.folder / "scores.parquet", table)
    return Ranked.of(table, run.spec.candidates.mode), {"identical_texts": ranker.texts.identical()}


def _pretrain(run: Run, model, tokenizer, progress: Progress, options: dict) -> None:
    """Masked item text prediction over several domains with the pre-training stage of the design."""
    spec, done, began = run.spec, run.pretrained_folder, time.monotonic()
    if not spec.pretrain_on:
        return
    if not distributed.broadcast(done.exists()):
        trained = train(
            model, _pretraining_batches(run, tokenizer), spec.training, run.folder / "pretraining", progress,
            "pre-training", **options,
        )  # fmt: skip
        _save_model(run, trained, done.name, {"run": run.id, "seconds": round(time.monotonic() - began, 1)})
        distributed.wait_for_all()
        if trained is model:
            return
    model.load_state_dict(load_model(str(done)).state_dict())


def _pretraining_batches(run: Run, tokenizer) -> MaskedBatches:
    spec, sources = run.spec, []
    for ref in spec.pretrain_on:
        dataset = ref.load()
        texts = texts_of(dataset, spec.design.pretrain, tokenizer)
        histories = training_histories(dataset, split(dataset, spec.pretraining_split))
        sources.append(Source(SequenceBuilder(spec.design, texts), histories))
    return MaskedBatches(sources, spec.training, spec.training.pretrain_tokens)


def _tune(run: Run, model, dataset: Dataset, parts: Split, progress: Progress, options: dict):
    """Masked item text prediction on the dataset that is ranked, validated by ranking; the trained model."""
    spec, first = run.spec, distributed.first()
    ranker = likelihood_ranker(spec, model, dataset, parts, spec.validation.mode)
    share, weights = spec.training.informative, None
    if share:
        weights = informative_weights(distributed.broadcast(ranker.token_costs() if first else None), share)
    source = Source(ranker.builder, training_histories(dataset, parts), weights)
    batches = MaskedBatches([source], spec.training, spec.training.tokens)
    validation = candidates_for(dataset, parts, spec.validation) if first else None
    return train(
        model, batches, spec.training, run.folder / "tuning", progress, "training",
        validate=lambda whole: validate(ranker.reading_with(whole), validation), curve=run.write_curve, **options,
    )  # fmt: skip


def _save_model(run: Run, model, name: str = "model", note: dict | None = None) -> None:
    """Save a model, in the first process, so that its folder is there whole or not at all.

    `note` is kept beside pre-trained weights, see `Run.pretraining_elsewhere`.
    """
    if not distributed.first():
        return
    temporary = run.folder / f".{name}"
    shutil.rmtree(temporary, ignore_errors=True)
    model.save_pretrained(temporary)
    for file in MODEL_FILES:
        if (locate(run.spec.plm.name) / file).is_file():
            shutil.copy(locate(run.spec.plm.name) / file, temporary / file)
    if note:
        write_json(temporary / PRETRAINING, note)
    seal_folder(temporary)
    temporary.rename(run.folder / name)
