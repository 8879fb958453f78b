"""UPSR: candidates ranked by the likelihood of their text given the text of the history (paper, section 3.4)."""

from collections.abc import Callable, Sequence
from copy import copy
from functools import cached_property

import numpy as np

from upsr_core.datasets.store import Dataset
from upsr_core.likelihood.candidate_scorer import CandidateScorer
from upsr_core.likelihood.scores import ScoreSpec
from upsr_core.likelihood.topk import CandidateSearch
from upsr_core.likelihood.trie import stored_trie
from upsr_core.models.base import Items
from upsr_core.text.design import Design
from upsr_core.text.prompt import SequenceBuilder
from upsr_core.text.text_cache import texts_of
from upsr_core.text.tokenizer import TextTokenizer


class Upsr:
    """A T5 with the texts of one catalogue under the fine-tuning stage of a design.

    `prior` (n_items,) are the log priors of `likelihood.score.prior_of`; only the score `posterior` needs them.
    """

    def __init__(
        self, model, tokenizer: TextTokenizer, dataset: Dataset, design: Design, score: ScoreSpec,
        prior: np.ndarray | None = None,
    ):  # fmt: skip
        if prior is None and score.name == "posterior":
            raise ValueError("the score posterior needs priors")
        self.prior = np.zeros(len(dataset.items)) if prior is None else prior
        self.texts = texts_of(dataset, design.finetune, tokenizer)
        self.builder = SequenceBuilder(design, self.texts)
        self.scorer = CandidateScorer(model, stored_trie(self.texts, dataset.digest))
        self.score = score
        self.tokens = np.diff(self.texts.offsets)

    def reading_with(self, model) -> "Upsr":
        """A copy with a model of the same kind, and the threads that torch has now."""
        other = copy(self)
        other.scorer = CandidateScorer(model, self.scorer.trie)
        other.__dict__.pop("search", None)
        return other

    def log_likelihoods(
        self, histories: Sequence[np.ndarray], items: Items, report: Callable[[int], None] | None = None
    ) -> list[np.ndarray]:
        """Sums of log P(token | history, earlier tokens) over each candidate's text (c,)."""
        sequences = [self.builder.ranking(history).ids for history in histories]
        return self.scorer.log_likelihoods(sequences, items, report)

    def top(self, history: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray, str]:
        """The k best items of the catalogue without those of the history: (items, scores, how they were found)."""
        everything = np.arange(len(self.tokens))
        if self.score.name == "perplexity":
            sequence = self.builder.ranking(history).ids
            items, scores, cost = self.search.top(sequence, k, without=history)
            return items, scores, cost.note
        allowed = np.setdiff1d(everything, history)
        scores = self.scores([history], lambda _: allowed)[0]
        best = np.lexsort([allowed, -scores])[:k]
        return (
            allowed[best],
            scores[best],
            f"Exact: all {len(allowed):,} texts were scored; only perplexity has bounds.",
        )

    @cached_property
    def search(self) -> CandidateSearch:
        """The search over the whole catalogue."""
        return CandidateSearch(self.scorer, np.arange(len(self.tokens)))

    def unconditional(self, items: np.ndarray) -> np.ndarray:
        """Sums of log P(token | empty history, earlier tokens) of these items (c,)."""
        return self.log_likelihoods([np.zeros(0, dtype=np.int64)], lambda _: items)[0]

    def token_costs(self) -> np.ndarray:
        """-log P of every text token of the catalogue without a history, in the order of `texts.ids` (n_tokens,)."""
        empty = self.builder.ranking(np.zeros(0, dtype=np.int64)).ids
        _, found = next(self.scorer.token_log_probs([empty], lambda _: np.arange(len(self.tokens))))
        return -found.values

    def scores(self, histories: Sequence[np.ndarray], items: Items) -> list[np.ndarray]:
        logprobs = self.log_likelihoods(histories, items)
        base = np.zeros(len(self.tokens))
        if self.score.compares:
            wanted = np.unique(np.concatenate([items(row) for row in range(len(histories))]))
            base[wanted] = self.unconditional(wanted)
        return [
            self.score.apply(logprob, *(part[items(row)] for part in (self.tokens, base, self.prior)))
            for row, logprob in enumerate(logprobs)
        ]
