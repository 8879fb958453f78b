"""What each difference between a rival here and its published code does to its figures, see `bench`."""

import tempfile
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from unittest.mock import patch

import numpy as np
import torch

import upsr_core.runtime  # noqa: F401  sets what must be set before torch computes
from upsr_core.datasets.splits import SplitSpec, split, training_histories
from upsr_core.datasets.store import Dataset, load_dataset
from upsr_core.errors import RunError
from upsr_core.evaluation.candidates import CandidateSpec, candidates_for
from upsr_core.evaluation.metrics import HEADLINE
from upsr_core.evaluation.statistics import paired_difference
from upsr_core.models import history_batches, networks, sequence_ranker, unisrec_network
from upsr_core.models.history_batches import NO_LABEL, HistoryBatches, PackedHistories
from upsr_core.models.networks import Bert4recNetwork, SasrecNetwork, SequenceNetwork, initialise
from upsr_core.models.registry import model_named
from upsr_core.models.sequence_ranker import SequenceRanker
from upsr_core.models.sequential import SequenceModel
from upsr_core.models.spec import SequenceSpec
from upsr_core.models.text_vectors import text_vectors
from upsr_core.models.unisrec import WORDS_DROPPED
from upsr_core.models.unisrec_network import Domain, UnisrecNetwork, pretrain
from upsr_core.models.validation import validate
from upsr_core.runtime import Progress, silent
from upsr_core.text.design import parse_design


@dataclass(frozen=True)
class Variant:
    """One difference: other settings, and what is replaced in the code while it is trained and ranked."""

    settings: dict[str, object]
    replaced: Callable[[], AbstractContextManager[object]] | None = None
    seen: bool = False  # a difference of the pre-training


class PrefixBatches(HistoryBatches):
    """One sequence for each item to predict, the items before it, as RecBole lays out its training data."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.pieces = [piece[: end + 1] for piece in self.pieces for end in range(1, len(piece))]
        self.size = self.spec.batch
        self.per_epoch = -(-len(self.pieces) // self.size)

    def _next(self, chosen: np.ndarray, rng: np.random.Generator) -> dict[str, torch.Tensor]:
        pieces = [self.pieces[number] for number in chosen]
        lengths = np.array([len(piece) - 1 for piece in pieces])
        packed = PackedHistories.of(lengths, self.spec.length, self.from_end)
        labels = np.concatenate([piece[1:] for piece in pieces])
        asked = np.zeros(len(labels), dtype=bool)
        asked[np.cumsum(lengths) - 1] = True
        batch = packed.inputs(np.concatenate([piece[:-1] for piece in pieces]))
        return batch | {"labels": packed.place(np.where(asked, labels, NO_LABEL), NO_LABEL)}


def _from_the_mean():
    """The adaptor begins at the middle of the text vectors."""
    made = UnisrecNetwork.__init__

    def begun(self, spec, texts, ids):
        made(self, spec, texts, ids)
        with torch.no_grad():
            self.adaptor.shift.copy_(texts.mean(0).expand_as(self.adaptor.shift))

    return patch.object(UnisrecNetwork, "__init__", begun)


def _frozen_input():
    def adopt(self, shared):
        self.load_state_dict({**self.state_dict(), **shared})
        self.encoder.requires_grad_(False)

    return patch.object(UnisrecNetwork, "adopt", adopt)


def _older_bce():
    """SASRec's loss on RecBole's transformer."""

    def network(self, training, items, texts):
        made = SasrecNetwork(training, items)
        made.loss = "sampled"
        return made

    return patch.object(type(model_named("sasrec-bce")), "network", network)


def _newest_only():
    """Of a long history its newest items alone are learned from."""
    return patch.object(history_batches, "windows", lambda history, size, overlap: [history[-size:]])


def _with_replacement():
    """The histories of a step are drawn, whoever was drawn before."""

    def drawn(self, step):
        rng = np.random.default_rng([self.spec.seed, 7, step])
        return self._next(rng.integers(0, len(self.pieces), self.size), rng)

    return patch.object(HistoryBatches, "__getitem__", drawn)


def _ten_copies():
    """Hidden items are drawn for ten epochs, which come again and again."""
    made = HistoryBatches.__getitem__
    return patch.object(HistoryBatches, "__getitem__", lambda self, step: made(self, step % (10 * self.per_epoch)))


def _padding_class():
    """The softmax of the training has one item more, whose vector is zero."""

    def outputs(self, inputs):
        items, bias = SequenceNetwork.outputs(self, inputs)
        extra = int(self.training)
        return torch.cat([items, items.new_zeros(extra, items.shape[1])]), torch.cat([bias, bias.new_zeros(extra)])

    return patch.object(SasrecNetwork, "outputs", outputs)


def _cut_normal():
    """Weights begin within two deviations."""

    def begun(module):
        initialise(module)
        for parameter in module.parameters():
            if parameter.dim() > 1:
                torch.nn.init.trunc_normal_(parameter, std=0.02, a=-0.04, b=0.04)

    return patch.object(networks, "initialise", begun)


HISTORIES = {"batch": 256, "batch_unit": "histories"}
PREFIXES = lambda: patch.object(sequence_ranker, "HistoryBatches", PrefixBatches)  # noqa: E731
VARIANTS: dict[str, dict[str, Variant]] = {
    "unisrec": {
        "width 64": Variant({"width": 64}),
        "one sequence per prefix": Variant({}, PREFIXES),
        "one draw of noise and dropout for an item and step": Variant(
            {}, lambda: patch.object(UnisrecNetwork, "embedded", SequenceNetwork.embedded)
        ),
        "adaptor begins at the mean text vector": Variant({}, _from_the_mean),
        "gradients clipped at 1": Variant({"clip": 1.0}),
        "256 histories a step": Variant(HISTORIES),
        "input normalisation frozen": Variant({}, _frozen_input, seen=True),
        "no view with words dropped": Variant({}, lambda: patch.object(unisrec_network, "ITEM_DROP", 1.0), seen=True),
        "every second view with words dropped": Variant(
            {}, lambda: patch.object(unisrec_network, "ITEM_DROP", 0.0), seen=True
        ),
        "batches of 1,024": Variant({"pretrain_batch": 1024}, seen=True),
    },
    "sasrec-ce": {
        "one sequence per prefix": Variant({}, PREFIXES),
        "gradients clipped at 1": Variant({"clip": 1.0}),
        "256 histories a step": Variant(HISTORIES),
        "padding as a class": Variant({}, _padding_class),
    },
    "sasrec-bce": {
        "RecBole's transformer": Variant({"width": 64, "inner": 256, "heads": 2}, _older_bce),
        "gradients clipped at 1": Variant({"clip": 1.0}),
        "beta2 .999": Variant({"beta2": 0.999}),
        "users drawn with replacement": Variant({}, _with_replacement),
        "newest 51 items alone": Variant({}, _newest_only),
    },
    "bert4rec": {
        "learning rate 1e-4": Variant({"learning_rate": 1e-4}),
        "attention dropout .5": Variant({"attention_dropout": 0.5}),
        "positions from the oldest item": Variant({}, lambda: patch.object(Bert4recNetwork, "from_end", False)),
        "no weight decay": Variant({"weight_decay": 0.0}),
        "windows without overlap": Variant({}, lambda: patch.object(history_batches, "OVERLAP", 0)),
        "hidden items drawn for ten copies": Variant({}, _ten_copies),
        "initial weights within two deviations": Variant({}, _cut_normal),
    },
}


def figures(model: SequenceModel, spec: SequenceSpec, data: Dataset, design: str, source: Dataset | None):
    """Per-user table of ranks of all test users of a training from its beginning."""
    parts, chosen = split(data, SplitSpec()), parse_design(design).finetune
    texts = text_vectors(data, chosen, "embedded", silent) if model.reads_text else None
    ranker = SequenceRanker(model, spec, data, parts, texts)
    validation = candidates_for(data, parts, CandidateSpec(part="validation", mode="full", users=2000))
    with tempfile.TemporaryDirectory() as folder:
        if source:
            read = [text_vectors(source, chosen, "embedded", silent, share) for share in (0.0, WORDS_DROPPED)]
            domain = Domain(read[0], read[1], training_histories(source, split(source, SplitSpec())))
            assert isinstance(ranker.network, UnisrecNetwork)
            ranker.network.adopt(pretrain([domain], spec, Path(folder) / "before", silent))
        ranker.fit(Path(folder) / "tuning", silent, lambda _: validate(ranker, validation))
    return ranker.metrics(candidates_for(data, parts, CandidateSpec(mode="full")))


def bench(
    dataset: str, name: str, design: str, settings: Mapping[str, object], source: str, only: tuple[str, ...],
    progress: Progress,
) -> dict:  # fmt: skip
    """Train a rival as it is and with each of its VARIANTS, or those of `only`, and rank all test users in full.

    `settings` are those of the `SequenceSpec` that all share; with a `source` to pre-train on, variants are those of
    the pre-training. Of each variant HR@10, NDCG@10, and `change`, the paired difference of NDCG@10 from the model as
    it is (see `paired_difference`). Raises RunError for a model or a variant that is not there.
    """
    if name not in VARIANTS:
        raise RunError(f"{name!r} has no variants", how=f"Choose among {', '.join(VARIANTS)}.")
    data, before = load_dataset(dataset), load_dataset(source) if source else None
    model = model_named(name)
    assert isinstance(model, SequenceModel)
    usual = model.longest.model_copy(update=dict(settings))
    known = {each: variant for each, variant in VARIANTS[name].items() if variant.seen == bool(source)}
    if unknown := set(only) - set(known):
        raise RunError(f"There is no variant {min(unknown)!r}", how=f"Choose among {', '.join(known)}.")
    chosen = {"as it is": Variant({})} | {each: known[each] for each in only or known}
    found, default = dict[str, dict](), np.zeros(0)
    for number, (each, variant) in enumerate(chosen.items()):
        progress(number, len(chosen), each)
        began = time.process_time()
        with variant.replaced() if variant.replaced else nullcontext():
            table = figures(model, usual.model_copy(update=variant.settings), data, design, before)
        gained = table[HEADLINE].to_numpy()
        default = default if number else gained
        means = {"HR@10": float(table["HR@10"].mean()), HEADLINE: float(gained.mean())}
        seconds = round(time.process_time() - began)
        found[each] = {**means, "change": paired_difference(gained, default), "processor_seconds": seconds}
    return {"dataset": data.name, "model": name, "settings": dict(settings), "variants": found}
