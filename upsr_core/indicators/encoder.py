"""What the language model makes of texts: their likelihood, and the states of its encoder."""

from collections.abc import Iterator
from functools import lru_cache

import numpy as np

from upsr_core.indicators.attribute_tokens import Flat
from upsr_core.indicators.informativeness import same_text
from upsr_core.likelihood.candidate_scorer import CandidateScorer
from upsr_core.likelihood.t5_layers import T5Layers
from upsr_core.likelihood.trie import CandidateTrie
from upsr_core.plm.loading import load_model, load_tokenizer, weights_digest
from upsr_core.runtime import Progress
from upsr_core.text.tokenizer import TextTokenizer

TOKENS = 2048  # tokens that go through the encoder at once
CHUNK = 500  # texts scored between two reports
SPAN = 3  # tokens of a masked span: the mean of T5's pre-training (Raffel et al., JMLR 2020)
PASSES = 6  # of the spans a sixth is masked at once, about T5's 15 %
BATCH = 128  # corrupted texts that go through the model at once


class TextModel:
    """A language model that reads texts given as token ids."""

    def __init__(self, model, tokenizer: TextTokenizer):
        self.model, self.tokenizer = model, tokenizer

    def likelihoods(self, texts: Flat, progress: Progress) -> np.ndarray:
        """Sum of log P of the tokens of each text (n,), given `<extra_id_0> </s>`, as in masked item text prediction.

        The texts go through one prefix trie, so what several begin with is computed once.
        """
        trie = CandidateTrie.of_tokens(texts.values, texts.offsets, self.tokenizer.sentinels[0])
        scorer, mask = CandidateScorer(self.model, trie), np.array([self.tokenizer.sentinels[0], self.tokenizer.end])
        order = np.argsort(trie.terminal, kind="stable")  # neighbours in the trie share their beginnings
        found = np.zeros(len(order))
        for start in range(0, len(order), CHUNK):
            progress(start, len(order), "likelihood of item texts")
            chosen = order[start : start + CHUNK]
            found[chosen] = scorer.log_likelihoods([mask], [chosen].__getitem__)[0]
        return found

    def pseudo_likelihoods(self, texts: Flat, progress: Progress) -> np.ndarray:
        """Sum over all tokens of log P(token | its span so far, the rest of the text), (n,).

        T5's own task as a pseudo-log-likelihood (Salazar et al., ACL 2020): a text is cut into spans of three tokens;
        in each of six passes every sixth span is replaced by a sentinel in the encoder and predicted by the decoder in
        the form of the pre-training, so that every token is predicted once.
        """
        inputs, targets, owner = [], [], []
        for row in range(len(texts.lengths)):
            for source, target in _corrupted(texts.values[texts.offsets[row] : texts.offsets[row + 1]], self.tokenizer):
                inputs.append(source)
                targets.append(target)
                owner.append(row)
        found = np.zeros(len(texts.lengths))
        order = np.argsort([len(source) for source in inputs], kind="stable")
        for start in range(0, len(order), BATCH):
            progress(start, len(order), "masked spans of item texts")
            chosen = order[start : start + BATCH]
            sums = self._target_sums([inputs[i] for i in chosen], [targets[i] for i in chosen])
            np.add.at(found, np.array(owner)[chosen], sums)
        return found

    def _target_sums(self, inputs: list[np.ndarray], targets: list[np.ndarray]) -> np.ndarray:
        """Sum of log P over the tokens of each target that are no sentinels."""
        import torch

        def padded(rows: list[np.ndarray]) -> "torch.Tensor":
            made = np.full((len(rows), max(map(len, rows))), -1, np.int64)
            for number, row in enumerate(rows):
                made[number, : len(row)] = row
            return torch.from_numpy(made).to(self.model.device)

        source, target = padded(inputs), padded(targets)
        shifted = torch.cat(
            [torch.full_like(target[:, :1], self.model.config.decoder_start_token_id), target[:, :-1]], 1
        )
        with torch.inference_mode():
            logits = self.model(
                input_ids=source.clamp(min=0),
                attention_mask=(source >= 0).long(),
                decoder_input_ids=shifted.clamp(min=0),
            ).logits.float()
            each = torch.log_softmax(logits, dim=-1).gather(2, target.clamp(min=0)[..., None])[..., 0]
            counted = (target >= 0) & ~torch.isin(target, torch.tensor(self.tokenizer.sentinels, device=target.device))
            return (each.double() * counted).sum(dim=1).cpu().numpy()

    def encoded(self, texts: Flat) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """(rows of `texts`, encoder states (their tokens, d_model) one after the other) of texts closed by `</s>`."""
        import torch

        layers = T5Layers(self.model)
        order = np.argsort(-texts.lengths, kind="stable")
        start = 0
        while start < len(order):
            chosen = order[start : start + max(1, TOKENS // (int(texts.lengths[order[start]]) + 1))]
            start += len(chosen)
            sequences = [np.append(texts.values[texts.offsets[i] : texts.offsets[i + 1]], self.tokenizer.end)
                         for i in chosen]  # fmt: skip
            with torch.inference_mode():
                states = [state[:-1] for state in layers.encode(sequences)]
                yield chosen, torch.cat(states).float().cpu().numpy()

    def embeddings(self, texts: Flat, progress: Progress) -> np.ndarray:
        """The mean encoder state over each text's tokens (n, d_model); equal texts are read once."""
        labels = same_text(texts.values, texts.offsets[:-1], texts.lengths)
        one = np.unique(labels, return_index=True)[1]
        distinct = texts.take(one)
        found = np.zeros((len(one), self.model.config.d_model), np.float32)
        done = 0
        for rows, states in self.encoded(distinct):
            progress(done, len(one), "reading item texts")
            done += len(rows)
            found[rows] = text_means(states, distinct.lengths[rows])
        return found[labels]


def text_means(states: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    """Mean state of each of several texts (n, d_model) whose states (their tokens, d_model) follow one another."""
    return np.add.reduceat(states, np.cumsum(lengths) - lengths, axis=0) / lengths[:, None]


def _corrupted(ids: np.ndarray, tokenizer: TextTokenizer) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """(encoder input, target) of every pass over a text in which something is masked."""
    spans = [ids[start : start + SPAN] for start in range(0, len(ids), SPAN)]
    for turn in range(min(PASSES, len(spans))):
        source, target = list[np.ndarray](), list[np.ndarray]()
        for number, span in enumerate(spans):
            if number % PASSES == turn:
                sentinel = np.array([tokenizer.sentinels[number // PASSES]])
                source.append(sentinel)
                target += [sentinel, span]
            else:
                source.append(span)
        yield np.append(np.concatenate(source), tokenizer.end), np.concatenate(target)


@lru_cache(maxsize=1)
def _text_model(name: str, weights: str) -> TextModel:
    return TextModel(load_model(name), load_tokenizer(name))


def text_model_of(plm: str) -> TextModel:
    """The reader of a model; the last one stays in memory. Raises ModelError as `load_model` does."""
    return _text_model(plm, weights_digest(plm))
