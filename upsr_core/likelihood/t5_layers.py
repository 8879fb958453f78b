"""The layers of a transformers T5 (v1.0, v1.1, FLAN-T5) over packed rows: no padding, nothing computed twice.

Reads the model's own weights in place, so a model in training is scored as it is now. `reference.py` is what this must
equal.
"""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import torch
from torch.nn.functional import pad, rms_norm, scaled_dot_product_attention

from upsr_core.likelihood.trie_batches import Rows

HEAD_CELLS = 4_000_000  # logits held at once by one thread
COLUMNS = 64  # the head's chunks are a multiple of this wide: products of an odd width are a third slower
# A sum of exp(logit) in this range is exact in fp32 without subtracting the largest logit first.
SAFE_SUM = (1e-20, 1e30)

Memory = list[tuple[torch.Tensor, torch.Tensor]]  # a history's keys and values (1, heads, s, d_kv) of every layer


class T5Layers:
    """What the scorer needs of a T5ForConditionalGeneration."""

    def __init__(self, model):
        self.model, self.device, self.dtype = model, model.device, model.shared.weight.dtype
        config = model.config
        self.heads, self.width, self.inner = config.num_heads, config.d_kv, config.num_heads * config.d_kv
        self.scale = config.d_model**-0.5 if config.scale_decoder_outputs else 1.0

    def tensor(self, array: np.ndarray) -> torch.Tensor:
        return torch.from_numpy(np.ascontiguousarray(array)).to(self.device)

    def encode(self, sequences: Sequence[np.ndarray]) -> list[torch.Tensor]:
        """Encoder states (s, d_model) of each text sequence; they share only the linear layers."""
        lengths = [len(sequence) for sequence in sequences]
        blocks = self.model.encoder.block
        state = self._embed(np.concatenate(sequences))
        longest = max(lengths)
        bias = blocks[0].layer[0].SelfAttention.compute_bias(longest, longest, device=self.device).to(self.dtype)
        for block in blocks:
            attention, normed = block.layer[0].SelfAttention, _normed(block.layer[0], state)
            parts = (part(normed).split(lengths) for part in (attention.q, attention.k, attention.v))
            mixed = [
                _flat(self._attend(self._by_head(q), self._by_head(k), self._by_head(v), bias[..., :length, :length]))
                for length, q, k, v in zip(lengths, *parts, strict=True)
            ]
            state = _add(state, torch.cat(mixed), attention.o)
            state = self._feed_forward(block.layer[-1], state)
        return list(_norm(self.model.encoder.final_layer_norm, state).split(lengths))

    def memory(self, states: torch.Tensor) -> Memory:
        """Keys and values of an encoded history (s, d_model) for every decoder layer."""
        attentions = [block.layer[1].EncDecAttention for block in self.model.decoder.block]
        return [(self._by_head(part.k(states)), self._by_head(part.v(states))) for part in attentions]

    def decode(self, rows: Rows, memories: Sequence[Memory], store: "PrefixStore | None" = None) -> torch.Tensor:
        """Decoder output (r, d_model) of every row, scaled for the output head; one memory for each tree.

        With a store, `rows.keys` are rows of the store, to which these rows are added.
        """
        state = self._embed(rows.tokens)
        blocks, size, most = rows.distance.shape
        bias, keys = self._bias(rows.distance), self.tensor(rows.keys.ravel())
        slots = None if rows.slots is None else self.tensor(rows.slots)
        for number, block in enumerate(self.model.decoder.block):
            attention, normed = block.layer[0].SelfAttention, _normed(block.layer[0], state)
            key, value = attention.k(normed), attention.v(normed)
            if store is not None:
                key, value = store.add(number, key, value)
            key, value = (
                part.index_select(0, keys).view(blocks, most, self.heads, self.width).transpose(1, 2)
                for part in (key, value)
            )
            query = _into_slots(attention.q(normed), slots, blocks * size)
            query = query.view(blocks, size, self.heads, self.width).transpose(1, 2)
            own = _flat(self._attend(query, key, value, bias))
            state = _add(state, own[: len(state)] if slots is None else own[slots], attention.o)
            attention = block.layer[1].EncDecAttention
            query = attention.q(_normed(block.layer[1], state))
            mixed = [
                _flat(self._attend(self._by_head(query[start:end]), *memory[number]))
                for (start, end), memory in zip(pairwise(rows.spans), memories, strict=True)
            ]
            state = _add(state, mixed[0] if len(mixed) == 1 else torch.cat(mixed), attention.o)
            state = self._feed_forward(block.layer[2], state)
        if store is not None:
            store.count += len(state)
        return _norm(self.model.decoder.final_layer_norm, state).mul_(self.scale)

    def token_log_probs(self, state: torch.Tensor, source: np.ndarray, target: np.ndarray) -> torch.Tensor:
        """log P of each token `target` (n,) after the row `source` (n,), from decoder outputs (r, d_model), in fp32.

        The output head runs over chunks of the vocabulary in one buffer that stays in the cache.
        """
        weight = self.model.lm_head.weight
        vocabulary, count = len(weight), len(state)
        step = min(vocabulary, max(1, HEAD_CELLS // count // COLUMNS) * COLUMNS)
        order = np.argsort(target, kind="stable")
        cuts = np.searchsorted(target[order], np.arange(0, vocabulary + step, step))
        buffer = torch.empty(count * step, dtype=self.dtype, device=self.device)
        logit = torch.empty(len(target), dtype=torch.float32, device=self.device)
        total = torch.zeros(count, dtype=torch.float32, device=self.device)
        rows, columns = self.tensor(source[order]), self.tensor(target[order].astype(np.int64))
        for number, start in enumerate(range(0, vocabulary, step)):
            part = weight[start : start + step]
            logits = buffer[: count * len(part)].view(count, len(part))
            torch.mm(state, part.t(), out=logits)
            here = slice(cuts[number], cuts[number + 1])
            logit[here] = logits[rows[here], columns[here] - start].float()
            total += logits.float().exp_().sum(dim=1)  # `float` copies nothing in fp32
        normaliser = total.log()
        unsafe = torch.nonzero((total < SAFE_SUM[0]) | ~(total < SAFE_SUM[1]))[:, 0]
        for some in unsafe.split(max(1, HEAD_CELLS // vocabulary)):
            normaliser[some] = torch.logsumexp((state[some] @ weight.t()).float(), dim=1)
        result = torch.empty_like(logit)
        result[self.tensor(order)] = logit - normaliser[rows]
        return result

    def _embed(self, tokens: np.ndarray) -> torch.Tensor:
        return self.model.shared(self.tensor(tokens.astype(np.int64)))

    def _bias(self, distance: np.ndarray) -> torch.Tensor:
        """The decoder's position bias (b, heads, BLOCK, m), minus infinity where a key is no prefix of a row."""
        attention = self.model.decoder.block[0].layer[0].SelfAttention
        longest = int(distance.max()) + 1
        # The last row of a triangle holds every distance, the farthest first.
        table = attention.compute_bias(longest, longest, device=self.device)[0, :, -1].flip(-1).to(self.dtype)
        table = torch.cat([table, table.new_full((self.heads, 1), float("-inf"))], dim=1)
        return table[:, self.tensor(distance)].transpose(0, 1)

    def _by_head(self, rows: torch.Tensor) -> torch.Tensor:
        return rows.view(1, -1, self.heads, self.width).transpose(1, 2)

    def _attend(self, query, key, value, bias=None) -> torch.Tensor:
        return scaled_dot_product_attention(query, key, value, attn_mask=bias, scale=1.0)  # T5 does not scale

    def _feed_forward(self, layer, state: torch.Tensor) -> torch.Tensor:
        dense, normed = layer.DenseReluDense, _normed(layer, state)
        if hasattr(dense, "wi"):
            hidden = dense.wi(normed)
            hidden = hidden.relu_() if self.model.config.dense_act_fn == "relu" else dense.act(hidden)
        else:
            hidden = dense.act(dense.wi_0(normed)).mul_(dense.wi_1(normed))
        return _add(state, hidden, dense.wo)


class PrefixStore:
    """Keys and values (rows, heads * d_kv) of decoder rows of one user, for rows that are fed later."""

    def __init__(self, layers: T5Layers, capacity: int = 1024):
        self.count = 0
        shape = (2, layers.model.config.num_decoder_layers, capacity, layers.inner)
        self.arrays = torch.empty(shape, dtype=layers.dtype, device=layers.device)
        self.row_bytes = self.arrays[:, :, :1].numel() * self.arrays.element_size()

    def add(self, layer: int, key: torch.Tensor, value: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Keys and values of a layer with these added; they count once `count` is raised."""
        end, room = self.count + len(key), self.arrays.shape[2]
        if end > room:
            grown = self.arrays.new_empty((*self.arrays.shape[:2], max(end, 2 * room), self.arrays.shape[3]))
            grown[:, :, : self.count] = self.arrays[:, :, : self.count]
            self.arrays = grown
        self.arrays[0, layer, self.count : end] = key
        self.arrays[1, layer, self.count : end] = value
        return self.arrays[0, layer, :end], self.arrays[1, layer, :end]


def _norm(norm, state: torch.Tensor) -> torch.Tensor:
    return rms_norm(state, norm.weight.shape, norm.weight, norm.variance_epsilon)


def _normed(layer, state: torch.Tensor) -> torch.Tensor:
    return _norm(layer.layer_norm, state)


def _flat(mixed: torch.Tensor) -> torch.Tensor:
    """(b, heads, n, d_kv) as rows (b * n, heads * d_kv)."""
    return mixed.transpose(1, 2).reshape(-1, mixed.shape[1] * mixed.shape[3])


def _into_slots(rows: torch.Tensor, slots: torch.Tensor | None, cells: int) -> torch.Tensor:
    """Rows (r, n) at their slots of (cells, n), zero elsewhere; without slots, at the first r."""
    if slots is None:
        return pad(rows, (0, 0, 0, cells - len(rows)))
    return rows.new_zeros(cells, rows.shape[1]).index_copy_(0, slots, rows)


def _add(state: torch.Tensor, update: torch.Tensor, linear) -> torch.Tensor:
    """`state + linear(update)`, in place. transformers may keep a layer in fp32 in a model of half precision."""
    if linear.weight.dtype == state.dtype:
        return state.addmm_(update, linear.weight.t())
    return state.add_(linear(update.to(linear.weight.dtype)).to(state.dtype))
