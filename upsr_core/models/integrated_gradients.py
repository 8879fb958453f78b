"""What the history did, approximately: integrated gradients, for models and histories too large to leave items out."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch
from transformers.modeling_outputs import BaseModelOutput

from upsr_core.models.instance import Instance, name_of
from upsr_core.models.upsr_reader import UpsrReader
from upsr_core.runtime import Progress, silent
from upsr_core.schema import ITEM
from upsr_core.text.tokenizer import readable

STEPS = 6
TOKENS_AT_ONCE = 4096  # encoder tokens whose gradient is held at once
NAME = f"integrated gradients, {STEPS} steps"


@dataclass(frozen=True)
class Approximation:
    """What every token of the history adds to a's and b's score, approximately.

    `tokens` has a row per token of the history that the model saw: place (of its item, from 1), attribute, token,
    effect_a, effect_b, effect (on a's lead). `gap` is how far the effects together are from what they should sum to:
    a's lead with this history minus its lead with a history of empty tokens (zero would be exact).
    """

    tokens: pd.DataFrame
    gap: float

    def items(self, instance: Instance) -> pd.DataFrame:
        """One row per history item: place, item_id, name and the effects; what fell off the prompt has none."""
        names = [name_of(row) for _, row in instance.history.iterrows()]
        table = pd.DataFrame({"item_id": instance.history[ITEM].to_numpy(), "name": names})
        table.insert(0, "place", np.arange(1, len(names) + 1))
        effects = self.tokens.groupby("place")[["effect_a", "effect_b", "effect"]].sum()
        return table.join(effects, on="place").fillna(dict.fromkeys(effects, 0.0))

    def attributes(self, instance: Instance) -> pd.DataFrame:
        """One row per attribute of the design: attribute and the effects."""
        effects = self.tokens.groupby("attribute")[["effect_a", "effect_b", "effect"]].sum()
        return effects.reindex(list(instance.attributes), fill_value=0.0).reset_index()


def integrated_gradients(
    instance: Instance, reader: UpsrReader, a: int, b: int, progress: Progress = silent
) -> Approximation:
    """Integrated gradients (Sundararajan, Taly and Yan, ICML 2017) of the scores over the encoder's embeddings.

    The path runs from a history whose every item token is the padding token to the history itself, in a few steps; the
    prompt stays. An approximation in two ways: few steps, and a history without an item is another text than one with
    empty tokens in its place.
    """
    model = reader.model
    builder, [history] = reader.builder_of([instance])
    sequence = builder.ranking(history)
    ids = torch.as_tensor(sequence.ids, device=model.device)
    inside = torch.as_tensor(sequence.place >= 0, device=model.device)
    labels, mask = _labels(builder, (a, b), model.device)
    with torch.no_grad():
        full = model.shared(ids)
        start = torch.where(inside[:, None], model.shared.weight[0], full)  # token 0 of a T5 is the padding
    total = torch.zeros((2, *full.shape), dtype=torch.float32, device=model.device)
    size = max(1, TOKENS_AT_ONCE // len(ids))
    with torch.enable_grad():
        for first in range(0, STEPS, size):
            alphas = (torch.arange(first, min(first + size, STEPS), device=model.device) + 0.5) / STEPS
            points = (start + alphas[:, None, None].to(full.dtype) * (full - start)).requires_grad_(True)
            scores = _scores(model, points, labels, mask).sum(dim=0)
            for side in (0, 1):
                [gradient] = torch.autograd.grad(scores[side], points, retain_graph=side == 0)
                total[side] += gradient.float().sum(dim=0)
            progress(first + len(alphas), STEPS, NAME)
    with torch.no_grad():
        ends = _scores(model, torch.stack([start, full]), labels, mask)
        leads = (ends[:, 0] - ends[:, 1]).tolist()
    effects = (total / STEPS * (full - start).float()).sum(dim=-1)[:, inside].cpu().numpy().astype(np.float64)
    within = sequence.place >= 0
    words = np.array(readable(builder.tokenizer.tokens(sequence.ids.tolist())), dtype=object)
    attributes = np.array(builder.texts.design.attributes)[sequence.owner[within]]
    table = pd.DataFrame({"place": sequence.place[within] + 1, "attribute": attributes, "token": words[within]})
    table["effect_a"], table["effect_b"] = effects
    table["effect"] = table.effect_a - table.effect_b
    return Approximation(table, float(leads[1] - leads[0] - table.effect.sum()))


def _labels(builder, candidates: tuple[int, int], device) -> tuple[torch.Tensor, torch.Tensor]:
    """Target ids (2, t) that open with the sentinel, and which of them are scored."""
    texts = [torch.as_tensor(builder.texts.ids_of(place).astype(np.int64)) for place in candidates]
    width = max(map(len, texts)) + 1
    labels, mask = torch.zeros((2, width), dtype=torch.long), torch.zeros((2, width), dtype=torch.bool)
    for row, text in enumerate(texts):
        labels[row, 0], labels[row, 1 : len(text) + 1] = builder.tokenizer.sentinels[0], text
        mask[row, 1 : len(text) + 1] = True
    return labels.to(device), mask.to(device)


def _scores(model, embeddings: torch.Tensor, labels: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """Mean log-probabilities (k, 2) of both texts for k histories given as embeddings (k, s, d)."""
    states = model.encoder(inputs_embeds=embeddings).last_hidden_state
    count = len(states)
    logits = model(
        encoder_outputs=BaseModelOutput(states.repeat_interleave(2, dim=0)), labels=labels.repeat(count, 1)
    ).logits
    picked = torch.log_softmax(logits.float(), dim=-1).gather(-1, labels.repeat(count, 1)[..., None])[..., 0]
    picked = torch.where(mask.repeat(count, 1), picked, 0.0).view(count, 2, -1)
    return picked.sum(-1) / mask.sum(-1)
