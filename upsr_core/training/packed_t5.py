"""T5 over histories that follow one another without padding, for training on a CPU.

The model is transformers' own, down to every layer; only its attention is told where a history ends. Nothing is
computed for padding, in the encoder, the decoder or the output head, and attention stays within a history, whose
scores fit into the cache. On a GPU rows are padded: there one kernel over all of them is faster.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from types import MethodType

import torch
from transformers import T5ForConditionalGeneration
from transformers.modeling_outputs import BaseModelOutput
from transformers.models.t5.modeling_t5 import T5Attention

Spans = list[tuple[int, int, int, int]]  # queries from, to; keys from, to


@dataclass(frozen=True)
class PackedTexts:
    """Rows of padded ids one after the other: `ids` (1, n) of all real tokens, `lengths` of the rows."""

    ids: torch.Tensor
    lengths: list[int]

    @classmethod
    def of(cls, ids: torch.Tensor, real: torch.Tensor) -> "PackedTexts":
        """From padded ids (b, s) and where they are real (b, s)."""
        real = real.bool()
        return cls(ids[real][None], real.sum(1).tolist())

    @property
    def ends(self) -> list[int]:
        return torch.tensor([0, *self.lengths]).cumsum(0).tolist()


@dataclass(frozen=True)
class Layout:
    """Who attends to whom: of the encoder's rows, of the decoder's, and of the decoder's to those of the encoder."""

    own: Spans
    memory: Spans
    causal: bool


class _Attention(torch.autograd.Function):
    """Attention of T5 within spans; queries, keys, values and result are rows (n, heads * width).

    `bias` (heads, s, s) is added to every span's scores, from its upper left corner; None for none. Not scaled, as T5
    wants it.
    """

    @staticmethod
    @torch.amp.custom_fwd(device_type="cpu", cast_inputs=torch.float32)
    def forward(ctx, query, key, value, bias, spans: Spans, heads: int, dropout: float):
        query, key, value = (_heads(part, heads) for part in (query, key, value))
        result, kept = torch.empty_like(query), []
        for start, end, first, last in spans:
            scores = query[:, start:end] @ key[:, first:last].transpose(1, 2)
            if bias is not None:
                scores += bias[:, : end - start, : last - first]
            shares = torch.softmax(scores, dim=-1)
            noise = torch.nn.functional.dropout(torch.ones_like(shares), dropout) if dropout else None
            torch.bmm(shares if noise is None else shares * noise, value[:, first:last], out=result[:, start:end])
            kept += [shares] if noise is None else [shares, noise]
        ctx.save_for_backward(query, key, value, *kept)
        ctx.spans, ctx.dropout, ctx.bias = spans, dropout, None if bias is None else bias.shape
        return _rows(result)

    @staticmethod
    @torch.amp.custom_bwd(device_type="cpu")
    def backward(ctx, gradient):
        query, key, value, *kept = ctx.saved_tensors
        gradient = _heads(gradient, len(query))
        by_query, by_key, by_value = torch.empty_like(query), torch.zeros_like(key), torch.zeros_like(value)
        by_bias = None if ctx.bias is None else query.new_zeros(ctx.bias)
        step = 2 if ctx.dropout else 1
        for number, (start, end, first, last) in enumerate(ctx.spans):
            shares, noise = kept[step * number], kept[step * number + 1] if ctx.dropout else None
            given = gradient[:, start:end]
            by_value[:, first:last] += (shares if noise is None else shares * noise).transpose(1, 2) @ given
            by_shares = given @ value[:, first:last].transpose(1, 2)
            if noise is not None:
                by_shares *= noise
            by_scores = torch._softmax_backward_data(by_shares, shares, -1, shares.dtype)
            if by_bias is not None:
                by_bias[:, : end - start, : last - first] += by_scores
            torch.bmm(by_scores, key[:, first:last], out=by_query[:, start:end])
            by_key[:, first:last] += by_scores.transpose(1, 2) @ query[:, start:end]
        return _rows(by_query), _rows(by_key), _rows(by_value), by_bias, None, None, None


def _heads(rows: torch.Tensor, heads: int) -> torch.Tensor:
    """Rows (n, heads * width) as (heads, n, width), contiguous."""
    return rows.view(len(rows), heads, -1).transpose(0, 1).contiguous()


def _rows(parts: torch.Tensor) -> torch.Tensor:
    return parts.transpose(0, 1).reshape(parts.shape[1], -1)


def _attend(module: T5Attention, hidden_states, key_value_states=None, position_bias=None, *, layout: Layout, **_):
    """`T5Attention.forward` for packed rows."""
    source = hidden_states if key_value_states is None else key_value_states
    spans = layout.own if key_value_states is None else layout.memory
    if key_value_states is None and position_bias is None:
        longest = max(end - start for start, end, _, _ in spans)
        position_bias = module.compute_bias(longest, longest, device=hidden_states.device)[0]
        if layout.causal:
            later = torch.ones(longest, longest, dtype=torch.bool, device=position_bias.device).triu(1)
            position_bias = position_bias.masked_fill(later, -torch.inf)
    query, key, value = module.q(hidden_states)[0], module.k(source)[0], module.v(source)[0]
    dropout = module.dropout if module.training else 0.0
    mixed = _Attention.apply(query, key, value, position_bias, spans, module.n_heads, dropout)
    return module.o(mixed.to(query.dtype))[None], position_bias, None


@contextmanager
def packed_attention(model: T5ForConditionalGeneration) -> Iterator[None]:
    """Within it, the model's attention takes packed rows and a `layout`; its weights stay where they are.

    Within another one it does nothing: threads that share a model need one around them all.
    """
    attentions = [part for part in model.modules() if isinstance(part, T5Attention) and "forward" not in vars(part)]
    for module in attentions:
        vars(module)["forward"] = MethodType(_attend, module)
    try:
        yield
    finally:
        for module in attentions:
            del vars(module)["forward"]


def encode(model: T5ForConditionalGeneration, inputs: PackedTexts) -> torch.Tensor:
    """Encoder states (1, n, d) of packed rows."""
    ends = inputs.ends
    layout = Layout([(start, end, start, end) for start, end in pairwise(ends)], [], False)
    with packed_attention(model):
        return model.encoder(input_ids=inputs.ids, layout=layout).last_hidden_state


def target_log_probs(
    model: T5ForConditionalGeneration,
    states: torch.Tensor,
    inputs: PackedTexts,
    targets: PackedTexts,
    rows: Sequence[int],
) -> torch.Tensor:
    """log P (n,) of every token of packed targets, each under the history `rows[i]` of the encoded inputs."""
    start_id = model.config.decoder_start_token_id
    ends, sources = targets.ends, inputs.ends
    own, memory = [], []
    for row, (start, end) in zip(rows, pairwise(ends), strict=True):
        own.append((start, end, start, end))
        memory.append((start, end, sources[row], sources[row + 1]))
    fed = targets.ids.roll(1)
    fed[0, ends[:-1]] = start_id
    with packed_attention(model):
        logits = T5ForConditionalGeneration.forward(
            model, encoder_outputs=BaseModelOutput(states), decoder_input_ids=fed, use_cache=False,
            layout=Layout(own, memory, True),
        ).logits[0]  # fmt: skip
    return -torch.nn.functional.cross_entropy(logits.float(), targets.ids[0], reduction="none")
