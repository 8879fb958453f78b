"""The benchmark of likelihood scoring: ratios against named rivals, taken in one run, interleaved."""

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch
from transformers import T5Config, T5ForConditionalGeneration

from upsr_core.likelihood.candidate_scorer import CandidateScorer
from upsr_core.likelihood.trie import CandidateTrie
from upsr_core.runtime import Progress
from upsr_core.text.prompt import SequenceBuilder
from workshop.benchmarks import transformers_rivals
from workshop.benchmarks.ctranslate2_rival import CTranslate2

# Encoder tokens of a history; with them naive scoring costs 1.4 TFLOP a user on average.
HISTORY_TOKENS = (70, 260, 512)
BATCHES = (8, 16, 32, 101)
CANDIDATES = 101
RIVAL_SHARE = 0.1  # of the catalogue, for transformers: it costs the same for every batch, and would take an hour
TOLERANCE = 1e-5

Rival = Callable[[np.ndarray, list[np.ndarray], int], tuple[float, np.ndarray]]


def small_t5(vocabulary: int = 32128) -> T5ForConditionalGeneration:
    """T5-small's geometry with random weights: speed does not depend on what was learned."""
    torch.manual_seed(0)
    config = T5Config(
        vocab_size=vocabulary, d_model=512, d_kv=64, d_ff=2048, num_layers=6, num_heads=8,
        dropout_rate=0.0,
    )  # fmt: skip
    config.decoder_start_token_id = 0
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

    Each rival has its best batch size, found on one user beforehand. Its ratio is the median over users of its time
    divided by ours, which is measured anew beside each rival. `ratio_catalogue` takes the whole catalogue for two
    users; transformers scores a random tenth of it (`catalogue_rival_share`) and its time is scaled. Everything runs
    on the device of the model, except that CTranslate2 is always on the CPU.
    """
    model = small_t5()
    loads = [Workload.of(model, builder, users) for builder in builders]
    sentinel = builders[0].tokenizer.sentinels[0]
    with CTranslate2(model, torch.get_num_threads()) as translator:
        methods: dict[str, Rival] = {
            "naive": lambda sequence, texts, batch: _timed(
                transformers_rivals.naive, model, sequence, texts, sentinel, batch
            ),
            "encode_once": lambda *a: _timed(transformers_rivals.encode_once, model, a[0], a[1], sentinel, a[2]),
            "ctranslate2": lambda sequence, texts, batch: translator.score(sequence, texts, sentinel, batch),
        }
        progress(0, users, "warming up: users")
        best = {name: _best_batch(method, loads[0]) for name, method in methods.items()}
        loads[0].ours(0, loads[0].candidates[0])
        timed = _time_users(loads[0], methods, best, rounds, progress)
    checked = [_check(load, methods["naive"], best["naive"], progress) for load in loads[1:]]
    ratios = timed[list(methods)].div(timed.seconds, axis=0)
    return {
        "users": users,
        "same_ranking": bool(timed.alike.all() and all(alike for _, alike in checked)),
        "max_abs_diff": float(max(timed.distance.max(), *(distance for distance, _ in checked), 0.0)),
        **{f"ratio_{name}": float(value) for name, value in ratios.median().items()},
        **_time_catalogue(loads[0], methods["encode_once"], best["encode_once"], progress),
        "gemm_share": float(timed.gemm_share.median()),
        "gemm_gflops": float(timed.gemm_rate.median()) / 1e9,
        "seconds_per_user": float(timed.seconds.median()),
        "by_history_tokens": {
            str(HISTORY_TOKENS[number]): group.median().round(3).to_dict()
            for number, group in ratios.groupby(np.arange(users) % len(HISTORY_TOKENS))
        },
        "best_batch": best,
        "threads": torch.get_num_threads(),
        "device": str(model.device),
    }


def _time_users(
    load: Workload, methods: dict[str, Rival], best: dict[str, int], rounds: int, progress: Progress
) -> pd.DataFrame:
    """One row per user: seconds of ours and of each rival (medians), matrix rate, share of it, agreement."""
    table = []
    for user, items in enumerate(load.candidates):
        texts, measured = load.texts(items), []
        lengths = np.array([len(ids) for ids in texts])
        for name in list(methods) * rounds:
            rate = gemm_rate(load.scorer.model)
            seconds, scores = load.ours(user, items)
            theirs, sums = methods[name](load.sequences[user], texts, best[name])
            agreement = {"distance": _distance(scores, sums / lengths), "alike": _alike(scores, sums / lengths)}
            measured.append({"seconds": seconds, "gemm_rate": rate, name: theirs, **agreement})
        measured = pd.DataFrame(measured)
        row = measured.drop(columns=["distance", "alike"]).median()
        share = flops(load.scorer.model.config, load, user) / row.seconds / row.gemm_rate
        agreement = {"distance": measured.distance.max(), "alike": measured.alike.all()}
        table.append({**row, "gemm_share": share, **agreement})
        progress(user + 1, len(load.candidates), "timed: users")
    return pd.DataFrame(table)


def _check(load: Workload, naive: Rival, batch: int, progress: Progress) -> tuple[float, bool]:
    """(largest difference of a score, whether every user has the same ranking) against the plain way."""
    worst, alike = 0.0, True
    for user, items in enumerate(load.candidates):
        texts = load.texts(items)
        means = naive(load.sequences[user], texts, batch)[1] / np.array([len(ids) for ids in texts])
        _, scores = load.ours(user, items)
        worst, alike = max(worst, _distance(scores, means)), alike and _alike(scores, means)
        progress(user + 1, len(load.candidates), "other order of attributes: users")
    return worst, alike


def _time_catalogue(load: Workload, encode_once: Rival, batch: int, progress: Progress) -> dict:
    """Every item for a user with a middle and one with a long history."""
    everything = np.arange(len(load.builder.texts))
    some = np.random.default_rng(1).choice(everything, size=max(1, round(RIVAL_SHARE * len(everything))), replace=False)
    _, text_of = np.unique(load.scorer.trie.terminal, return_inverse=True)
    ratios, tied = {}, True
    for done, user in enumerate((1, 2), start=1):
        before, scores = load.ours(user, everything)
        seconds = encode_once(load.sequences[user], load.texts(some), batch)[0] * len(everything) / len(some)
        after, _ = load.ours(user, everything)
        ratios[str(HISTORY_TOKENS[user])] = float(seconds / np.mean([before, after]))
        tied = tied and bool((pd.Series(scores).groupby(text_of).nunique() == 1).all())
        progress(done, 2, "whole catalogue: users")
    return {
        "items": len(everything),
        "ratio_catalogue": float(np.median(list(ratios.values()))),
        "catalogue_by_history_tokens": ratios,
        "catalogue_rival_share": len(some) / len(everything),
        "duplicates": len(everything) - int(text_of.max()) - 1,
        "duplicates_tied": tied,
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
    trie, layers = load.scorer.trie, config.num_decoder_layers or config.num_layers
    rows = len(trie.above(np.unique(trie.terminal[load.candidates[user]])))
    encoder = config.num_layers * (4 * model * inner + 2 * model * config.d_ff + 2 * tokens * inner) * tokens
    memory = layers * 2 * model * inner * tokens
    layer = 4 * model * inner + 2 * model * inner + 2 * model * config.d_ff + 2 * tokens * inner
    return 2.0 * (encoder + memory + rows * (layers * layer + model * config.vocab_size))


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
