import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import T5Config, T5ForConditionalGeneration

from upsr_core.likelihood.reference import reference_log_likelihood
from upsr_core.likelihood.scorer import CandidateScorer
from upsr_core.likelihood.trie import CandidateTrie
from upsr_core.plm.door import load_tokenizer
from upsr_core.text.design import Design, ItemDesign
from upsr_core.text.render import ItemTexts
from upsr_core.text.sequence import SequenceBuilder


def small_t5(gated: bool):
    torch.manual_seed(1)
    config = T5Config(
        vocab_size=8192, d_model=32, d_kv=8, num_heads=4, num_layers=2, d_ff=64, dropout_rate=0.0,
        decoder_start_token_id=0, feed_forward_proj="gated-gelu" if gated else "relu", tie_word_embeddings=not gated,
    )  # fmt: skip
    return T5ForConditionalGeneration(config).eval()


def setup(titles, model, **options):
    design = Design(finetune=ItemDesign.of("title"))
    items = pd.DataFrame({"item_id": [str(i) for i in range(len(titles))], "title": titles})
    texts = ItemTexts(design.finetune, items, load_tokenizer("embedded"))
    return CandidateScorer(model, CandidateTrie.build(texts), **options), SequenceBuilder(design, texts)


def reference(model, builder, sequence, items):
    sentinel = builder.tokenizer.sentinels[0]
    return np.array([reference_log_likelihood(model, sequence, sentinel, builder.texts.ids_of(i)) for i in items])


TITLES = ["a", "a b", "a b c", "Red drum", "Red drum", "Red drum of the north", "日本", "", "Volume 1", "Volume 2"]


@pytest.mark.parametrize("gated", [False, True], ids=["v1.0", "v1.1"])
def test_equals_the_reference(gated):
    model = small_t5(gated)
    scorer, builder = setup(TITLES, model)
    histories = [[], [0], [1, 2, 3], list(range(10)) * 3]
    sequences = [builder.ranking(history).ids for history in histories]
    everything = np.arange(len(TITLES))
    for sequence, scores in zip(sequences, scorer.log_likelihoods(sequences, lambda _: everything), strict=True):
        np.testing.assert_allclose(scores, reference(model, builder, sequence, everything), atol=2e-4, rtol=1e-6)
        assert scores[3] == scores[4], "identical texts must tie exactly"


words = st.text(alphabet="abc 日é", max_size=12)


@settings(max_examples=15, deadline=None)
@given(titles=st.lists(words, min_size=1, max_size=8), data=st.data())
def test_any_texts_any_subset_any_chunks(titles, data):
    model = _MODEL
    chosen = np.array(data.draw(st.lists(st.integers(0, len(titles) - 1), min_size=1, max_size=8)))
    history = data.draw(st.lists(st.integers(0, len(titles) - 1), max_size=5))
    scorer, builder = setup(titles, model, budget=data.draw(st.sampled_from([1, 10**7, 10**9])))
    sequence = builder.ranking(history).ids
    scores = scorer.log_likelihoods([sequence], lambda _: chosen)[0]
    np.testing.assert_allclose(scores, reference(model, builder, sequence, chosen), atol=2e-4, rtol=1e-6)


_MODEL = small_t5(gated=False)


def test_batch_composition_changes_nothing():
    scorer, builder = setup(TITLES, _MODEL)
    sequences = [builder.ranking(history).ids for history in ([0], [1, 2, 3], list(range(10)))]
    together = scorer.log_likelihoods(sequences, lambda _: np.arange(10))
    for sequence, scores in zip(sequences, together, strict=True):
        alone = scorer.log_likelihoods([sequence], lambda _: np.arange(10))[0]
        np.testing.assert_allclose(alone, scores, atol=1e-4)
