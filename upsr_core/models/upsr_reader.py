"""UPSR reading single instances: the log-probability of every token of every candidate, whatever was edited."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from upsr_core.likelihood.candidate_scorer import CandidateScorer
from upsr_core.likelihood.scores import ScoreSpec
from upsr_core.likelihood.trie import CandidateTrie
from upsr_core.models.base import InstanceScores
from upsr_core.models.instance import Instance
from upsr_core.models.token_scores import TokenScores
from upsr_core.runtime import Progress, silent
from upsr_core.text.design import Design
from upsr_core.text.prompt import SequenceBuilder
from upsr_core.text.render import ItemTexts
from upsr_core.text.tokenizer import TextTokenizer


class UpsrReader:
    """A T5 that reads instances as UPSR does. Only their own texts are rendered: a large catalogue costs nothing."""

    def __init__(self, model: Any, tokenizer: TextTokenizer, score: ScoreSpec):
        self.model, self.tokenizer, self.score = model, tokenizer, score

    def builder_of(self, instances: Sequence[Instance]) -> tuple[SequenceBuilder, list[np.ndarray]]:
        """A builder over the candidates of the first instance and the histories of all, and where these stand in it."""
        design, rows = _design(instances[0]), [instances[0].candidates, *(instance.history for instance in instances)]
        table = pd.concat([part[list(design.finetune.attributes)] for part in rows], ignore_index=True)
        lengths = np.cumsum([len(part) for part in rows])
        histories = np.split(np.arange(len(table)), lengths[:-1])[1:]
        return SequenceBuilder(design, ItemTexts(design.finetune, table, self.tokenizer)), histories

    def read(self, instances: Sequence[Instance], progress: Progress = silent) -> list[InstanceScores]:
        """Each instance read; those of one design with the same candidates go through the model together."""
        groups: dict[tuple, list[int]] = {}
        for number, instance in enumerate(instances):
            groups.setdefault((_design(instance).digest, id(instance.candidates)), []).append(number)
        found: dict[int, InstanceScores] = {}
        for members in groups.values():
            done = len(found)
            report = partial(_report, progress, done, len(instances))
            result = self._group([instances[i] for i in members], report)
            found.update(zip(members, result, strict=True))
        return [found[number] for number in range(len(instances))]

    def _group(self, instances: Sequence[Instance], report: Callable[[float], None]) -> list[InstanceScores]:
        builder, histories = self.builder_of(instances)
        texts, count = builder.texts, len(instances[0].candidates)
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
            report(done * len(instances) / len(keys))
        base = found[inputs[-1].tobytes()].values.astype(np.float64) if conditional else np.zeros(int(ends[-1]))
        beside = self.score.beside(instances[0].candidates.prior.to_numpy())
        parts = [TokenScores(texts, found[seq.ids.tobytes()], base, beside, seq.dropped) for seq in sequences]
        return [InstanceScores(tokens.scores, tokens) for tokens in parts]


def _report(progress: Progress, before: int, total: int, done: float) -> None:
    progress(before + done, total, "reading")


def _design(instance: Instance) -> Design:
    if instance.design is None:
        raise ValueError("an instance without a design has no texts")
    return instance.design
