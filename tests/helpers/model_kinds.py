"""Every ranker of the product, fitted in seconds on the successor data, and how it is stored and opened again."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import torch
from transformers import T5Config, T5ForConditionalGeneration

from upsr_core.datasets.splits import training_histories
from upsr_core.likelihood.scores import ScoreSpec
from upsr_core.models.popularity import Popularity, Random
from upsr_core.models.registry import SequenceSpec
from upsr_core.models.sequential import SequenceRanker
from upsr_core.models.text_vectors import text_vectors
from upsr_core.models.upsr import Upsr
from upsr_core.plm.loading import load_model, load_tokenizer
from upsr_core.text.design import ItemDesign, parse_design
from upsr_core.training.batches import MaskedBatches, Source
from upsr_core.training.objective import loss_of
from upsr_core.training.spec import TrainingSpec
from upsr_core.training.trainer import train


def no_progress(done, total, what):
    pass


def fit_upsr(dataset, parts, folder, score="perplexity"):
    tokenizer = load_tokenizer("embedded")
    torch.manual_seed(0)
    config = T5Config(
        vocab_size=tokenizer.backend.get_vocab_size(), d_model=64, d_kv=16, num_heads=4, num_layers=2, d_ff=128,
        dropout_rate=0.0, decoder_start_token_id=0,
    )  # fmt: skip
    model = T5ForConditionalGeneration(config)
    model.accepts_loss_kwargs = False
    ranker = Upsr(model, tokenizer, dataset, parse_design("title"), ScoreSpec(name=score))
    spec = TrainingSpec(tokens=400_000, batch_tokens=2048, evaluations=1, learning_rate=5e-3, last_only=1.0)
    batches = MaskedBatches([Source(ranker.builder, training_histories(dataset, parts))], spec, spec.tokens)
    train(model, batches, spec, folder, no_progress, "training", loss=partial(loss_of, spec=spec))
    return ranker


def reload_upsr(ranker, dataset, parts, folder):
    ranker.scorer.model.save_pretrained(folder)
    return Upsr(load_model(str(folder)), load_tokenizer("embedded"), dataset, parse_design("title"), ranker.score)


def fit_sequence(model, text=False, **settings):
    small = {"width": 32, "inner": 64, "dropout": 0.1, "batch": 64, "learning_rate": 3e-3, "length": 12, **settings}

    def fit(dataset, parts, folder):
        vectors = text_vectors(dataset, ItemDesign.of("title"), "embedded", no_progress) if text else None
        ranker = SequenceRanker(model, SequenceSpec(**small), dataset, parts, vectors)
        ranker.fit(folder, no_progress)
        return ranker

    return fit


def reload_sequence(ranker, dataset, parts, folder):
    ranker.save(folder)
    return SequenceRanker.load(folder, dataset, parts)


@dataclass(frozen=True)
class Kind:
    fit: Callable
    reload: Callable
    learns: bool = True


KINDS = {
    "upsr": Kind(fit_upsr, reload_upsr),
    "sasrec-ce": Kind(fit_sequence("sasrec-ce", epochs=30), reload_sequence),
    "sasrec-bce": Kind(fit_sequence("sasrec-bce", epochs=60, learning_rate=1e-2), reload_sequence),
    "bert4rec": Kind(fit_sequence("bert4rec", epochs=80, mask_share=0.3), reload_sequence),
    "unisrec": Kind(fit_sequence("unisrec", text=True, epochs=60), reload_sequence),
    "unisrec-transductive": Kind(fit_sequence("unisrec-transductive", text=True, epochs=40), reload_sequence),
    "popularity": Kind(lambda d, p, _: Popularity(d, p), lambda _, d, p, __: Popularity(d, p), learns=False),
    "random": Kind(lambda d, *_: Random(d), lambda _, d, *__: Random(d), learns=False),
}
