"""UPSR at work: a T5, and the texts of one catalogue under the fine-tuning stage of a design."""

from collections.abc import Callable, Sequence
from copy import copy
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from upsr_core.datasets.store import Dataset
from upsr_core.evaluation.borrowed import SharedCandidates
from upsr_core.evaluation.candidates import Candidates
from upsr_core.evaluation.metrics import rank_table
from upsr_core.likelihood.candidate_scorer import CandidateScorer
from upsr_core.likelihood.scores import ScoreSpec
from upsr_core.likelihood.topk import CandidateSearch
from upsr_core.likelihood.trie import stored_trie
from upsr_core.models.base import Evaluated, HistoryEffects, Items, Ranker, Reopen
from upsr_core.models.instance import Instance
from upsr_core.models.upsr import GRADIENTS
from upsr_core.models.upsr_reader import UpsrReader
from upsr_core.parallel import Workers
from upsr_core.runtime import Progress, silent
from upsr_core.text.design import Design
from upsr_core.text.prompt import SequenceBuilder
from upsr_core.text.render import ItemTexts
from upsr_core.text.text_cache import texts_of
from upsr_core.text.tokenizer import TextTokenizer


class UpsrRanker(UpsrReader, Ranker):
    """A T5 that ranks the items of a dataset by their texts.

    `prior` (n_items,) are the log priors of `likelihood.scores.prior_of`; only the score `posterior` needs them. The
    catalogue's texts are rendered when they are first needed: instances bring their own.
    """

    def __init__(
        self, model: Any, tokenizer: TextTokenizer, dataset: Dataset, design: Design, score: ScoreSpec,
        prior: np.ndarray | None = None,
    ):  # fmt: skip
        if prior is None and score.name == "posterior":
            raise ValueError("the score posterior needs priors")
        super().__init__(model, tokenizer, score)
        self.dataset, self.design = dataset, design
        self.prior = np.zeros(dataset.n_items) if prior is None else prior

    @cached_property
    def texts(self) -> ItemTexts:
        return texts_of(self.dataset, self.design.finetune, self.tokenizer)

    @cached_property
    def builder(self) -> SequenceBuilder:
        return SequenceBuilder(self.design, self.texts)

    @cached_property
    def scorer(self) -> CandidateScorer:
        return CandidateScorer(self.model, stored_trie(self.texts, self.dataset.digest))

    @cached_property
    def tokens(self) -> np.ndarray:
        """Tokens of every item's text, as cut (n_items,)."""
        return np.diff(self.texts.offsets)

    @cached_property
    def search(self) -> CandidateSearch:
        """The search over the whole catalogue."""
        return CandidateSearch(self.scorer, np.arange(len(self.tokens)))

    def with_model(self, model: Any) -> "UpsrRanker":
        """A copy with a model of the same kind, and the threads that torch has now."""
        trie, other = self.scorer.trie, copy(self)
        other.model, other.scorer = model, CandidateScorer(model, trie)
        other.__dict__.pop("search", None)
        return other

    def log_likelihoods(
        self, histories: Sequence[np.ndarray], items: Items, report: Callable[[int], object] | None = None
    ) -> list[np.ndarray]:
        """Sums of log P(token | history, earlier tokens) over each candidate's text (c,)."""
        sequences = [self.builder.ranking(history).ids for history in histories]
        return self.scorer.log_likelihoods(sequences, items, report)

    def metrics(self, candidates: Candidates) -> pd.DataFrame:
        return rank_table(self._scores_of(candidates))

    def metrics_of_both(self, candidates: Candidates, own: SharedCandidates) -> tuple[pd.DataFrame, pd.DataFrame]:
        scores = self._scores_of(candidates)
        kept = [values[own.stays(row, candidates.items(row))] for row, values in enumerate(scores)]
        return rank_table(scores), rank_table(kept)

    def _scores_of(self, candidates: Candidates) -> list[np.ndarray]:
        histories = [candidates.history(row) for row in range(len(candidates))]
        return self.scores(histories, candidates.items)

    def evaluate(
        self, test: Candidates, progress: Progress, workers: Workers, reopen: Reopen | None = None
    ) -> Evaluated:
        from upsr_core.models.upsr_evaluation import Scored, evaluated

        return evaluated(Scored(self, test, reopen), workers, progress)

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

    def effects(self, instance: Instance, a: int, b: int, method: str, progress: Progress = silent) -> HistoryEffects:
        from upsr_core.models.integrated_gradients import NAME, integrated_gradients

        if method != GRADIENTS:
            return super().effects(instance, a, b, method, progress)
        found = integrated_gradients(instance, self, a, b, progress)
        return HistoryEffects(NAME, found.items(instance), found.attributes(instance), found.gap)
