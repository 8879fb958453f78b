"""The network of UniSRec and its pre-training over several domains (Hou et al., KDD 2022)."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from upsr_core.models.history_batches import HistoryBatches, PackedHistories
from upsr_core.models.networks import SequenceNetwork, initialise
from upsr_core.models.spec import SequenceSpec
from upsr_core.models.unisrec import EXPERTS
from upsr_core.runtime import Progress, seed_everything
from upsr_core.training.trainer import train

TEMPERATURE = 0.07
SEQUENCE_WEIGHT = 1e-3  # of the sequence-sequence loss beside the sequence-item loss
DROPPED = 0.2  # share of items left out of the second view of a history
ADAPTOR_DROPOUT = 0.2


class Adaptor(nn.Module):
    """A mixture of parametric whitenings: each expert shifts a text vector and maps it linearly; a gate mixes them.

    The gate is a softmax over all experts, with learned noise in training only (section 2.1.2 of the paper).
    """

    def __init__(self, size: int, width: int):
        super().__init__()
        self.shift = nn.Parameter(torch.zeros(EXPERTS, size))
        self.maps = nn.Parameter(torch.empty(EXPERTS, size, width))
        self.gate, self.noise = (nn.Parameter(torch.zeros(size, EXPERTS)) for _ in range(2))
        nn.init.normal_(self.maps, std=0.02)

    def forward(self, texts: torch.Tensor) -> torch.Tensor:
        """Vectors (n, width) of text vectors (n, size)."""
        gates = texts @ self.gate
        if self.training:
            gates = gates + torch.randn_like(gates) * (functional.softplus(texts @ self.noise) + 1e-2)
        gates = gates.softmax(-1)
        dropped = functional.dropout(texts, ADAPTOR_DROPOUT, self.training)
        # (x - shift) @ map of all experts in one product: x @ map - shift @ map.
        mapped = torch.einsum("nd,edw->new", dropped, self.maps) - torch.einsum("ed,edw->ew", self.shift, self.maps)
        return (gates[..., None] * mapped).sum(1)


class UnisrecNetwork(SequenceNetwork):
    """The network of one catalogue. Without item embeddings it is inductive: it ranks whatever has a text.

    `texts` (items, size) are frozen text vectors; they are kept with the weights, so that a saved model is whole.
    """

    def __init__(self, spec: SequenceSpec, texts: torch.Tensor, ids: bool):
        super().__init__(spec, len(texts))
        self.texts: torch.Tensor
        self.register_buffer("texts", texts)
        self.embedding = nn.Embedding(len(texts), spec.width) if ids else None
        initialise(self)
        self.adaptor = Adaptor(texts.shape[1], spec.width)
        with torch.no_grad():  # text vectors of one model lie in a narrow cone: begin at its middle
            self.adaptor.shift.copy_(texts.mean(0).expand(EXPERTS, -1))

    def inputs(self) -> torch.Tensor:
        vectors = self.adaptor(self.texts)
        return vectors if self.embedding is None else vectors + self.embedding.weight

    def outputs(self, inputs: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        return functional.normalize(inputs, dim=-1), inputs.new_zeros(self.items)

    def query(self, states: torch.Tensor) -> torch.Tensor:
        return functional.normalize(states, dim=-1) / TEMPERATURE

    def shared(self) -> dict[str, torch.Tensor]:
        """What carries over to other catalogues: the adaptor and the transformer."""
        return {
            name: value for name, value in self.state_dict().items() if name.split(".")[0] in ("adaptor", "encoder")
        }

    def adopt(self, shared: dict[str, torch.Tensor]) -> None:
        """Begin from a pre-training; the transformer is frozen, as in the paper's parameter-efficient fine-tuning."""
        self.load_state_dict({**self.state_dict(), **shared})
        self.encoder.requires_grad_(False)


class _Contrast(nn.Module):
    """The pre-training of a `UnisrecNetwork` over all domains: both contrastive losses on one batch."""

    def __init__(self, network: UnisrecNetwork):
        super().__init__()
        self.network = network

    def forward(
        self, input_ids, attention_mask, segments, positions, labels, ends, other_ids, other_segments,
        other_positions, other_ends,
    ):  # fmt: skip
        network, wanted = self.network, labels >= 0
        # Only items of this batch are adapted; the distinct targets, of whatever domain, are each other's negatives.
        known, places = torch.unique(torch.cat([input_ids.flatten(), labels[wanted]]), return_inverse=True)
        vectors = network.adaptor(network.texts[known])
        states = network.states(vectors, places[: input_ids.numel()].view_as(input_ids), segments, positions)
        targets, right = torch.unique(places[input_ids.numel() :], return_inverse=True)
        items, _ = network.outputs(vectors[targets])
        sequence_item = functional.cross_entropy(network.query(states[wanted]) @ items.T, right)
        other = network.states(vectors, torch.searchsorted(known, other_ids), other_segments, other_positions)
        ours, theirs = states.flatten(0, 1)[ends], other.flatten(0, 1)[other_ends]
        alike = network.query(ours) @ functional.normalize(theirs, dim=-1).T
        sequence_sequence = functional.cross_entropy(alike, torch.arange(len(ends), device=ends.device))
        return {"loss": sequence_item + SEQUENCE_WEIGHT * sequence_sequence}


class ContrastBatches(HistoryBatches):
    """Batches of the next-item task with a second view of every history, some of its items left out.

    `ends`, `other_ends` (b,) are the flat places of the last item of each history in both views.
    """

    def _next(self, chosen: np.ndarray, rng: np.random.Generator) -> dict[str, torch.Tensor]:
        batch = super()._next(chosen, rng)
        full = [self.pieces[number][:-1] for number in chosen]
        batch["ends"] = _ends(full, PackedHistories.of(np.array([len(piece) for piece in full]), self.spec.length))
        views = [_thinned(piece, rng) for piece in full]
        packed = PackedHistories.of(np.array([len(view) for view in views]), self.spec.length)
        second = packed.inputs(np.concatenate(views))
        first = int(views[0][0])  # padding must be an item of the batch too, whatever it is
        batch["other_ids"] = torch.where(second["attention_mask"] > 0, second["input_ids"], first)
        batch |= {"other_segments": second["segments"], "other_positions": second["positions"]}
        return batch | {"other_ends": _ends(views, packed)}


def _thinned(piece: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    kept = piece[rng.random(len(piece)) >= DROPPED]
    return kept if len(kept) else piece[-1:]


def _ends(pieces: Sequence[np.ndarray], packed: PackedHistories) -> torch.Tensor:
    last = np.cumsum([len(piece) for piece in pieces]) - 1
    return torch.from_numpy(packed.row[last] * packed.segments.shape[1] + packed.column[last])


def pretrain(
    sources: Sequence[tuple[np.ndarray, Sequence[np.ndarray]]], spec: SequenceSpec, folder: Path, progress: Progress
) -> dict[str, torch.Tensor]:
    """Learn from several domains, each (text vectors (n, d), training histories); what `UnisrecNetwork.adopt` takes.

    Batches mix the domains. Checkpoints are in `folder`, see `training.trainer.train`.
    """
    first = np.cumsum([0] + [len(texts) for texts, _ in sources])
    histories = [
        np.asarray(history, dtype=np.int64) + start
        for start, (_, domain) in zip(first, sources, strict=False)
        for history in domain
    ]
    seed_everything(spec.seed)
    network = UnisrecNetwork(spec, torch.from_numpy(np.concatenate([texts for texts, _ in sources])), ids=False)
    network.to("cuda" if torch.cuda.is_available() else "cpu")
    batches = ContrastBatches(histories, int(first[-1]), spec, "next", spec.pretrain_epochs)
    train(_Contrast(network), batches, spec, folder, progress, "pre-training", schedule="constant")
    return {name: value.cpu() for name, value in network.shared().items()}
