"""The plain way with transformers alone, one candidate at a time: what the fast scorer must equal."""

from typing import TYPE_CHECKING

import numpy as np
import torch

if TYPE_CHECKING:
    from transformers import T5ForConditionalGeneration


@torch.inference_mode()
def reference_log_likelihood(
    model: "T5ForConditionalGeneration", sequence: np.ndarray, sentinel: int, text_ids: np.ndarray
) -> float:
    """Sum of log P(token | history, earlier tokens) over the text's tokens, sentinel and end token left out."""
    labels = torch.as_tensor([[sentinel, *text_ids]], device=model.device)
    logits = model(input_ids=torch.as_tensor(sequence, device=model.device)[None], labels=labels).logits
    logp = torch.log_softmax(logits[0].float(), dim=-1)
    return float(logp[torch.arange(1, labels.shape[1]), labels[0, 1:]].double().sum())
