import numpy as np
import pytest
from scored_texts import TITLES, reference, scorer_and_builder, small_t5, texts_of

from upsr_core.text.design import Design
from upsr_core.text.prompt import SequenceBuilder
from workshop.benchmarks import likelihood, likelihood_growth, topk, transformers_rivals
from workshop.benchmarks.ctranslate2_rival import CTranslate2

MODEL = small_t5()


def sums(model, method) -> tuple[np.ndarray, np.ndarray]:
    """What a rival gives for all titles, and the reference."""
    _, builder = scorer_and_builder(TITLES, model)
    sequence, sentinel = builder.ranking([1, 2]).ids, builder.tokenizer.sentinels[0]
    texts = [builder.texts.ids_of(i) for i in range(len(TITLES))]
    return method(model, sequence, texts, sentinel, 4), reference(model, builder, sequence, np.arange(len(TITLES)))


@pytest.mark.parametrize("rival", [transformers_rivals.naive, transformers_rivals.encode_once])
def test_rivals_compute_what_the_reference_does(rival):
    np.testing.assert_allclose(*sums(MODEL, rival), atol=1e-3)


def test_ctranslate2_computes_what_the_reference_does():
    pytest.importorskip("ctranslate2", reason="CTranslate2 is a rival of the benchmark only: pip install -e '.[bench]'")
    with CTranslate2(MODEL, threads=1) as translator:
        np.testing.assert_allclose(*sums(MODEL, lambda _, *a: translator.score(*a)[1]), atol=1e-3)


def test_same_ranking_forgives_rounding_and_nothing_else():
    scores = np.array([-1.0, -2.0, -3.0])
    assert likelihood._alike(scores, scores + 1e-6)
    assert likelihood._alike(np.array([-1.0, -1.000001]), np.array([-1.000001, -1.0]))
    assert not likelihood._alike(scores, scores[::-1])


def test_growth_measures_rows_time_and_memory(monkeypatch):
    monkeypatch.setattr(likelihood_growth, "CANDIDATES", (1, 3))
    monkeypatch.setattr(likelihood_growth, "USERS", (1, 3))
    monkeypatch.setattr(likelihood_growth, "HISTORY_TOKENS", (40, 120))
    _, builder = scorer_and_builder(TITLES, MODEL)
    measured = likelihood_growth.growth(MODEL, builder, 10**8, lambda *_: None)
    assert measured.groupby("axis").size().to_dict() == {"candidates": 3, "users": 2, "history tokens": 2}
    users = measured[measured.axis == "users"]
    assert users.rows.iloc[1] == 3 * users.rows.iloc[0] and (measured.seconds > 0).all()
    assert likelihood_growth.summary(measured, 10**8)["memory_share"] < 1


def test_memory_that_is_taken_for_a_moment_is_seen():
    def take() -> None:
        block = np.ones(30 * 2**20 // 8)
        for _ in range(20):
            block += 1

    _, peak = likelihood_growth.peak_memory(take)
    assert 28 < peak / 2**20 < 60


def test_search_is_measured_against_plain_scoring():
    scorer, builder = scorer_and_builder(TITLES, MODEL)
    histories = [np.array([1]), np.array([2, 3])]
    sequences = [builder.ranking(history).ids for history in histories]
    candidates = [np.array([5, 0, 8, 9]), np.array([0, 6, 7])]
    table = topk.search_against_plain(scorer, sequences, histories, candidates, lambda *_: None, whole=1)
    report = topk.summary(table)
    assert report["users"] == 2 and report["top10_equal"] and report["rank_equal"]
    assert table["rank"].between(1, 4).all() and table.plain_seconds.notna().sum() == 1


def test_a_history_of_about_so_many_tokens():
    texts = texts_of(["Red drum of the north"] * 3)
    builder = SequenceBuilder(Design(finetune=texts.design), texts)
    for tokens in (70, 260, 512):
        found = len(likelihood.random_history(builder, tokens, np.random.default_rng(0)))
        assert tokens - 25 <= found <= min(tokens + 15, 512)
