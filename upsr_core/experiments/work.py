"""The work of one run, from the stored dataset to its results; every stage can be cut off and taken up again."""

import shutil
import time
from functools import partial

from upsr_core.datasets.splits import Split, split, training_histories
from upsr_core.datasets.store import Dataset
from upsr_core.errors import RunError
from upsr_core.evaluation.candidates import Candidates, candidates_for
from upsr_core.experiments.outcome import Ranked, score_table, write_result
from upsr_core.experiments.ranking import load_ranker
from upsr_core.experiments.rivals import rank_rival, train_rival
from upsr_core.experiments.runs import Run
from upsr_core.experiments.trained import take_weights
from upsr_core.experiments.validation import validate
from upsr_core.plm.door import load_model, load_tokenizer, locate, weights_digest
from upsr_core.rankers.popularity import Popularity
from upsr_core.rankers.upsr import Upsr
from upsr_core.runtime import Progress, environment, forget_peak_memory, write_json
from upsr_core.stored import keep_table, seal_folder
from upsr_core.text.sequence import SequenceBuilder
from upsr_core.text.stored import texts_of
from upsr_core.training.batches import MaskedBatches, Source
from upsr_core.training.objective import informative_weights, loss_of
from upsr_core.training.trainer import train

MODEL_FILES = ("tokenizer.json", "tokenizer_config.json", "spiece.model")


def execute(run: Run, progress: Progress) -> dict:
    """Do what is left of a run and return its result; calls `progress(done, total, phase)` often.

    Raises RunError where the dataset or the language model is no longer the one of the specification, and Cancelled
    where `progress` does.
    """
    forget_peak_memory()
    began, spec = time.monotonic(), run.spec
    run.drop_damaged()
    resumed = any((run.folder / name).exists() for name in ("pretraining", "pretrained", "tuning", "model"))
    dataset = spec.dataset.load()
    if spec.plm and weights_digest(spec.plm.name, spec.info.reads_with) != spec.plm.content:
        raise RunError(
            f"The language model {spec.plm.name!r} is not the one of this run",
            "its weights changed",
            "Start a new run.",
        )
    parts = split(dataset, spec.split)
    by_likelihood = spec.info.task == "likelihood"
    if spec.trains and not run.model_folder.exists() and not take_weights(run):
        (_train if by_likelihood else train_rival)(run, dataset, parts, progress)
        run.note_training(run.id, round(time.monotonic() - began, 1))
    write_json(run.folder / "environment.json", environment())
    test = candidates_for(dataset, parts, spec.candidates)
    ranked, counts = (_rank if by_likelihood else rank_rival)(run, dataset, parts, test, progress)
    result = write_result(run, ranked, test, time.monotonic() - began, resumed, counts)
    for folder in ("tuning", "pretraining"):
        shutil.rmtree(run.folder / folder, ignore_errors=True)
    return result


def _train(run: Run, dataset: Dataset, parts: Split, progress: Progress) -> None:
    spec = run.spec
    model, tokenizer = load_model(spec.plm.name), load_tokenizer(spec.plm.name)
    _pretrain(run, model, tokenizer, progress)
    if spec.training.tokens:
        _tune(run, model, tokenizer, dataset, parts, progress)
    _save_model(run, model)


def _rank(run: Run, dataset: Dataset, parts: Split, test: Candidates, progress: Progress) -> tuple[Ranked, dict]:
    ranker = load_ranker(run)
    table = score_table(ranker, test, Popularity(dataset, parts), progress)
    keep_table(run.folder / "scores.parquet", table)
    return Ranked.of(table), {"identical_texts": ranker.texts.identical()}


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
        texts = texts_of(dataset, spec.design.pretrain, tokenizer)
        histories = training_histories(dataset, split(dataset, spec.pretraining_split))
        sources.append(Source(SequenceBuilder(spec.design, texts), histories))
    batches = MaskedBatches(sources, spec.training, spec.training.pretrain_tokens)
    loss = partial(loss_of, spec=spec.training)
    train(model, batches, spec.training, run.folder / "pretraining", progress, "pre-training", loss=loss)
    _save_model(run, model, "pretrained")


def _tune(run: Run, model, tokenizer, dataset: Dataset, parts: Split, progress: Progress) -> None:
    """Masked item text prediction on the dataset that is ranked, validated by ranking."""
    spec = run.spec
    ranker = Upsr(model, tokenizer, dataset, spec.design, spec.score)
    validation = candidates_for(dataset, parts, spec.validation)
    share = spec.training.informative
    weights = informative_weights(ranker.token_costs(), share) if share else None
    source = Source(ranker.builder, training_histories(dataset, parts), weights)
    batches = MaskedBatches([source], spec.training, spec.training.tokens)
    train(
        model, batches, spec.training, run.folder / "tuning", progress, "training",
        validate=lambda _: validate(ranker, validation), curve=run.write_curve,
        loss=partial(loss_of, spec=spec.training),
    )  # fmt: skip


def _save_model(run: Run, model, name: str = "model") -> None:
    """Save a model so that its folder is there whole or not at all."""
    temporary = run.folder / f".{name}"
    shutil.rmtree(temporary, ignore_errors=True)
    model.save_pretrained(temporary)
    for file in MODEL_FILES:
        if (locate(run.spec.plm.name) / file).is_file():
            shutil.copy(locate(run.spec.plm.name) / file, temporary / file)
    seal_folder(temporary)
    temporary.rename(run.folder / name)
