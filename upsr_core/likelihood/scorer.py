"""Exact log-likelihood of candidate texts under a T5: the history encoded once, shared prefixes computed once.

The weights are those of the transformers model (T5 v1.0, v1.1, FLAN-T5); `reference.py` is what this must equal.
"""

from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch.nn.functional import scaled_dot_product_attention

from upsr_core.likelihood.trie import CandidateTrie, Rows

HEAD_CELLS = 4_000_000  # logits held at once, 16 MB in fp32


class CandidateScorer:
    """Scores candidates for encoded histories; see `log_likelihoods`."""

    def __init__(self, model, trie: CandidateTrie, cells: int = 40_000):
        """`cells` bounds the decoder positions (candidates x length) that are computed at once."""
        self.model, self.trie, self.cells = model, trie, cells
        self.decoder, self.device = model.decoder, model.device
        config = model.config
        self.heads, self.width = config.num_heads, config.d_kv
        tied = model.lm_head.weight.data_ptr() == model.shared.weight.data_ptr()
        self.scale = config.d_model**-0.5 if getattr(config, "scale_decoder_outputs", tied) else 1.0

    @torch.inference_mode()
    def log_likelihoods(
        self,
        sequences: Sequence[np.ndarray],
        candidates: Callable[[int], np.ndarray],
        report: Callable[[int], None] | None = None,
        batch: int = 16,
    ) -> list[np.ndarray]:
        """For each text sequence the sum of log P(token | history, earlier tokens) over each candidate's text (c,).

        `candidates(i)` gives the item indices for sequence `i`. The sentinel that opens the text and the end token
        are not in the sum. Sequences are encoded in batches of similar length; `report(done)` follows each batch.
        """
        was_training = self.model.training
        self.model.eval()
        results: list[np.ndarray] = [np.zeros(0)] * len(sequences)
        order = np.argsort([-len(ids) for ids in sequences], kind="stable")
        for start in range(0, len(order), batch):
            chosen = order[start : start + batch]
            for row, hidden in zip(chosen, self._encode([sequences[i] for i in chosen]), strict=True):
                results[row] = self._score(hidden, candidates(int(row)))
            if report:
                report(min(start + batch, len(order)))
        self.model.train(was_training)
        return results

    def _encode(self, sequences: list[np.ndarray]) -> list[torch.Tensor]:
        """Encoder states (s, d_model) of each sequence, without padding."""
        longest = max(map(len, sequences))
        ids = torch.zeros(len(sequences), longest, dtype=torch.long)
        for row, sequence in enumerate(sequences):
            ids[row, : len(sequence)] = torch.as_tensor(sequence)
        ids = ids.to(self.device)
        mask = torch.arange(longest, device=self.device) < torch.tensor(
            [[len(sequence)] for sequence in sequences], device=self.device
        )
        hidden = self.model.encoder(input_ids=ids, attention_mask=mask.long()).last_hidden_state
        return [states[: len(sequence)] for states, sequence in zip(hidden, sequences, strict=True)]

    def _score(self, hidden: torch.Tensor, items: np.ndarray) -> np.ndarray:
        # Keys and values of the history: once per user, not once per candidate.
        memory = [self._memory(block.layer[1].EncDecAttention, hidden) for block in self.decoder.block]
        items = np.asarray(items)
        order = np.argsort(self.trie.order[items], kind="stable")
        longest = int(np.diff(self.trie.texts.offsets)[items].max()) + 1
        step = max(1, self.cells // longest)
        result = np.empty(len(items))
        for start in range(0, len(items), step):
            chosen = order[start : start + step]
            result[chosen] = self._score_rows(memory, self.trie.rows(items[chosen]))
        return result

    def _memory(self, attention, hidden):
        shape = (1, -1, self.heads, self.width)
        return attention.k(hidden).view(shape).transpose(1, 2), attention.v(hidden).view(shape).transpose(1, 2)

    def _score_rows(self, memory, rows: Rows) -> np.ndarray:
        index = torch.as_tensor(rows.index, device=self.device)
        first = torch.as_tensor(rows.first, device=self.device)
        count, length = index.shape
        state = self.model.shared(torch.as_tensor(rows.tokens, device=self.device))  # (r, d_model)
        bias = self.decoder.block[0].layer[0].SelfAttention.compute_bias(length, length, device=self.device)
        future = torch.ones(length, length, dtype=torch.bool, device=self.device).triu(1)
        bias = bias.masked_fill(future, float("-inf")).to(state.dtype)  # (1, h, t, t)
        for block, (keys, values) in zip(self.decoder.block, memory, strict=True):
            norm, attention = block.layer[0].layer_norm, block.layer[0].SelfAttention
            normed = norm(state)
            # Along each candidate's path: rows are spread to (c, t), attended, and taken back once each.
            query, key, value = (
                part(normed)[index].view(count, length, self.heads, self.width).transpose(1, 2)
                for part in (attention.q, attention.k, attention.v)
            )
            mixed = scaled_dot_product_attention(query, key, value, attn_mask=bias, scale=1.0)
            mixed = mixed.transpose(1, 2).reshape(count * length, -1)[first]
            state = state + attention.o(mixed)
            norm, attention = block.layer[1].layer_norm, block.layer[1].EncDecAttention
            query = attention.q(norm(state)).view(1, -1, self.heads, self.width).transpose(1, 2)
            mixed = scaled_dot_product_attention(query, keys, values, scale=1.0)
            state = state + attention.o(mixed.transpose(1, 2).reshape(len(state), -1))
            feed = block.layer[2]
            state = state + feed.DenseReluDense(feed.layer_norm(state))
        state = self.decoder.final_layer_norm(state) * self.scale
        return self._token_sums(state, rows, index)

    def _token_sums(self, state, rows: Rows, index) -> np.ndarray:
        """Sums over each candidate's tokens; the output head runs over chunks of rows."""
        count, length = rows.targets.shape
        targets = torch.as_tensor(rows.targets, device=self.device)
        source = index[:, 1:]  # the row that predicts token p is at decoder position 1 + p
        mask = torch.as_tensor(rows.mask, device=self.device)
        weight = self.model.lm_head.weight
        logits_at = torch.zeros(count, length, dtype=torch.float32, device=self.device)
        normaliser = torch.empty(len(state), dtype=torch.float32, device=self.device)
        step = max(1, HEAD_CELLS // weight.shape[0])
        for start in range(0, len(state), step):
            logits = (state[start : start + step] @ weight.T).float()
            here = mask & (source >= start) & (source < start + step)
            logits_at[here] = logits[source[here] - start, targets[here]]
            # In place: torch.logsumexp would copy the largest array there is.
            largest = logits.amax(dim=1, keepdim=True)
            normaliser[start : start + step] = logits.sub_(largest).exp_().sum(dim=1).log_() + largest[:, 0]
        tokens = torch.where(mask, logits_at - normaliser[source], 0.0)
        return tokens.double().sum(dim=1).cpu().numpy()
