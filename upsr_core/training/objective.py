"""What a training minimises: masked item text prediction, and the named terms that can stand beside it."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from transformers import T5ForConditionalGeneration
from transformers.modeling_outputs import BaseModelOutput

from upsr_core.likelihood.scores import TEMPERATURE
from upsr_core.training import distributed
from upsr_core.training.packed_t5 import PackedTexts, encode, packed_attention, target_log_probs
from upsr_core.training.spec import TrainingSpec
from upsr_core.training.threaded_loss import loss_in_threads, split


def informative_weights(costs: np.ndarray, share: float) -> np.ndarray:
    """Token weights (n,) of mean about one from what tokens cost without a history, in nats.

    `share` 0 weighs all alike, 1 in proportion to the cost, at most four times the mean.

    >>> informative_weights(np.array([0.0, 1.0, 3.0]), 0.5).tolist()
    [0.5, 0.875, 1.625]
    """
    return 1 - share + share * np.minimum(costs / max(float(costs.mean()), 1e-6), 4.0)


@dataclass(frozen=True)
class Encoded:
    """Histories as the encoder left them, from padded ids and mask (b, s): packed on a CPU, padded elsewhere."""

    model: T5ForConditionalGeneration
    states: torch.Tensor
    mask: torch.Tensor
    packed: PackedTexts | None

    @classmethod
    def of(cls, model, ids: torch.Tensor, mask: torch.Tensor) -> "Encoded":
        if ids.device.type == "cpu":
            packed = PackedTexts.of(ids, mask)
            return cls(model, encode(model, packed), mask, packed)
        return cls(model, model.encoder(input_ids=ids, attention_mask=mask).last_hidden_state, mask, None)

    def log_probs(self, labels: torch.Tensor, rows: Sequence[int]) -> torch.Tensor:
        """log P (n, t) of every label, each text under the history `rows[i]`; zero at padding."""
        if self.packed is not None:
            real = labels >= 0
            found = target_log_probs(self.model, self.states, self.packed, PackedTexts.of(labels, real), rows)
            return found.new_zeros(labels.shape).masked_scatter(real, found)
        chosen = torch.as_tensor(rows, device=labels.device)
        # By its class: while it is trained, `model.forward` is the loss itself.
        logits = T5ForConditionalGeneration.forward(
            self.model, encoder_outputs=BaseModelOutput(self.states[chosen]), attention_mask=self.mask[chosen],
            labels=labels, use_cache=False,
        ).logits  # fmt: skip
        logps = -torch.nn.functional.cross_entropy(logits.flatten(0, 1).float(), labels.flatten(), reduction="none")
        return logps.view_as(labels)


def loss_of(model, batch: dict[str, torch.Tensor], spec: TrainingSpec) -> torch.Tensor:
    """The loss of one batch, or of a part of one.

    Without further terms it is the mean cross-entropy over target tokens (paper, equation 1). On a CPU the histories
    are shared out over the cores, if there is no dropout: its draws would depend on the threads.

    Parameters
    ----------
    model : T5ForConditionalGeneration
        In training or not.
    batch
        As `MaskedBatches` makes it: `input_ids`, `attention_mask` (b, s), `labels` (b, t); `weights` (b, t) make it a
        weighted mean; `total` and `contrasted` are what the sums are divided by, without them what is in the batch.
    spec
        `contrast` adds so many times the contrastive term.

    Returns
    -------
    Tensor
        A scalar, in nats per target token.
    """
    count = min(torch.get_num_threads(), len(batch["labels"]))
    shared = batch["labels"].device.type == "cpu" and torch.is_grad_enabled() and not distributed.sharded()
    if count == 1 or not shared or model.config.dropout_rate:
        return _loss(model, batch, spec)
    weights = batch.get("weights", batch["labels"] >= 0)
    batch = {"total": weights.sum(), **batch}
    if "others" in batch:
        batch = {"texts": batch["labels"], "contrasted": (batch["others"] >= 0).any(1).sum().clamp(min=1), **batch}
    with packed_attention(model):
        return loss_in_threads(lambda part: _loss(model, part, spec), model, split(batch, count))


def _loss(model, batch: dict[str, torch.Tensor], spec: TrainingSpec) -> torch.Tensor:
    labels = batch["labels"]
    encoded = Encoded.of(model, batch["input_ids"], batch["attention_mask"])
    logps = encoded.log_probs(labels, range(len(labels)))
    weights = batch.get("weights", (labels >= 0).to(logps.dtype))
    loss = -(weights * logps).sum() / batch.get("total", weights.sum())
    if "others" in batch:
        terms = contrastive(encoded, labels, logps, batch["others"], batch.get("texts", labels))
        loss = loss + spec.contrast * terms.sum() / batch.get("contrasted", max(len(terms), 1))
    return loss


def contrastive(
    encoded: Encoded, labels: torch.Tensor, own: torch.Tensor, others: torch.Tensor, texts: torch.Tensor
) -> torch.Tensor:
    """-log of the share that the right text has among itself and other texts, under its history: (n,), row by row.

    `own` (b, t) are the log-probabilities of the right texts. `others` (b, k) are rows of `texts` that are compared,
    -1 for none; a row without any has no term. A text counts by its mean log-probability, that of the
    sentinel before it and the end after it included, which ranking leaves out. Other texts come as often as they are
    popular, so being popular does not help (sampled softmax without its correction: Yi et al., RecSys 2019; the
    conditional likelihood ratio is what is learned: van den Oord et al., 2018).
    """
    rows, places = torch.nonzero(others >= 0, as_tuple=True)
    if not len(rows):
        return own.sum()[None] * 0.0
    theirs = texts[others[rows, places]]
    logps = encoded.log_probs(theirs, rows.tolist())
    scores = torch.full((len(labels), others.shape[1] + 1), -torch.inf, dtype=own.dtype, device=own.device)
    scores[:, 0] = own.sum(1) / (labels >= 0).sum(1)
    scores = scores.index_put((rows, places + 1), logps.sum(1) / (theirs >= 0).sum(1))
    counted = torch.unique(rows)
    return -torch.log_softmax(scores[counted] / TEMPERATURE, dim=1)[:, 0]
