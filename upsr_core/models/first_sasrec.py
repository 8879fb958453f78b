"""SASRec as it was first published (Kang and McAuley, ICDM 2018), block by block as in its authors' code."""

import math

import torch
from torch import nn
from torch.nn import functional

from upsr_core.models.networks import SequenceNetwork
from upsr_core.models.sequential import Loss
from upsr_core.models.spec import SequenceSpec

EPSILON = 1e-8


class Block(nn.Module):
    """Self-attention of one normalised item over the items before it as they are, and a point-wise network with ReLU.

    What is added to the output of either is its normalised input; attention has no projection of its output.
    """

    def __init__(self, spec: SequenceSpec):
        super().__init__()
        width = spec.width
        self.heads, self.dropout, self.attention_dropout = spec.heads, nn.Dropout(spec.dropout), spec.attention_dropout
        self.query, self.key, self.value = (nn.Linear(width, width) for _ in range(3))
        self.inner, self.outer = nn.Linear(width, spec.inner), nn.Linear(spec.inner, width)
        self.before_attention, self.before_inner = (nn.LayerNorm(width, eps=EPSILON) for _ in range(2))

    def forward(self, states: torch.Tensor, seen: torch.Tensor) -> torch.Tensor:
        """States (r, s, d) after the block of states before it; `seen` (r, 1, s, s) says who sees whom."""
        asking = self.before_attention(states)
        parts = (self.query(asking), self.key(states), self.value(states))
        query, key, value = (part.unflatten(-1, (self.heads, -1)).transpose(1, 2) for part in parts)
        share = self.attention_dropout if self.training else 0.0
        found = functional.scaled_dot_product_attention(query, key, value, seen, share)
        states = self.before_inner(asking + found.transpose(1, 2).flatten(2))
        inner = self.dropout(functional.relu(self.inner(states)))
        return states + self.dropout(self.outer(inner))


class FirstEncoder(nn.Module):
    """Learned positions, dropout, the blocks, and a normalisation at the end; no item sees a later one."""

    def __init__(self, spec: SequenceSpec):
        super().__init__()
        self.positions = nn.Embedding(spec.length, spec.width)
        self.dropout = nn.Dropout(spec.dropout)
        self.blocks = nn.ModuleList([Block(spec) for _ in range(spec.layers)])
        self.norm = nn.LayerNorm(spec.width, eps=EPSILON)

    def forward(self, vectors: torch.Tensor, segments: torch.Tensor, positions: torch.Tensor) -> torch.Tensor:
        """States (r, s, d) of item vectors (r, s, d); an item sees itself and the earlier ones of its own segment."""
        length = segments.shape[1]
        earlier = torch.ones(length, length, dtype=torch.bool, device=segments.device).tril()
        seen = ((segments[:, :, None] == segments[:, None, :]) & earlier)[:, None]
        states = self.dropout(vectors + self.positions(positions))
        for block in self.blocks:
            states = block(states, seen)
        return self.norm(states)


class FirstSasrecNetwork(SequenceNetwork):
    """Item vectors times the root of their width go in; positions count from the newest item, as left padding does."""

    from_end = True
    loss: Loss = "sampled"

    def __init__(self, spec: SequenceSpec, items: int):
        super().__init__(spec, items)
        self.embedding = nn.Embedding(items, spec.width)
        self.scale = math.sqrt(spec.width)
        for name, parameter in self.named_parameters():
            if parameter.dim() > 1:
                nn.init.xavier_uniform_(parameter)
            elif name.endswith("bias"):
                nn.init.zeros_(parameter)

    def made_encoder(self, spec: SequenceSpec) -> nn.Module:
        return FirstEncoder(spec)

    def inputs(self) -> torch.Tensor:
        return self.embedding.weight

    def embedded(self, inputs: torch.Tensor, input_ids: torch.Tensor) -> torch.Tensor:
        return self.scale * super().embedded(inputs, input_ids)
