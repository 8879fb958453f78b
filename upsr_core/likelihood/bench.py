"""The benchmark of likelihood scoring: ratios against named rivals, taken in one run, interleaved."""

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from transformers import T5Config, T5ForConditionalGeneration

from upsr_core.likelihood import rivals
from upsr_core.likelihood.ctranslate2_rival import CTranslate2
from upsr_core.likelihood.scorer import CandidateScorer
from upsr_core.likelihood.trie import CandidateTrie
from upsr_core.runtime import Progress
from upsr_core.text.sequence import SequenceBuilder

# Encoder tokens of a history; with them naive scoring costs 1.4 TFLOP a user on average.
HISTORY_TOKENS = (70, 260, 512)
BATCHES = (8, 16, 32, 101)
CANDIDATES = 101
CATALOGUE_USERS = 2
TOLERANCE = 1e-5

Rival = Callable[[np.ndarray, list[np.ndarray], int], tuple[float, np.ndarray]]


def small_t5(vocabulary: int = 32128) -> T5ForConditionalGeneration:
    """T5-small's geometry with random weights: speed does not depend on what was learned."""
    torch.manual_seed(0)
    config = T5Config(
        vocab_size=vocabulary, d_model=512, d_kv=64, d_ff=2048, num_layers=6, num_heads=8,
        dropout_rate=0.0, decoder_start_token_id=0,
    )  # fmt: skip
    return T5ForConditionalGeneration(config).eval().to("cuda" if torch.cuda.is_available() else "cpu")


@dataclass(frozen=True)
class Workload:
    """One catalogue under one design: random histories of three lengths and 101 random candidates for each."""

    builder: SequenceBuilder
    scorer: CandidateScorer
    sequences: list[np.ndarray]
    candidates: list[np.ndarray]

    @classmethod
    def of(cls, model, builder: SequenceBuilder, users: int, seed: int = 0) -> "Workload":
        rng, items = np.random.default_rng(seed), len(builder.texts)
        sequences = [random_history(builder, HISTORY_TOKENS[number % 3], rng) for number in range(users)]
        candidates = [rng.choice(items, size=min(CANDIDATES, items), replace=False) for _ in sequences]
        return cls(builder, CandidateScorer(model, CandidateTrie.build(builder.texts)), sequences, candidates)

    def texts(self, items: np.ndarray) -> list[np.ndarray]:
        return [self.builder.texts.ids_of(item) for item in items]

    def ours(self, user: int, items: np.ndarray) -> tuple[float, np.ndarray]:
        """(seconds, mean log-probability of each text)."""
        start = time.perf_counter()
        sums = self.scorer.log_likelihoods([self.sequences[user]], lambda _: items)[0]
        return time.perf_counter() - start, sums / np.array([len(ids) for ids in self.texts(items)])


def bench(builders: list[SequenceBuilder], users: int, rounds: int, progress: Progress) -> dict:
    """Time the trie scorer against transformers and CTranslate2; the first design is timed, all are checked.

    Everything runs on the device of the model, except that CTranslate2 is always on the CPU.

    Each rival has its best batch size, found on one user beforehand. Its ratio is the median over users of its time
    divided by ours, which is measured anew beside each rival.
    """
    model = small_t5()
    loads = [Workload.of(model, builder, users) for builder in builders]
    first, sentinel = loads[0], builders[0].tokenizer.sentinels[0]
    total = users * len(loads) + min(CATALOGUE_USERS, users)
    with CTranslate2(model, torch.get_num_threads()) as translator:
        methods: dict[str, Rival] = {
            "naive": lambda sequence, texts, batch: _timed(rivals.naive, model, sequence, texts, sentinel, batch),
            "encode_once": lambda *a: _timed(rivals.encode_once, model, a[0], a[1], sentinel, a[2]),
            "ctranslate2": lambda sequence, texts, batch: translator.score(sequence, texts, sentinel, batch),
        }
        progress(0, total, "warming up")
        best = {name: _best_batch(method, first) for name, method in methods.items()}
        first.ours(0, first.candidates[0])
        ratios = {name: np.zeros(users) for name in methods}
        shares, seconds, rates = np.zeros(users), np.zeros(users), np.zeros(users)
        worst, same = 0.0, True
        for user in range(users):
            items = first.candidates[user]
            texts = first.texts(items)
            lengths = np.array([len(ids) for ids in texts])
            ours, theirs, rate = [], {name: [] for name in methods}, []
            for _ in range(rounds):
                for name, method in methods.items():
                    rate.append(gemm_rate(model))
                    spent, scores = first.ours(user, items)
                    ours.append(spent)
                    spent, sums = method(first.sequences[user], texts, best[name])
                    theirs[name].append(spent)
                    worst, same = max(worst, _distance(scores, sums / lengths)), same & _alike(scores, sums / lengths)
            seconds[user], rates[user] = np.median(ours), np.median(rate)
            shares[user] = flops(model.config, first, user) / seconds[user] / rates[user]
            for name in methods:
                ratios[name][user] = np.median(theirs[name]) / seconds[user]
            progress(user + 1, total, "candidates")
        for number, load in enumerate(loads[1:], start=1):
            for user, items in enumerate(load.candidates):
                texts = load.texts(items)
                _, scores = load.ours(user, items)
                means = methods["naive"](load.sequences[user], texts, best["naive"])[1] / list(map(len, texts))
                worst, same = max(worst, _distance(scores, means)), same & _alike(scores, means)
                progress(users * number + user + 1, total, "other orders of attributes")
    everything = np.arange(len(builders[0].texts))
    catalogue = []
    for user in range(min(CATALOGUE_USERS, users)):
        before = first.ours(user, everything)[0]
        rival = methods["encode_once"](first.sequences[user], first.texts(everything), best["encode_once"])[0]
        catalogue.append(rival / np.mean([before, first.ours(user, everything)[0]]))
        progress(users * len(loads) + user + 1, total, "catalogue")
    length = np.arange(users) % 3
    return {
        "users": users,
        "items": len(everything),
        "same_ranking": bool(same),
        "max_abs_diff": worst,
        **{f"ratio_{name}": float(np.median(values)) for name, values in ratios.items()},
        "ratio_catalogue": float(np.median(catalogue)),
        "gemm_share": float(np.median(shares)),
        "gemm_gflops": float(np.median(rates)) / 1e9,
        "seconds_per_user": float(np.median(seconds)),
        "by_history_tokens": {
            str(tokens): {name: float(np.median(values[length == number])) for name, values in ratios.items()}
            for number, tokens in enumerate(HISTORY_TOKENS[:users])
        },
        "best_batch": best,
        "threads": torch.get_num_threads(),
        "device": str(model.device),
    }


def random_history(builder: SequenceBuilder, tokens: int, rng) -> np.ndarray:
    """A random history as a ranking input of about this many tokens; empty where one item is too long."""
    history: list[int] = []
    while len(builder.ranking(history).ids) < tokens - 20 and builder.ranking(history).dropped == 0:
        history.append(int(rng.integers(len(builder.texts))))
    return builder.ranking(history).ids


def _best_batch(method: Rival, load: Workload) -> int:
    middle = 1 % len(load.sequences)
    texts = load.texts(load.candidates[middle])
    method(load.sequences[middle], texts[:8], 8)
    return min(BATCHES, key=lambda batch: method(load.sequences[middle], texts, batch)[0])


def _timed(function: Callable, *arguments) -> tuple[float, np.ndarray]:
    start = time.perf_counter()
    result = function(*arguments)
    return time.perf_counter() - start, result


def _distance(ours: np.ndarray, theirs: np.ndarray) -> float:
    return float(np.abs(ours - theirs).max())


def _alike(ours: np.ndarray, theirs: np.ndarray) -> bool:
    """Whether both rank alike, where candidates closer than the tolerance may change places."""
    order = np.argsort(-theirs, kind="stable")
    return bool((np.diff(ours[order]) <= 2 * TOLERANCE).all())


def flops(config: T5Config, load: Workload, user: int) -> float:
    """Multiplications and additions that the trie scorer needs for one user, linear layers and attention."""
    inner, model, tokens = config.num_heads * config.d_kv, config.d_model, len(load.sequences[user])
    trie = load.scorer.trie
    rows = len(trie.above(np.unique(trie.terminal[load.candidates[user]])))
    encoder = config.num_layers * (4 * model * inner + 2 * model * config.d_ff + 2 * tokens * inner) * tokens
    memory = config.num_decoder_layers * 2 * model * inner * tokens
    layer = 4 * model * inner + 2 * model * inner + 2 * model * config.d_ff + 2 * tokens * inner
    return 2.0 * (encoder + memory + rows * (config.num_decoder_layers * layer + model * config.vocab_size))


def gemm_rate(model: T5ForConditionalGeneration, rows: int = 1500) -> float:
    """Operations per second of plain matrix products of the decoder's shapes, best of five."""
    config = model.config
    state = torch.randn(rows, config.d_model, device=model.device)
    widths = (config.d_model, config.d_ff, config.vocab_size // 8)
    weights = [torch.randn(config.d_model, width, device=model.device) for width in widths]
    best = np.inf
    for _ in range(5):
        start = time.perf_counter()
        for weight in weights:
            result = state @ weight
        result[0, 0].item()  # waits for a device to finish
        best = min(best, time.perf_counter() - start)
    return 2.0 * rows * config.d_model * sum(weight.shape[1] for weight in weights) / best
