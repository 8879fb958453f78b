"""The network of UniSRec and its pre-training over several domains (Hou et al., KDD 2022), as in its published code."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from upsr_core.models.cross_entropy import contrast
from upsr_core.models.history_batches import NO_LABEL, HistoryBatches, PackedHistories
from upsr_core.models.networks import SequenceNetwork, initialise
from upsr_core.models.sequence_ranker import adam_of
from upsr_core.models.spec import SequenceSpec
from upsr_core.models.unisrec import EXPERTS
from upsr_core.runtime import Progress, seed_everything
from upsr_core.training.trainer import train

TEMPERATURE = 0.07
SEQUENCE_WEIGHT = 1e-3  # of the sequence-sequence loss beside the sequence-item loss
DROPPED = 0.2  # share of items that a second view leaves out, or reads with words left out
ITEM_DROP = 0.9  # share of the batches whose second view leaves items out; of the others it leaves words out
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
        """Vectors (..., width) of text vectors (..., size)."""
        flat = texts.flatten(0, -2)
        gates = flat @ self.gate
        if self.training:
            gates = gates + torch.randn_like(gates) * (functional.softplus(flat @ self.noise) + 1e-2)
            # Dropout, drawn for each expert; `functional.dropout` draws more slowly on a processor.
            kept = torch.rand(EXPERTS, *flat.shape, device=flat.device) >= ADAPTOR_DROPOUT
            dropped = (flat / (1 - ADAPTOR_DROPOUT)) * kept
        else:
            dropped = flat.expand(EXPERTS, -1, -1)
        # (x - shift) @ map as x @ map - shift @ map.
        mapped = torch.bmm(dropped, self.maps) - self.shift[:, None] @ self.maps
        return torch.einsum("ne,enw->nw", gates.softmax(-1), mapped).unflatten(0, texts.shape[:-1])


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

    def inputs(self) -> torch.Tensor:
        vectors = self.adaptor(self.texts)
        return vectors if self.embedding is None else vectors + self.embedding.weight

    def embedded(self, inputs: torch.Tensor, input_ids: torch.Tensor) -> torch.Tensor:
        """In training every item of a history is adapted by itself: with noise and dropout of its own."""
        if not self.training:
            return super().embedded(inputs, input_ids)
        vectors = self.adaptor(self.texts[input_ids])
        return vectors if self.embedding is None else vectors + self.embedding(input_ids)

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
        """Begin from a pre-training. Positions and layers of the transformer are frozen; the adaptor and the
        normalisation of the input are tuned, as in the published fine-tuning."""
        self.load_state_dict({**self.state_dict(), **shared})
        for name, parameter in self.encoder.named_parameters():
            parameter.requires_grad_(name.split(".")[0] == "norm")


class _Contrast(nn.Module):
    """The pre-training of a `UnisrecNetwork` over all domains: both contrastive losses on one batch.

    `worded` (items, size) are the vectors of the texts with words left out.
    """

    def __init__(self, network: UnisrecNetwork, worded: torch.Tensor):
        super().__init__()
        self.network = network
        self.worded: torch.Tensor
        self.register_buffer("worded", worded, persistent=False)

    def forward(
        self, input_ids, attention_mask, segments, positions, labels,
        other_ids, other_segments, other_positions, other_worded, other_places,
    ):  # fmt: skip
        network, wanted = self.network, labels >= 0
        texts, adaptor = network.texts, network.adaptor
        states = network.query(network.encoder(adaptor(texts[input_ids]), segments, positions)[wanted])
        targets = functional.normalize(adaptor(texts[labels[wanted]]), dim=-1)
        sequence_item = contrast(states, targets, labels[wanted])
        read = torch.where(other_worded[..., None], self.worded[other_ids], texts[other_ids])
        other = network.encoder(adaptor(read), other_segments, other_positions)
        other = functional.normalize(other.flatten(0, 1)[other_places[wanted]], dim=-1)
        return {"loss": sequence_item + SEQUENCE_WEIGHT * contrast(states, other, labels[wanted])}


class ContrastBatches(HistoryBatches):
    """Batches of the next-item task with a second view of every history, its items or words of it left out.

    `other_ids`, `other_segments`, `other_positions` (r', s') are the packed second views, `other_worded` (r', s')
    says which items are read with words left out, and `other_places` (r, s), for each label, the flat place of the
    newest item in the second view of the history up to there. A history keeps its oldest item.
    """

    def _next(self, chosen: np.ndarray, rng: np.random.Generator) -> dict[str, torch.Tensor]:
        batch = super()._next(chosen, rng)
        pieces = [self.pieces[number][:-1] for number in chosen]
        items, lengths = np.concatenate(pieces), np.array([len(piece) for piece in pieces])
        starts = np.cumsum(lengths) - lengths
        chance = rng.random(len(items)) < DROPPED
        drops_items = rng.random() < ITEM_DROP
        kept = ~chance if drops_items else np.ones(len(items), dtype=bool)
        kept[starts] = True
        second = PackedHistories.of(np.add.reduceat(kept.astype(np.int64), starts), self.spec.length)
        inputs = second.inputs(items[kept])
        worded = np.zeros(int(kept.sum()), dtype=bool) if drops_items else chance
        newest = np.cumsum(kept) - 1
        places = second.row[newest] * second.segments.shape[1] + second.column[newest]
        first = PackedHistories.of(lengths, self.spec.length)
        return batch | {
            "other_ids": inputs["input_ids"],
            "other_segments": inputs["segments"],
            "other_positions": inputs["positions"],
            "other_worded": second.place(worded) > 0,
            "other_places": first.place(places, NO_LABEL),
        }


@dataclass(frozen=True)
class Domain:
    """What a pre-training reads of a domain: text vectors (n, d), those with words left out, training histories."""

    texts: np.ndarray
    worded: np.ndarray
    histories: Sequence[np.ndarray]


def pretrain(
    domains: Sequence[Domain], spec: SequenceSpec, folder: Path, progress: Progress
) -> dict[str, torch.Tensor]:
    """Learn from several domains; what `UnisrecNetwork.adopt` takes.

    Batches mix the domains. Checkpoints are in `folder`, see `training.trainer.train`.
    """
    first = np.cumsum([0] + [len(domain.texts) for domain in domains])
    histories = [
        np.asarray(history, dtype=np.int64) + start
        for start, domain in zip(first, domains, strict=False)
        for history in domain.histories
    ]
    seed_everything(spec.seed)
    texts, worded = (
        torch.from_numpy(np.concatenate(parts))
        for parts in ([domain.texts for domain in domains], [domain.worded for domain in domains])
    )
    network = UnisrecNetwork(spec, texts, ids=False)
    learning = _Contrast(network, worded).to("cuda" if torch.cuda.is_available() else "cpu")
    large = spec.model_copy(update={"batch": spec.pretrain_batch, "batch_unit": "predictions"})
    batches = ContrastBatches(histories, int(first[-1]), large, "next", spec.pretrain_epochs)
    train(learning, batches, spec, folder, progress, "pre-training", schedule="constant", adam=adam_of(spec))
    return {name: value.cpu() for name, value in network.shared().items()}
