"""How long a trial will take on this machine, said before it starts; no torch, so that a page can ask."""

import json
import time
from dataclasses import dataclass
from functools import lru_cache
from threading import Lock

import numpy as np
from threadpoolctl import threadpool_limits

from upsr_core.datasets.store import load_dataset
from upsr_core.errors import UpsrError
from upsr_core.evaluation.candidates import NEGATIVES
from upsr_core.plm.loading import load_tokenizer, locate, width
from upsr_core.runs.calibration import Calibration, calibrated, cores
from upsr_core.runs.convergence import spent
from upsr_core.runs.run import list_runs
from upsr_core.runs.spec import RunSpec
from upsr_core.runs.weight_reuse import pretrained_run, trained_run
from upsr_core.text.render import ItemTexts

# Shares of the machine's own matrix rate that training and scoring reached with the embedded model on two cores.
TRAINING_SHARE, SCORING_SHARE = 0.42, 0.45
CONTRASTING = 2.2  # what a token costs with the contrastive term, over one without
IMPORT_SECONDS, SETUP_SECONDS = 6, 12  # imports; imports, texts and loading
CHECKPOINTS = 3  # kept at a time: two, and the best; each is the weights and twice as much for the optimizer
SCORE_BYTES = 20  # of a candidate in `scores.parquet`, compressed
_MEASURING = Lock()
COMPARING = 0.002  # seconds to compare an item's neighbours in text and in behaviour


@dataclass(frozen=True)
class Forecast:
    """Seconds that a run will take, and where the number comes from.

    `memory_mib` is the most memory, None where nothing was measured.
    """

    seconds: float
    training_seconds: float
    evaluation_seconds: float
    basis: str
    memory_mib: float | None = None


def forecast(*specs: RunSpec) -> Forecast:
    """Time of runs one after the other, from the arithmetic of the model and this machine's matrix rate.

    A training that several share takes its time once, and none where its weights are at hand; so does a pre-training.
    Where this machine has finished runs of the same model, the forecast is corrected by what they took. A training
    that ends by an early stop takes less: its longest is foretold.
    """
    training = evaluation = opening = 0.0
    memory = None
    seen: set[str | None] = set()
    for spec in specs:
        share = _to_do(spec, seen)
        seen |= {spec.training_digest, spec.pretraining_digest}
        if measured := calibrated(spec):
            seconds = _measured(spec, measured, *share)
            training, evaluation = training + seconds[0], evaluation + seconds[1]
            opening += measured.opening
            memory, known = max(memory or 0.0, measured.memory_mib), 0
            continue
        opening += SETUP_SECONDS - IMPORT_SECONDS
        seconds = _seconds(spec, *share)
        factor, known = _correction(spec)
        training, evaluation = training + seconds[0] * factor, evaluation + seconds[1] * factor
    basis = f"estimated from the speed of this machine, {matrix_rate() / 1e9:.0f} GFLOP/s"
    if measured:
        basis = "steps and users measured on this machine"
    elif known:
        basis += f", corrected by {known} finished run{'s' if known > 1 else ''} of this model"
    if spec.trains and not training:
        basis += "; the weights are trained already"
    seconds = training + evaluation + opening + IMPORT_SECONDS
    return Forecast(seconds, training, evaluation, basis, memory)


def _to_do(spec: RunSpec, seen: set[str | None]) -> tuple[float, float]:
    """Shares of its training and of its pre-training that a run has to do itself, 0 or 1: `seen` holds the digests of
    those before it."""
    if spec.training_digest in seen or trained_run(spec):
        return 0.0, 0.0
    return 1.0, float(not (spec.pretraining_digest in seen or pretrained_run(spec)))


def _measured(spec: RunSpec, measured: Calibration, trained: float, pretrained: float) -> tuple[float, float]:
    """Seconds of training with its validations, and of scoring, from what a token and a user cost here."""
    own, users = spec.training, len(load_dataset(spec.dataset.name).users)
    training = 0.0
    if trained:
        training = measured.training_seconds(own.tokens * trained + own.pretrain_tokens * pretrained)
        of_mode = _sizes_of_data(spec)[3] / (NEGATIVES + 1)  # validation ranks a hundred negatives always
        validations = min(users, spec.validation_users) * own.evaluations * bool(own.tokens)
        training += measured.scoring_seconds(validations / of_mode, 0)
    tested = _tested(spec)
    texts = min(_sizes_of_data(spec)[1], tested * _sizes_of_data(spec)[3])
    return training, measured.scoring_seconds(tested, texts)


def elsewhere(spec: RunSpec, here: Forecast, machines: int, gflops: float | None, gbit: float) -> Forecast:
    """The forecast for machines of this matrix rate (GFLOP/s), joined by a network (Gbit/s).

    Batches and users are split over them; at every step all gradients go round twice (ring all-reduce).
    """
    faster = machines * (gflops * 1e9 / matrix_rate() if gflops else 1.0)
    exchange = 0.0
    if machines > 1 and here.training_seconds and spec.info.task == "likelihood":
        steps = (spec.training.tokens + spec.training.pretrain_tokens) / spec.training.batch_tokens
        exchange = steps * 2 * 32 * _parameters(spec.plm.name) / (gbit * 1e9)
    training, evaluation = here.training_seconds / faster + exchange, here.evaluation_seconds / faster
    opening = here.seconds - here.training_seconds - here.evaluation_seconds
    basis = f"{exchange:.0f} s of it for the exchange of gradients" if exchange else "from the matrix rate"
    return Forecast(opening + training + evaluation, training, evaluation, basis)


def disk_mib(spec: RunSpec) -> tuple[float, float]:
    """MiB that a run of UPSR leaves, and the most it takes on the way: checkpoints with the optimizer's state."""
    weights = 4 * _parameters(spec.plm.name) / 2**20 if spec.trains else 0.0
    left = weights + _tested(spec) * _sizes_of_data(spec)[3] * SCORE_BYTES / 2**20
    return left, left + CHECKPOINTS * 3 * weights


def _parameters(plm: str) -> int:
    """Weights of a language model, counted in its files."""
    from safetensors import safe_open

    count = 0
    for file in locate(plm).glob("*.safetensors"):
        with safe_open(file, framework="np") as stored:
            count += sum(int(np.prod(stored.get_slice(name).get_shape())) for name in stored.keys())  # noqa: SIM118
    return count


def _seconds(spec: RunSpec, trained: float, pretrained: float) -> tuple[float, float]:
    """Uncorrected seconds of training and of scoring, see `_work`."""
    training, scoring = _work(spec, trained, pretrained)
    return training / (matrix_rate() * TRAINING_SHARE), scoring / (matrix_rate() * SCORING_SHARE)


def _correction(spec: RunSpec) -> tuple[float, int]:
    """By how much finished runs of the same model took longer than foretold, the median, and how many there are."""
    ratios = []
    for run in list_runs():
        record = run.result()
        own = run.trained_by in (run.id, None) and not run.pretraining_elsewhere  # another run's took no time here
        if record and own and _alike(run.spec, spec) and not record["resumed"]:
            try:
                predicted = sum(_seconds(run.spec, used.share if (used := spent(run)) else 1.0, 1.0))
            except UpsrError:  # its dataset is there no longer
                continue
            ratios.append(max(1.0, record["seconds"] - SETUP_SECONDS) / predicted)
    return (float(np.median(ratios)) if ratios else 1.0), len(ratios)


def indicator_seconds(trial: RunSpec, indicator: str, sample: int, domains: int) -> float:
    """Seconds that an indicator of a trial's design takes: `sample` items of the dataset and of each further domain.

    The model-based ones from the arithmetic of the model; those that count tokens and words take next to nothing.
    """
    encoder, decoder, head = _sizes(trial.plm.name)
    tokens, items, _, _ = _sizes_of_data(trial)
    met = {"naturalness": decoder + head, "alignment": encoder, "domain_consistency": (1 + domains) * encoder}
    if indicator not in met:
        return 0.1
    read = min(items, sample) if sample else items
    overhead = {"alignment": COMPARING * min(read, 1000)}.get(indicator, 0.0)
    return overhead + 2 * tokens * read * met[indicator] / (matrix_rate() * SCORING_SHARE)


def _alike(done: RunSpec, spec: RunSpec) -> bool:
    """Whether a finished run says something of the speed of another: the same model, and long enough to tell."""
    if done.model != spec.model or done.plm != spec.plm:
        return False
    return done.training is not None and (done.info.task != "likelihood" or done.training.tokens > 1e6)


def _work(spec: RunSpec, trained: float, pretrained: float) -> tuple[float, float]:
    """Floating-point operations of training and of scoring (validation and test, right and borrowed histories).

    `trained` and `pretrained` are the shares of its training and of its pre-training that the run goes through; 0 where
    it takes the weights of another.
    """
    return (_likelihood_work if spec.info.task == "likelihood" else _sequence_work)(spec, trained, pretrained)


def _sequence_work(spec: RunSpec, trained: float, pretrained: float) -> tuple[float, float]:
    dataset, own = load_dataset(spec.dataset.name), spec.training
    users, items = len(dataset.users), dataset.n_items
    if own is None:
        return 0.0, 4.0 * users * items
    events = len(dataset.sequence) - 2 * users
    layer = 4 * own.width**2 + 2 * own.width * own.inner
    state, catalogue = own.layers * layer, own.width * items
    predicted = {"next": 1.0, "cloze": own.mask_share}[spec.info.task] * (spec.info.loss == "cross-entropy")
    epochs = own.epochs * trained
    training = 6 * epochs * events * (state + catalogue * predicted)
    if spec.info.text:  # all items are adapted anew at every step, by eight experts
        steps = epochs * -(-users // own.batch)
        training += 6 * steps * items * 8 * width(spec.plm.name) * own.width * (1 + pretrained * bool(spec.pretrain_on))
    per_user = 2 * (state * len(dataset.sequence) / users + catalogue)
    validated = min(users, spec.validation_users) * own.evaluations * trained
    return training, 2 * per_user * (validated + _tested(spec))


def _likelihood_work(spec: RunSpec, trained: float, pretrained: float) -> tuple[float, float]:
    encoder, decoder, head = _sizes(spec.plm.name)
    text_tokens, texts, users, candidates = _sizes_of_data(spec)
    # A tenth of the items is predicted, at least one of each sequence of about ten.
    tokens = spec.training.tokens * trained + spec.training.pretrain_tokens * pretrained
    training = 6 * tokens * (encoder + (decoder + head) * 0.15) * (CONTRASTING if spec.training.contrast else 1.0)
    evaluated = _tested(spec)
    validated = min(users, spec.validation_users) * spec.training.evaluations if spec.training.tokens else 0
    # Prefixes shared by candidates are computed once; the share left is about .7 among a hundred of them.
    per_user = 2 * text_tokens * candidates * 0.7 * (decoder + head)
    validation = per_user * (NEGATIVES + 1) / candidates * 2 * validated * trained
    return training, validation + per_user * 2 * evaluated + 2 * text_tokens * texts * 0.5 * (decoder + head)


def _tested(spec: RunSpec) -> int:
    """Instances that a run evaluates, where no history is too short."""
    data = load_dataset(spec.dataset.name)
    zero_shot = spec.split.kind == "zero-shot"
    histories = len(data.sequence) - len(data.users) if zero_shot else len(data.users)
    return min(histories, spec.candidates.users or histories) * spec.split.k


@lru_cache(maxsize=16)
def _sizes(plm: str) -> tuple[float, float, float]:
    """Parameters that a token of the encoder, of the decoder and of the output head meets."""
    config = json.loads((locate(plm) / "config.json").read_text())
    model, inner = config["d_model"], config["num_heads"] * config["d_kv"]
    gated = 3 if "gated" in config.get("feed_forward_proj", "relu") else 2
    attention, feed = 4 * model * inner, gated * model * config["d_ff"]
    layers = config["num_layers"], config.get("num_decoder_layers") or config["num_layers"]
    return layers[0] * (attention + feed), layers[1] * (2 * attention + feed), model * config["vocab_size"]


@lru_cache(maxsize=16)
def _sizes_of_data(spec: RunSpec) -> tuple[float, int, int, int]:
    """Mean tokens of an item's text, items, users, candidates of a user."""
    dataset = load_dataset(spec.dataset.name)
    sample = dataset.items.sample(min(dataset.n_items, 400), random_state=0)
    texts = ItemTexts(spec.design.finetune, sample, load_tokenizer(spec.plm.name))
    candidates = dataset.n_items if spec.candidates.mode == "full" else NEGATIVES + 1
    return float(np.diff(texts.offsets).mean()), dataset.n_items, len(dataset.users), candidates


def matrix_rate() -> float:
    """Floating-point operations per second of fp32 matrix products of the embedded model's shape, best of fifteen.

    In CPU time of one core, times the cores: the clock would count what others do on a busy machine.
    """
    with _MEASURING:  # sessions that ask at once wait for one measurement, instead of making each other's slow
        return _matrix_rate()


@lru_cache(maxsize=1)
def _matrix_rate() -> float:
    left, right = np.ones((2048, 192), np.float32), np.ones((192, 768), np.float32)
    best = np.inf
    with threadpool_limits(1):
        for _ in range(15):
            start = time.process_time()
            for _ in range(10):
                left @ right
            best = min(best, time.process_time() - start)
    return 2 * 2048 * 192 * 768 * 10 / best * cores()
