"""The likelihood of any texts by themselves, given no history: what the perplexity of a text is."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from upsr_core.likelihood.candidate_scorer import CandidateScorer, TokenLogProbs
from upsr_core.likelihood.trie import CandidateTrie
from upsr_core.text.tokenizer import TextTokenizer

if TYPE_CHECKING:
    from transformers import T5ForConditionalGeneration

LONGEST = 512  # tokens of a text that are scored


def text_log_probs(
    model: "T5ForConditionalGeneration", tokenizer: TextTokenizer, texts: Sequence[str]
) -> TokenLogProbs:
    """log P of every token of each text, where the encoder sees a mask and nothing else.

    The input is `<extra_id_0> </s>` and the target `<extra_id_0> text`, the form that masked item text prediction has
    too.

    Parameters
    ----------
    model : T5ForConditionalGeneration
        Any T5.
    tokenizer, texts
        The texts, and what makes tokens of them; the first 512 tokens of a text are scored.

    Raises
    ------
    ValueError
        A text has no tokens.
    """
    encoded = [ids[:LONGEST] for ids, _ in tokenizer.encode_with_offsets(list(texts))]
    lengths = np.array([len(ids) for ids in encoded])
    if not lengths.all():
        raise ValueError(f"text {int(np.flatnonzero(lengths == 0)[0])} has no tokens")
    ids = np.concatenate([np.array(ids, dtype=np.int32) for ids in encoded])
    trie = CandidateTrie.of_tokens(ids, np.concatenate([[0], np.cumsum(lengths)]), tokenizer.sentinels[0])
    mask = np.array([tokenizer.sentinels[0], tokenizer.end])
    [(_, found)] = CandidateScorer(model, trie).token_log_probs([mask], lambda _: np.arange(len(texts)))
    return found


def mean_log_probs(model: "T5ForConditionalGeneration", tokenizer: TextTokenizer, texts: Sequence[str]) -> np.ndarray:
    """Mean log P per token of each text, (n,) in nats, see `text_log_probs`; exp of its negative is the perplexity."""
    found = text_log_probs(model, tokenizer, texts)
    return found.sums() / np.diff(found.offsets)
