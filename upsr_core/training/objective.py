"""What a training minimises: masked item text prediction, and the named terms that can stand beside it."""

import numpy as np
import torch
from transformers.modeling_outputs import BaseModelOutput

from upsr_core.training.spec import TrainingSpec

TEMPERATURE = 0.5  # nats per token by which the right text must stand out
EXTRAS = ("weights", "others")  # what a batch holds besides the model's own inputs


def informative_weights(costs: np.ndarray, share: float) -> np.ndarray:
    """Token weights (n,) of mean about one from what tokens cost without a history, in nats.

    `share` 0 weighs all alike, 1 in proportion to the cost, at most four times the mean.

    >>> informative_weights(np.array([0.0, 1.0, 3.0]), 0.5).tolist()
    [0.5, 0.875, 1.625]
    """
    return 1 - share + share * np.minimum(costs / max(float(costs.mean()), 1e-6), 4.0)


def loss_of(model, batch: dict[str, torch.Tensor], spec: TrainingSpec) -> torch.Tensor:
    """The loss of one batch as `MaskedBatches` makes it.

    Without further terms it is the model's own: mean cross-entropy over target tokens (paper, equation 1). With
    `weights` (b, t) it is their weighted mean. `spec.contrast` adds so many times the contrastive term.
    """
    inputs = {name: value for name, value in batch.items() if name not in EXTRAS}
    if len(inputs) == len(batch):
        return model(**inputs).loss
    states = model.encoder(input_ids=inputs["input_ids"], attention_mask=inputs["attention_mask"]).last_hidden_state
    logps = token_log_probs(model, states, inputs["attention_mask"], inputs["labels"])
    weights = batch.get("weights", (inputs["labels"] >= 0).to(logps.dtype))
    loss = -(weights * logps).sum() / weights.sum()
    if "others" in batch:
        loss = loss + spec.contrast * contrastive(model, states, inputs, logps, batch["others"])
    return loss


def token_log_probs(model, states: torch.Tensor, mask: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """log P (b, t) of every label given encoder states (b, s, d); zero at padding."""
    logits = model(encoder_outputs=BaseModelOutput(states), attention_mask=mask, labels=labels).logits
    logps = -torch.nn.functional.cross_entropy(logits.flatten(0, 1).float(), labels.flatten(), reduction="none")
    return logps.view_as(labels)


def contrastive(model, states, inputs: dict, own: torch.Tensor, others: torch.Tensor) -> torch.Tensor:
    """-log of the share that the right text has among itself and other texts of the batch, under its history.

    `own` (b, t) are the log-probabilities of the right texts. `others` (b, k) are rows whose text is compared, -1
    for none; a row without any does not count. A text counts by its mean log-probability, as in ranking. Other texts
    come as often as they are popular, so being popular does not help (sampled softmax without its correction: Yi et
    al., RecSys 2019; the conditional likelihood ratio is what is learned: van den Oord et al., 2018).
    """
    rows, places = torch.nonzero(others >= 0, as_tuple=True)
    if not len(rows):
        return own.sum() * 0.0
    labels = inputs["labels"]
    theirs = labels[others[rows, places]]
    logps = token_log_probs(model, states[rows], inputs["attention_mask"][rows], theirs)
    scores = torch.full((len(labels), others.shape[1] + 1), -torch.inf, dtype=own.dtype, device=own.device)
    scores[:, 0] = own.sum(1) / (labels >= 0).sum(1)
    scores = scores.index_put((rows, places + 1), logps.sum(1) / (theirs >= 0).sum(1))
    counted = torch.unique(rows)
    return -torch.log_softmax(scores[counted] / TEMPERATURE, dim=1)[:, 0].mean()
