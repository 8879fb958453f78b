"""The networks over item sequences: one transformer, and what SASRec and BERT4Rec make of it."""

import torch
from torch import nn
from torch.nn import functional

from upsr_core.models.cross_entropy import catalogue_cross_entropy
from upsr_core.models.sequential import Loss
from upsr_core.models.spec import SequenceSpec


class SequenceEncoder(nn.Module):
    """A transformer over vectors of items: learned positions, normalisation after every sublayer, GELU."""

    def __init__(self, spec: SequenceSpec, causal: bool):
        super().__init__()
        self.causal, self.heads = causal, spec.heads
        self.positions = nn.Embedding(spec.length, spec.width)
        self.norm, self.dropout = nn.LayerNorm(spec.width, eps=1e-12), nn.Dropout(spec.dropout)
        self.layers = nn.ModuleList()
        for _ in range(spec.layers):
            layer = nn.TransformerEncoderLayer(
                spec.width, spec.heads, spec.inner, spec.dropout, "gelu", layer_norm_eps=1e-12, batch_first=True
            )
            layer.self_attn.dropout = spec.attention_dropout
            layer.dropout.p = (
                0.0  # as in RecBole's SASRec and BERT4Rec: outputs of sublayers are dropped, not their inside
            )
            self.layers.append(layer)

    def forward(self, vectors: torch.Tensor, segments: torch.Tensor, positions: torch.Tensor) -> torch.Tensor:
        """States (r, s, d) of item vectors (r, s, d); an item sees its own segment, with `causal` only earlier ones."""
        blocked = segments[:, :, None] != segments[:, None, :]
        if self.causal:
            length = segments.shape[1]
            blocked = blocked | torch.ones(length, length, dtype=torch.bool, device=segments.device).triu(1)
        blocked = blocked.repeat_interleave(self.heads, dim=0)
        states = self.dropout(self.norm(vectors + self.positions(positions)))
        for layer in self.layers:
            states = layer(states, src_mask=blocked)
        return states


class SequenceNetwork(nn.Module):
    """What all sequence models share; a subclass gives the vectors of items and says what is trained.

    `forward` takes a batch of `history_batches.HistoryBatches` and returns its loss, as transformers' Trainer wants it.
    With `from_end` positions count from the newest item, and from the oldest otherwise.
    """

    causal = True
    from_end = False
    loss: Loss = "cross-entropy"

    def __init__(self, spec: SequenceSpec, items: int):
        super().__init__()
        self.items = items
        self.encoder: nn.Module = self.made_encoder(spec)

    def made_encoder(self, spec: SequenceSpec) -> nn.Module:
        """What makes states (r, s, d) of vectors (r, s, d), segments and positions (r, s); it has `positions`."""
        return SequenceEncoder(spec, self.causal)

    def inputs(self) -> torch.Tensor:
        """Vectors (at least items, d) of all items as the encoder reads them."""
        raise NotImplementedError

    def outputs(self, inputs: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Vectors (items, d) and biases (items,) of all items as they are predicted."""
        return inputs[: self.items], inputs.new_zeros(self.items)

    def query(self, states: torch.Tensor) -> torch.Tensor:
        """States (n, d) as they are held against item vectors."""
        return states

    def embedded(self, inputs: torch.Tensor, input_ids: torch.Tensor) -> torch.Tensor:
        """Vectors (r, s, d) of the items (r, s) of histories as the encoder reads them."""
        return functional.embedding(input_ids, inputs)

    def states(self, inputs: torch.Tensor, input_ids, segments, positions) -> torch.Tensor:
        """States (r, s, d) of packed histories."""
        return self.encoder(self.embedded(inputs, input_ids), segments, positions)

    def forward(self, input_ids, attention_mask, segments, positions, labels, negatives=None):
        inputs = self.inputs()
        wanted = labels >= 0
        query = self.query(self.states(inputs, input_ids, segments, positions)[wanted])
        items, bias = self.outputs(inputs)
        if self.loss == "cross-entropy":
            return {"loss": catalogue_cross_entropy(query, items, bias, labels[wanted])}
        right, wrong = (query * items[labels[wanted]]).sum(-1), (query * items[negatives[wanted]]).sum(-1)
        return {"loss": (functional.softplus(-right) + functional.softplus(wrong)).mean()}


def initialise(module: nn.Module) -> None:
    """Small normal weights, as in the originals."""
    for name, parameter in module.named_parameters():
        if parameter.dim() > 1:
            nn.init.normal_(parameter, std=0.02)
        elif name.endswith("bias"):
            nn.init.zeros_(parameter)


class SasrecNetwork(SequenceNetwork):
    """SASRec as RecBole builds it: causal, the next item at every position, items shared by both ends."""

    def __init__(self, spec: SequenceSpec, items: int):
        super().__init__(spec, items)
        self.embedding = nn.Embedding(items, spec.width)
        initialise(self)

    def inputs(self) -> torch.Tensor:
        return self.embedding.weight


class Bert4recNetwork(SequenceNetwork):
    """BERT4Rec (Sun et al., CIKM 2019): bidirectional, hidden items; the vector after the last item's is the mask's.

    Positions count from the newest item: the item to predict is always at the same place, however long the history.
    """

    causal, from_end = False, True

    def __init__(self, spec: SequenceSpec, items: int):
        super().__init__(spec, items)
        self.embedding = nn.Embedding(items + 1, spec.width)
        self.head = nn.Sequential(nn.Linear(spec.width, spec.width), nn.GELU(), nn.LayerNorm(spec.width, eps=1e-12))
        self.bias = nn.Parameter(torch.zeros(items))
        initialise(self)

    def inputs(self) -> torch.Tensor:
        return self.embedding.weight

    def outputs(self, inputs: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        return inputs[: self.items], self.bias

    def query(self, states: torch.Tensor) -> torch.Tensor:
        return self.head(states)
