"""The benchmark of likelihood scoring: ratios against named rivals, taken in one run, interleaved."""

import time
from collections.abc import Callable

import numpy as np
import torch
from transformers import T5Config, T5ForConditionalGeneration

from upsr_core.likelihood import rivals
from upsr_core.likelihood.scorer import CandidateScorer
from upsr_core.likelihood.trie import CandidateTrie
from upsr_core.runtime import Progress
from upsr_core.text.sequence import SequenceBuilder

HISTORY_TOKENS = (70, 160, 512)
BATCHES = (8, 16, 32, 101)
CANDIDATES = 101
CATALOGUE_USERS = 2


def small_t5(vocabulary: int = 32128) -> T5ForConditionalGeneration:
    """T5-small's geometry with random weights: speed does not depend on what was learned."""
    torch.manual_seed(0)
    config = T5Config(
        vocab_size=vocabulary, d_model=512, d_kv=64, d_ff=2048, num_layers=6, num_heads=8,
        dropout_rate=0.0, decoder_start_token_id=0,
    )  # fmt: skip
    return T5ForConditionalGeneration(config).eval()


def bench(builder: SequenceBuilder, users: int, rounds: int, progress: Progress, seed: int = 0) -> dict:
    """Time the trie scorer against transformers on random histories of three lengths over a real catalogue.

    Each rival has its best batch size, found on one user beforehand. Ratios are medians over users of the rival's
    time divided by ours, each the best of `rounds` interleaved measurements.
    """
    rng = np.random.default_rng(seed)
    model, texts = small_t5(), builder.texts
    scorer = CandidateScorer(model, CandidateTrie.build(texts))
    sentinel = texts.tokenizer.sentinels[0]
    count = len(texts)
    sequences = [_history(builder, HISTORY_TOKENS[number % 3], rng) for number in range(users)]
    candidates = [rng.choice(count, size=min(CANDIDATES, count), replace=False) for _ in sequences]

    def ours(row: int, items: np.ndarray) -> np.ndarray:
        return scorer.log_likelihoods([sequences[row]], lambda _: items)[0]

    def theirs(function: Callable, batch: int) -> Callable:
        return lambda row, items: function(model, sequences[row], [texts.ids_of(i) for i in items], sentinel, batch)

    ours(0, candidates[0])
    best = {
        name: min(BATCHES, key=lambda size, f=function: _timed(theirs(f, size), 1, candidates[1])[0])
        for name, function in (("naive", rivals.naive), ("encode_once", rivals.encode_once))
    }
    methods = {"ours": ours} | {name: theirs(getattr(rivals, name), size) for name, size in best.items()}
    times = {name: np.full(users, np.inf) for name in methods}
    worst, same = 0.0, 0
    for row in range(users):
        results = {}
        for _ in range(rounds):
            for name, method in methods.items():
                seconds, results[name] = _timed(method, row, candidates[row])
                times[name][row] = min(times[name][row], seconds)
        lengths = np.array([len(texts.ids_of(i)) for i in candidates[row]])
        means = {name: sums / lengths for name, sums in results.items()}
        worst = max(worst, float(np.abs(means["ours"] - means["naive"]).max()))
        same += _same_ranking(means["ours"], means["naive"])
        progress(row + 1, users + CATALOGUE_USERS, "candidates")
    ratios = []
    for row in range(min(CATALOGUE_USERS, users)):
        everything = np.arange(count)
        rival = _timed(methods["encode_once"], row, everything)[0]
        ratios.append(rival / _timed(ours, row, everything)[0])
        progress(users + row + 1, users + CATALOGUE_USERS, "catalogue")
    rate = gemm_rate(model.config)
    work = np.array([flops(model.config, scorer, sequences[row], candidates[row]) for row in range(users)])
    return {
        "users": users,
        "items": count,
        "same_ranking": same == users,
        "max_abs_diff": worst,
        "ratio_naive": float(np.median(times["naive"] / times["ours"])),
        "ratio_encode_once": float(np.median(times["encode_once"] / times["ours"])),
        "ratio_catalogue": float(np.median(ratios)),
        "gemm_share": float(np.median(work / times["ours"]) / rate),
        "gemm_gflops": rate / 1e9,
        "seconds_per_user": float(np.median(times["ours"])),
        "best_batch": best,
        "threads": torch.get_num_threads(),
        "device": str(model.device),
    }


def _history(builder: SequenceBuilder, tokens: int, rng) -> np.ndarray:
    """A random history as a ranking input of about this many tokens."""
    history: list[int] = []
    while len(builder.ranking(history).ids) < tokens - 20 and builder.ranking(history).dropped == 0:
        history.append(int(rng.integers(len(builder.texts))))
    return builder.ranking(history).ids


def _timed(method, row: int, items: np.ndarray):
    start = time.perf_counter()
    result = method(row, items)
    return time.perf_counter() - start, result


def _same_ranking(ours: np.ndarray, theirs: np.ndarray, tolerance: float = 1e-5) -> bool:
    """Whether both rank alike, where candidates closer than the tolerance may change places."""
    order = np.argsort(-theirs, kind="stable")
    return bool((np.diff(ours[order]) <= 2 * tolerance).all())


def flops(config: T5Config, scorer: CandidateScorer, sequence: np.ndarray, items: np.ndarray) -> float:
    """Multiplications and additions that the trie scorer needs for one user, linear layers and attention."""
    inner, model, tokens = config.num_heads * config.d_kv, config.d_model, len(sequence)
    rows = len(scorer.trie.above(np.unique(scorer.trie.terminal[items])))
    encoder = config.num_layers * (4 * model * inner + 2 * model * config.d_ff + 2 * tokens * inner) * tokens
    memory = config.num_decoder_layers * 2 * model * inner * tokens
    layer = 4 * model * inner + 2 * model * inner + 2 * model * config.d_ff + 2 * tokens * inner
    return 2.0 * (encoder + memory + rows * (config.num_decoder_layers * layer + model * config.vocab_size))


def gemm_rate(config: T5Config, rows: int = 1500) -> float:
    """Operations per second of plain matrix products of the decoder's shapes, best of five."""
    state = torch.randn(rows, config.d_model)
    weights = [torch.randn(config.d_model, width) for width in (config.d_model, config.d_ff, config.vocab_size // 8)]
    best = np.inf
    for _ in range(5):
        start = time.perf_counter()
        for weight in weights:
            state @ weight
        best = min(best, time.perf_counter() - start)
    return 2.0 * rows * config.d_model * sum(weight.shape[1] for weight in weights) / best
