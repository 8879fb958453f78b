"""Small T5s with random weights in every layout, and a scorer over a few titles."""

import numpy as np
import pandas as pd
import torch
from hypothesis import strategies as st
from transformers import T5Config, T5ForConditionalGeneration

from upsr_core.likelihood.candidate_scorer import CandidateScorer
from upsr_core.likelihood.reference import reference_log_likelihood
from upsr_core.likelihood.trie import CandidateTrie
from upsr_core.plm.loading import load_tokenizer
from upsr_core.text.design import Design, ItemDesign
from upsr_core.text.prompt import SequenceBuilder
from upsr_core.text.render import ItemTexts

TITLES = ["a", "a b", "a b c", "Red drum", "Red drum", "Red drum of the north", "日本", "", "Volume 1", "Volume 2"]
titles_of_any_kind = st.lists(st.text(alphabet="abc 日é", max_size=12), min_size=1, max_size=8)


def small_t5(gated: bool = False, sharp: float = 1.0) -> T5ForConditionalGeneration:
    """T5 v1.0, or v1.1 with `gated`; `sharp` scales what it predicts, so that its bounds differ."""
    torch.manual_seed(1)
    config = T5Config(
        vocab_size=8192, d_model=32, d_kv=8, num_heads=4, num_layers=2, num_decoder_layers=3, d_ff=64,
        dropout_rate=0.0, decoder_start_token_id=0, feed_forward_proj="gated-gelu" if gated else "relu",
        tie_word_embeddings=not gated, scale_decoder_outputs=not gated,
    )  # fmt: skip
    model = T5ForConditionalGeneration(config).eval()
    with torch.no_grad():
        model.decoder.final_layer_norm.weight.mul_(sharp)
    return model


def texts_of(titles: list[str]) -> ItemTexts:
    items = pd.DataFrame({"item_id": [str(i) for i in range(len(titles))], "title": titles})
    return ItemTexts(ItemDesign.of("title"), items, load_tokenizer("embedded"))


def scorer_and_builder(titles, model, **options) -> tuple[CandidateScorer, SequenceBuilder]:
    texts = texts_of(titles)
    builder = SequenceBuilder(Design(finetune=texts.design), texts)
    return CandidateScorer(model, CandidateTrie.build(texts), **options), builder


def reference(model, builder, sequence, items) -> np.ndarray:
    """Sums of log-probabilities by transformers alone (c,)."""
    sentinel = builder.tokenizer.sentinels[0]
    return np.array([reference_log_likelihood(model, sequence, sentinel, builder.texts.ids_of(i)) for i in items])
