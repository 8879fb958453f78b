"""Exact log-likelihood of candidate texts under a T5: the history encoded once, shared prefixes computed once."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from upsr_core.likelihood.t5_layers import HEAD_CELLS, Memory, T5Layers
from upsr_core.likelihood.trie import CandidateTrie
from upsr_core.likelihood.trie_batches import BLOCK, Tree, forest
from upsr_core.runtime import one_core_each

if TYPE_CHECKING:
    from transformers import T5ForConditionalGeneration

BUDGET = 512 * 2**20  # bytes of working memory beside the model
MOST_ROWS, FEWEST_ROWS = 1280, 256  # of a task on a CPU: more fall out of its cache, fewer waste its arithmetic


@dataclass(frozen=True)
class TokenLogProbs:
    """log P of every token of c candidates: candidate `i` has `values[offsets[i] : offsets[i + 1]]`, in text order."""

    values: np.ndarray
    offsets: np.ndarray

    def sums(self) -> np.ndarray:
        """Log-likelihoods of the texts (c,), in double precision."""
        return np.add.reduceat(self.values, self.offsets[:-1], dtype=np.float64)


class CandidateScorer:
    """Scores candidates of one catalogue under a T5, exactly.

    Parameters
    ----------
    model : T5ForConditionalGeneration
        Its weights are read in place: a model in training is scored as it is now.
    trie
        The texts of the catalogue.
    budget
        Bytes of working memory, beside the model and the results: histories and decoder rows are taken in chunks that
        fit, at least one history and one candidate at a time.
    """

    def __init__(self, model: "T5ForConditionalGeneration", trie: CandidateTrie, budget: int = BUDGET):
        self.model, self.trie, self.budget = model, trie, budget
        config = model.config
        inner, size = config.num_heads * config.d_kv, model.shared.weight.element_size()
        hidden = config.d_ff * (2 if config.is_gated_act else 1) + 6 * inner + 4 * config.d_model
        layers = config.num_decoder_layers or config.num_layers
        # A history keeps its keys and values of every layer; a row has its own keys and its part of its block's.
        token = size * (hidden + 2 * layers * inner + config.num_heads * 512)
        row = size * (hidden + 4 * inner + 2 * config.num_heads * 2 * BLOCK) + 8 * 4 * BLOCK
        on_cpu = model.device.type == "cpu"
        self.threads = torch.get_num_threads() if on_cpu else 1
        self.tokens = max(1, int(budget / 2 / token))
        self.rows = max(1, int((budget / 2 / self.threads - HEAD_CELLS * size) / row))
        if on_cpu:
            self.rows = min(self.rows, MOST_ROWS)

    def log_likelihoods(
        self,
        sequences: Sequence[np.ndarray],
        candidates: Callable[[int], np.ndarray],
        report: Callable[[int], object] | None = None,
    ) -> list[np.ndarray]:
        """Log-likelihoods of candidate texts.

        Parameters
        ----------
        sequences : sequence of ndarray of int, (s,)
            Encoded histories, see `SequenceBuilder.ranking`.
        candidates
            Gives the item indices (c,) to score for sequence `i`.
        report
            Called with the number of sequences done.

        Returns
        -------
        list of ndarray of float64, (c,)
            Of each sequence and candidate the sum of log P(token | history, earlier tokens) over its text, in nats.
            The sentinel that opens the text and the end token are not in it. Items with the same text have the same
            sum to the last bit.
        """
        results: list[np.ndarray] = [np.zeros(0)] * len(sequences)
        for number, (position, result) in enumerate(self.token_log_probs(sequences, candidates), start=1):
            results[position] = result.sums()
            if report:
                report(number)
        return results

    def token_log_probs(
        self, sequences: Sequence[np.ndarray], candidates: Callable[[int], np.ndarray]
    ) -> Iterator[tuple[int, TokenLogProbs]]:
        """What `log_likelihoods` sums up, token by token.

        Yields
        ------
        position : int
            In `sequences`; the longest history comes first.
        found : TokenLogProbs
            The log-probability of every token of every candidate, in nats.
        """
        layers = T5Layers(self.model)
        order = np.argsort([-len(ids) for ids in sequences], kind="stable")
        # The longest history of a chunk comes first; as many more fit as if they were as long.
        start = 0
        while start < len(order):
            chosen = order[start : start + max(1, self.tokens // len(sequences[order[start]]))]
            start += len(chosen)
            with torch.inference_mode():
                memories = [layers.memory(states) for states in layers.encode([sequences[i] for i in chosen])]
            found = self.score_encoded(layers, memories, [np.asarray(candidates(int(i))) for i in chosen])
            yield from zip(chosen.tolist(), found, strict=True)

    def score_encoded(
        self, layers: T5Layers, memories: Sequence[Memory], candidates: Sequence[np.ndarray]
    ) -> list[TokenLogProbs]:
        """What `token_log_probs` gives, for histories that are encoded."""
        texts = [np.unique(self.trie.terminal[items]) for items in candidates]
        parts = self._parts([Tree.of(self.trie, terminals) for terminals in texts])
        tasks = [
            (layers, [parts[i][1] for i in task], [memories[parts[i][0]] for i in task])
            for task in _packed([tree for _, tree in parts], self.rows)
        ]
        found = self._run(tasks)
        tables = [table for task in found for table in task]
        users = np.array([user for user, _ in parts])
        return [
            self._collect(items, [tables[part] for part in np.flatnonzero(users == user)])
            for user, items in enumerate(candidates)
        ]

    def _run(self, tasks: list[tuple]) -> list[list[np.ndarray]]:
        if self.threads == 1 or len(tasks) < 2:
            return [_score_trees(*task) for task in tasks]
        with one_core_each(min(self.threads, len(tasks))) as pool:
            return list(pool.map(_score_trees, *zip(*tasks, strict=True)))

    def _parts(self, trees: list[Tree]) -> list[tuple[int, Tree]]:
        """(user, part of their candidates) for every user with candidates, small enough to occupy every thread."""
        share = -(-sum(len(tree.fed) for tree in trees) // self.threads)
        most = min(self.rows, max(FEWEST_ROWS, share))
        return [(user, part) for user, tree in enumerate(trees) if len(tree.fed) for part in tree.split(most)]

    def _collect(self, items: np.ndarray, parts: list[np.ndarray]) -> TokenLogProbs:
        """Per candidate what was found per distinct text; `parts` are in the order of the texts."""
        if not parts:
            return TokenLogProbs(np.zeros(0, np.float32), np.zeros(1, np.int64))
        longest = max(part.shape[1] for part in parts)
        table = np.concatenate([np.pad(part, ((0, 0), (0, longest - part.shape[1]))) for part in parts])
        terminals, text_of = np.unique(self.trie.terminal[items], return_inverse=True)
        lengths = self.trie.lengths(terminals)[text_of]
        values = table[text_of][np.arange(longest) < lengths[:, None]]
        return TokenLogProbs(values, np.concatenate([[0], np.cumsum(lengths)]))


@torch.inference_mode()
def _score_trees(layers: T5Layers, trees: list[Tree], memories: list[Memory]) -> list[np.ndarray]:
    """For each tree the log-probabilities along its texts (t, longest)."""
    rows = forest(trees)
    values = layers.token_log_probs(layers.decode(rows, memories), rows.source, rows.target).cpu().numpy()
    return [tree.along_texts(part) for tree, part in zip(trees, np.split(values, rows.scored[1:-1]), strict=True)]


def _packed(trees: list[Tree], most: int) -> list[list[int]]:
    """Consecutive trees together as long as they have at most `most` rows."""
    groups, room = list[list[int]](), 0
    for number, tree in enumerate(trees):
        if len(tree.fed) > room:
            groups.append([])
            room = most
        groups[-1].append(number)
        room -= len(tree.fed)
    return groups
