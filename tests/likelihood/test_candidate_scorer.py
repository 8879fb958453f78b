import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scored_texts import TITLES, reference, scorer_and_builder, small_t5, titles_of_any_kind

from upsr_core.likelihood import t5_layers

MODELS = {"v1.0": small_t5(), "v1.1": small_t5(gated=True)}
EVERYTHING = np.arange(len(TITLES))


@pytest.mark.parametrize("layout", MODELS)
def test_equals_the_reference(layout):
    model = MODELS[layout]
    scorer, builder = scorer_and_builder(TITLES, model)
    histories = [[], [0], [1, 2, 3], list(range(10)) * 3]
    sequences = [builder.ranking(history).ids for history in histories]
    for sequence, scores in zip(sequences, scorer.log_likelihoods(sequences, lambda _: EVERYTHING), strict=True):
        np.testing.assert_allclose(scores, reference(model, builder, sequence, EVERYTHING), atol=2e-4, rtol=1e-6)
        assert scores[3] == scores[4], "identical texts must tie exactly"


@settings(max_examples=25, deadline=None)
@given(titles=titles_of_any_kind, layout=st.sampled_from(list(MODELS)), data=st.data())
def test_any_texts_any_candidates_any_budget(titles, layout, data):
    item = st.integers(0, len(titles) - 1)
    candidates = [np.array(data.draw(st.lists(item, max_size=8)), dtype=np.int64) for _ in range(2)]
    histories = [data.draw(st.lists(item, max_size=5)) for _ in range(2)]
    scorer, builder = scorer_and_builder(titles, MODELS[layout], budget=data.draw(st.sampled_from([1, 10**7, 10**9])))
    sequences = [builder.ranking(history).ids for history in histories]
    for sequence, chosen, scores in zip(
        sequences, candidates, scorer.log_likelihoods(sequences, candidates.__getitem__), strict=True
    ):
        expected = reference(MODELS[layout], builder, sequence, chosen)
        np.testing.assert_allclose(scores, expected, atol=2e-4, rtol=1e-6)


def test_every_token_has_its_log_probability():
    model = MODELS["v1.0"]
    scorer, builder = scorer_and_builder(TITLES, model)
    sequence = builder.ranking([1, 5]).ids
    [(position, found)] = scorer.token_log_probs([sequence], lambda _: EVERYTHING)
    assert position == 0
    for item in range(len(TITLES)):
        ids = builder.texts.ids_of(item)
        values = found.values[found.offsets[item] : found.offsets[item + 1]]
        labels = torch.as_tensor([[builder.tokenizer.sentinels[0], *ids]])
        with torch.inference_mode():
            logits = model(input_ids=torch.as_tensor(sequence)[None], labels=labels).logits[0]
        expected = torch.log_softmax(logits, dim=-1)[torch.arange(1, len(ids) + 1), labels[0, 1:]]
        np.testing.assert_allclose(values, expected.numpy(), atol=1e-4)


def test_batch_composition_and_order_change_nothing():
    scorer, builder = scorer_and_builder(TITLES, MODELS["v1.0"])
    sequences = [builder.ranking(history).ids for history in ([0], [1, 2, 3], list(range(10)))]
    together = scorer.log_likelihoods(sequences, lambda _: EVERYTHING)
    for sequence, scores in zip(sequences, together, strict=True):
        alone = scorer.log_likelihoods([sequence], lambda _: EVERYTHING[::-1])[0]
        np.testing.assert_allclose(alone[::-1], scores, atol=1e-4)


def test_many_rows_in_threads_equal_the_reference(monkeypatch):
    """More rows than a block, a task and a thread take."""
    words = ["red", "blue", "old", "new", "drum", "flute", "north", "south"]
    rng = np.random.default_rng(0)
    titles = [" ".join(rng.choice(words, size=rng.integers(1, 8))) for _ in range(120)]
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    scorer, builder = scorer_and_builder(titles, MODELS["v1.0"])
    scorer.rows = 90
    sequences = [builder.ranking([3, 4]).ids, builder.ranking([]).ids]
    chosen = np.arange(120)
    for sequence, scores in zip(sequences, scorer.log_likelihoods(sequences, lambda _: chosen), strict=True):
        np.testing.assert_allclose(scores, reference(MODELS["v1.0"], builder, sequence, chosen), atol=5e-4, rtol=1e-6)
    assert torch.get_num_threads() == scorer.threads == 2
    torch.set_num_threads(before)


@pytest.mark.parametrize("scale", [1e4, 1e-4], ids=["huge logits", "tiny logits"])
def test_large_logits_do_not_overflow(scale):
    """Where exp of a logit would overflow or vanish, the normaliser is taken with the largest logit subtracted."""
    model = small_t5(sharp=scale)
    scorer, builder = scorer_and_builder(TITLES, model)
    sequence = builder.ranking([0, 3]).ids
    scores = scorer.log_likelihoods([sequence], lambda _: EVERYTHING)[0]
    np.testing.assert_allclose(scores, reference(model, builder, sequence, EVERYTHING), rtol=1e-5, atol=1e-3)


def test_half_precision_is_near_single():
    single, half = small_t5(), small_t5().to(torch.bfloat16)
    scorer, builder = scorer_and_builder(TITLES, half)
    sequence = builder.ranking([0, 3]).ids
    scores = scorer.log_likelihoods([sequence], lambda _: EVERYTHING)[0]
    np.testing.assert_allclose(scores, reference(single, builder, sequence, EVERYTHING), rtol=0.02)


def test_a_changed_weight_counts_at_once():
    """A model in training is validated with one scorer: nothing of its weights may be kept."""
    model = small_t5()
    scorer, builder = scorer_and_builder(TITLES, model)
    sequence = builder.ranking([0, 3]).ids
    scorer.log_likelihoods([sequence], lambda _: EVERYTHING)
    with torch.no_grad():
        model.decoder.block[1].layer[0].SelfAttention.v.weight.mul_(3.0)
    scores = scorer.log_likelihoods([sequence], lambda _: EVERYTHING)[0]
    np.testing.assert_allclose(scores, reference(model, builder, sequence, EVERYTHING), atol=2e-4, rtol=1e-6)


def test_the_head_in_small_chunks_is_the_same(monkeypatch):
    scorer, builder = scorer_and_builder(TITLES, MODELS["v1.0"])
    sequence = builder.ranking([2]).ids
    whole = scorer.log_likelihoods([sequence], lambda _: EVERYTHING)[0]
    monkeypatch.setattr(t5_layers, "HEAD_CELLS", 1)
    np.testing.assert_allclose(scorer.log_likelihoods([sequence], lambda _: EVERYTHING)[0], whole, atol=1e-4)
