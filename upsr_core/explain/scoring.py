"""Cases read by a model: log-probability of every token of every candidate, and scores."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import pandas as pd

from upsr_core.explain.instance import Case
from upsr_core.likelihood.candidate_scorer import CandidateScorer, TokenLogProbs
from upsr_core.likelihood.scores import ScoreSpec
from upsr_core.likelihood.trie import CandidateTrie
from upsr_core.models.base import Ranker
from upsr_core.plm.loading import load_tokenizer
from upsr_core.runs.run import Run
from upsr_core.runs.user_ranking import load_language_model, load_ranker
from upsr_core.runtime import Progress
from upsr_core.text.prompt import SequenceBuilder
from upsr_core.text.render import ItemTexts
from upsr_core.text.tokenizer import TextTokenizer


def silent(*_) -> None:
    pass


class Scoring(Protocol):
    """Whatever gives every candidate of a case its score."""

    def scores(self, cases: Sequence[Case], progress: Progress = silent) -> list[np.ndarray]:
        """Scores (c,) of the candidates of each case; higher is better."""
        ...


@dataclass(frozen=True)
class Read:
    """What UPSR makes of a case.

    `logprobs` are of every token of the c candidates given the history; `unconditional` of the same tokens given
    none, zero where the score does not need them (n_tokens,). `beside` is what the scores have that no text says (c,).
    The texts are the first c of `texts`.
    """

    texts: ItemTexts
    logprobs: TokenLogProbs
    unconditional: np.ndarray
    beside: np.ndarray
    dropped: int

    @property
    def values(self) -> np.ndarray:
        """What each token adds to its text's sum (n_tokens,), in double precision."""
        return self.logprobs.values.astype(np.float64) - self.unconditional

    @property
    def scores(self) -> np.ndarray:
        """Scores (c,), as every ranking of the product takes them."""
        offsets = self.logprobs.offsets
        base = np.add.reduceat(self.unconditional, offsets[:-1])
        return (self.logprobs.sums() - base) / np.diff(offsets) + self.beside


class TextReading:
    """A T5 that reads cases as UPSR does. Only the texts of a case are rendered, so a large catalogue costs nothing."""

    def __init__(self, model, tokenizer: TextTokenizer, score: ScoreSpec):
        self.model, self.tokenizer, self.score = model, tokenizer, score

    def builder(self, cases: Sequence[Case]) -> tuple[SequenceBuilder, list[np.ndarray]]:
        """A builder over the candidates of the first case and then the histories of all, and the latter's places."""
        design, rows = cases[0].design, [cases[0].candidates, *(case.history for case in cases)]
        table = pd.concat([part[list(design.finetune.attributes)] for part in rows], ignore_index=True)
        lengths = np.cumsum([len(part) for part in rows])
        histories = np.split(np.arange(len(table)), lengths[:-1])[1:]
        return SequenceBuilder(design, ItemTexts(design.finetune, table, self.tokenizer)), histories

    def read(self, cases: Sequence[Case], progress: Progress = silent) -> list[Read]:
        """Each case read; those of one design with the same candidates go through the model together."""
        groups: dict[tuple, list[int]] = {}
        for number, case in enumerate(cases):
            groups.setdefault((case.design.digest, id(case.candidates)), []).append(number)
        found: dict[int, Read] = {}
        for members in groups.values():
            done = len(found)
            result = self._group([cases[i] for i in members], lambda n, d=done: progress(d + n, len(cases), "reading"))
            found.update(zip(members, result, strict=True))
        return [found[number] for number in range(len(cases))]

    def scores(self, cases: Sequence[Case], progress: Progress = silent) -> list[np.ndarray]:
        return [read.scores for read in self.read(cases, progress)]

    def _group(self, cases: Sequence[Case], report) -> list[Read]:
        builder, histories = self.builder(cases)
        texts, count = builder.texts, len(cases[0].candidates)
        ends = texts.offsets[: count + 1]
        trie = CandidateTrie.of_tokens(texts.ids[: ends[-1]], ends, self.tokenizer.sentinels[0])
        sequences = [builder.ranking(history) for history in histories]
        conditional = self.score.compares
        inputs = [sequence.ids for sequence in sequences]
        inputs += [builder.ranking(np.zeros(0, np.int64)).ids] if conditional else []
        # Histories that read alike, where only what fell off the prompt differs, are read once.
        distinct = {ids.tobytes(): ids for ids in inputs}
        scorer, everything, found = CandidateScorer(self.model, trie), np.arange(count), {}
        keys = list(distinct)
        for done, (place, probs) in enumerate(scorer.token_log_probs(list(distinct.values()), lambda _: everything), 1):
            found[keys[place]] = probs
            report(done * len(cases) / len(keys))
        base = found[inputs[-1].tobytes()].values.astype(np.float64) if conditional else np.zeros(int(ends[-1]))
        beside = self.score.beside(cases[0].candidates.prior.to_numpy())
        return [Read(texts, found[seq.ids.tobytes()], base, beside, seq.dropped) for seq in sequences]


class ItemReading:
    """A model that knows items by their number: edited texts mean nothing to it."""

    def __init__(self, ranker: Ranker):
        self.ranker = ranker

    def scores(self, cases: Sequence[Case], progress: Progress = silent) -> list[np.ndarray]:
        histories = [case.history.item.to_numpy() for case in cases]
        result = self.ranker.scores(histories, lambda i: cases[i].candidates.item.to_numpy())
        progress(len(cases), len(cases), "reading")
        return [np.asarray(scores, dtype=np.float64) for scores in result]


def reading_of(run: Run) -> TextReading | ItemReading:
    """The trained model of a run. Raises RunError where the run trains and its model is not there."""
    if run.spec.info.task != "likelihood":
        return ItemReading(load_ranker(run))
    return TextReading(load_language_model(run), load_tokenizer(run.spec.plm.name), run.spec.score)
