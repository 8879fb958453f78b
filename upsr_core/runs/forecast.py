"""How long a trial will take on this machine, said before it starts; no torch, so that a page can ask."""

import time
from dataclasses import dataclass
from functools import lru_cache
from threading import Lock

import numpy as np
from threadpoolctl import threadpool_limits

from upsr_core.datasets.store import load_dataset
from upsr_core.errors import UpsrError
from upsr_core.evaluation.candidates import NEGATIVES
from upsr_core.models.cost import Calibration, DataSizes, Work, cores, parameters, plm_sizes
from upsr_core.models.spec import TextModelSpec
from upsr_core.runs.calibration import calibrated
from upsr_core.runs.convergence import spent
from upsr_core.runs.run import list_runs
from upsr_core.runs.spec import RunSpec
from upsr_core.runs.weight_reuse import pretrained_run, trained_run

# Shares of the machine's own matrix rate that training and scoring reached with the embedded model on two cores.
TRAINING_SHARE, SCORING_SHARE = 0.42, 0.45
IMPORT_SECONDS, SETUP_SECONDS = 6, 12  # imports; imports, texts and loading
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
            work = _measured(spec, measured, *share)
            training, evaluation = training + work.training, evaluation + work.scoring
            opening += measured.opening
            memory, known = max(memory or 0.0, measured.memory_mib), 0
            continue
        opening += SETUP_SECONDS - IMPORT_SECONDS
        work = _seconds(spec, *share)
        factor, known = _correction(spec)
        training, evaluation = training + work.training * factor, evaluation + work.scoring * factor
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
    return 1.0, float(bool(spec.pretrain_on) and not (spec.pretraining_digest in seen or pretrained_run(spec)))


def data_sizes(spec: RunSpec) -> DataSizes:
    """What is known of a run's data before it starts; tested are the instances where no history is too short."""
    data, full = load_dataset(spec.dataset.name), spec.candidates.mode == "full"
    users, events = len(data.users), len(data.sequence)
    histories = events - users if spec.split.kind == "zero-shot" else users
    sources = [load_dataset(source.name) for source in spec.pretrain_on]
    return DataSizes(
        spec.dataset.name, spec.dataset.content, users, data.n_items, events,
        candidates=data.n_items if full else NEGATIVES + 1,
        tested=min(histories, spec.candidates.users or histories) * spec.split.k, validated=spec.validation_users,
        pretraining=sum(len(source.sequence) - 2 * len(source.users) for source in sources),
    )  # fmt: skip


def _measured(spec: RunSpec, costs: Calibration, trained: float, pretrained: float) -> Work:
    """Seconds of training with its validations, and of scoring, from what a token and a user cost here."""
    return spec.kind.measured(spec.model, costs, data_sizes(spec), trained, pretrained)


def elsewhere(spec: RunSpec, here: Forecast, machines: int, gflops: float | None, gbit: float) -> Forecast:
    """The forecast for machines of this matrix rate (GFLOP/s), joined by a network (Gbit/s).

    Batches and users are split over them; at every step all gradients go round twice (ring all-reduce).
    """
    faster = machines * (gflops * 1e9 / matrix_rate() if gflops else 1.0)
    exchange = 0.0
    if machines > 1 and here.training_seconds and (steps := spec.kind.exchanges(spec.model)):
        exchange = steps * 2 * 32 * parameters(spec.plm.name) / (gbit * 1e9)
    training, evaluation = here.training_seconds / faster + exchange, here.evaluation_seconds / faster
    opening = here.seconds - here.training_seconds - here.evaluation_seconds
    basis = f"{exchange:.0f} s of it for the exchange of gradients" if exchange else "from the matrix rate"
    return Forecast(opening + training + evaluation, training, evaluation, basis)


def disk_mib(spec: RunSpec) -> tuple[float, float]:
    """MiB that a run leaves, and the most that it takes on the way."""
    return spec.kind.disk_mib(spec.model, data_sizes(spec))


def _seconds(spec: RunSpec, trained: float, pretrained: float) -> Work:
    """Uncorrected seconds of training and of scoring (validation and test, right and borrowed histories).

    `trained` and `pretrained` are the shares of its training and of its pre-training that the run goes through; 0 where
    it takes the weights of another.
    """
    work = spec.kind.work(spec.model, data_sizes(spec), trained, pretrained)
    return Work(work.training / (matrix_rate() * TRAINING_SHARE), work.scoring / (matrix_rate() * SCORING_SHARE))


def _correction(spec: RunSpec) -> tuple[float, int]:
    """By how much finished runs of the same model took longer than foretold, the median, and how many there are."""
    ratios = []
    for run in list_runs():
        result = run.result()
        own = run.trained_by in (run.id, None) and not run.pretraining_elsewhere  # another run's took no time here
        if result and own and _alike(run.spec, spec) and not result.resumed:
            try:
                predicted = sum(
                    _seconds(run.spec, used.share if (used := spent(run)) else 1.0, float(bool(run.spec.pretrain_on)))
                )
            except UpsrError:  # its dataset is there no longer
                continue
            ratios.append(max(1.0, result.seconds - SETUP_SECONDS) / predicted)
    return (float(np.median(ratios)) if ratios else 1.0), len(ratios)


def indicator_seconds(trial: RunSpec, indicator: str, sample: int, domains: int) -> float:
    """Seconds that an indicator of a trial's design takes: `sample` items of the dataset and of each further domain.

    The model-based ones from the arithmetic of the model; those that count tokens and words take next to nothing.
    """
    encoder, decoder, head = plm_sizes(trial.plm.name)
    # Letters in random order make about twice as many tokens, and are read in two orders.
    written = decoder + head
    met = {
        "naturalness": written,
        "familiarity": 5 * written,
        "alignment": encoder,
        "domain_consistency": (1 + domains) * encoder,
    }
    if indicator not in met:
        return 0.1
    sizes = data_sizes(trial)
    read = min(sizes.items, sample) if sample else sizes.items
    overhead = {"alignment": COMPARING * min(read, 1000)}.get(indicator, 0.0)
    tokens = sizes.text_tokens(trial.text)
    return overhead + 2 * tokens * read * met[indicator] / (matrix_rate() * SCORING_SHARE)


def _alike(done: RunSpec, spec: RunSpec) -> bool:
    """Whether a finished run says something of the speed of another: the same model, and long enough to tell."""
    plms = [each.model.plm if isinstance(each.model, TextModelSpec) else None for each in (done, spec)]
    return done.model.name == spec.model.name and plms[0] == plms[1] and done.kind.tells_speed(done.model)


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
