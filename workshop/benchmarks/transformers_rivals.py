"""How transformers alone would score candidates: what the benchmark compares the trie scorer with."""

from collections.abc import Sequence

import numpy as np
import torch
from transformers.modeling_outputs import BaseModelOutput


def _targets(texts: Sequence[np.ndarray], sentinel: int, device) -> torch.Tensor:
    """Targets (c, t): the sentinel and the text, padded with -100."""
    longest = max(map(len, texts)) + 1
    labels = torch.full((len(texts), longest), -100)
    for row, ids in enumerate(texts):
        labels[row, : len(ids) + 1] = torch.as_tensor([sentinel, *ids])
    return labels.to(device)


def _sums(logits: torch.Tensor, labels: torch.Tensor) -> np.ndarray:
    logp = torch.log_softmax(logits.float(), dim=-1)
    picked = logp.gather(2, labels.clamp(min=0)[..., None])[..., 0]
    return picked.where(labels >= 0, 0.0)[:, 1:].double().sum(1).cpu().numpy()


@torch.inference_mode()
def naive(model, sequence: np.ndarray, texts: Sequence[np.ndarray], sentinel: int, batch: int) -> np.ndarray:
    """The history repeated for every candidate, `batch` candidates at a time: sums of log-probabilities (c,)."""
    source = torch.as_tensor(sequence, device=model.device)[None]
    parts = []
    for start in range(0, len(texts), batch):
        labels = _targets(texts[start : start + batch], sentinel, model.device)
        parts.append(_sums(model(input_ids=source.expand(len(labels), -1), labels=labels).logits, labels))
    return np.concatenate(parts)


@torch.inference_mode()
def encode_once(model, sequence: np.ndarray, texts: Sequence[np.ndarray], sentinel: int, batch: int) -> np.ndarray:
    """The history encoded once and expanded over `batch` candidates at a time: sums of log-probabilities (c,)."""
    hidden = model.encoder(input_ids=torch.as_tensor(sequence, device=model.device)[None]).last_hidden_state
    parts = []
    for start in range(0, len(texts), batch):
        labels = _targets(texts[start : start + batch], sentinel, model.device)
        states = BaseModelOutput(last_hidden_state=hidden.expand(len(labels), -1, -1))
        parts.append(_sums(model(encoder_outputs=states, labels=labels).logits, labels))
    return np.concatenate(parts)
