"""What a training step and a scored user cost on this machine: a few of each, in CPU seconds of one core.

CPU time, because on a busy machine the clock counts the work of others too. Kept under `calibrations`, for forecasts.
"""

import json
import os
import time
from pathlib import Path

import numpy as np
from pydantic import BaseModel

from upsr_core.errors import RunError
from upsr_core.runs.spec import RunSpec
from upsr_core.runtime import home
from upsr_core.schema import digest_of
from upsr_core.storage.atomic import write_atomically

STEPS, USERS, TEXTS = 3, 4, 200  # the first step is not counted
# Speed of n cores over one is n to this power; histories of a training and users of an evaluation each have a core.
TRAINING_POWER, SCORING_POWER = 0.9, 0.95


class Calibration(BaseModel):
    """CPU seconds of one core: to open everything, of a real training token, of a user with both histories, of a
    text without one; and the most memory that they took, MiB."""

    opening: float
    token: float
    user: float
    text: float
    memory_mib: float

    def training_seconds(self, tokens: float) -> float:
        return tokens * self.token / cores() ** TRAINING_POWER

    def scoring_seconds(self, users: float, texts: float) -> float:
        return (users * self.user + texts * self.text) / cores() ** SCORING_POWER


def cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def calibrated(spec: RunSpec) -> Calibration | None:
    """What was measured for runs that cost the same per token and user; None where nothing was, or can be."""
    if spec.info.task != "likelihood":
        return None
    try:
        return Calibration(**json.loads(_file(spec).read_text()))
    except (OSError, ValueError, TypeError):
        return None


def _file(spec: RunSpec) -> Path:
    """Seeds, and how many tokens and users there are, change nothing of what one of them costs."""
    record = spec.model_dump(mode="json", include={"dataset", "split", "design", "plm", "model"})
    same = {"mode": spec.candidates.mode, "cores": cores()}
    if spec.training is not None:
        same |= {"batch": spec.training.batch_tokens, "dtype": spec.training.dtype}
        same |= {"contrast": bool(spec.training.contrast), "informative": bool(spec.training.informative)}
    return home() / "calibrations" / f"{digest_of([record, same])}.json"


def calibrate(spec: RunSpec) -> Calibration:
    """Measure, keep and return it; takes some seconds. Raises RunError for a model that scores its whole catalogue."""
    if spec.info.task != "likelihood":
        raise RunError(f"{spec.info.title} is foretold from its arithmetic", how="Only UPSR is calibrated.")
    import torch

    from upsr_core.runtime import keep_threads, peak_memory_mib

    with keep_threads():
        torch.set_num_threads(1)
        began = time.process_time()
        ranker, test, batches = _opened(spec)
        opening = time.process_time() - began
        token = _token(ranker.scorer.model, batches, spec)
        rows = range(min(1 if test.negatives is None else USERS, len(test)))
        histories = [test.history(row) for row in rows] * 2
        items = [test.items(row) for row in rows] * 2
        began = time.process_time()
        ranker.log_likelihoods(histories, items.__getitem__)
        user = (time.process_time() - began) / len(rows)
        texts = np.arange(min(TEXTS, len(ranker.tokens)))
        began = time.process_time()
        ranker.unconditional(texts)
        text = (time.process_time() - began) / len(texts)
    found = Calibration(opening=opening, token=token, user=user, text=text, memory_mib=peak_memory_mib())
    file = _file(spec)
    file.parent.mkdir(exist_ok=True)
    write_atomically(file, found.model_dump_json())
    return found


def _opened(spec: RunSpec):
    from upsr_core.datasets.splits import split, training_histories
    from upsr_core.evaluation.candidates import candidates_for
    from upsr_core.plm.loading import load_model
    from upsr_core.runs.user_ranking import likelihood_ranker
    from upsr_core.training.batches import MaskedBatches, Source

    dataset = spec.dataset.load()
    parts = split(dataset, spec.split)
    ranker = likelihood_ranker(spec, load_model(spec.plm.name), dataset, parts, spec.candidates.mode)
    test = candidates_for(dataset, parts, spec.candidates)
    wanted = spec.training.batch_tokens * STEPS if spec.training.trains else 0
    weights = np.ones(len(ranker.texts.ids)) if spec.training.informative else None
    source = Source(ranker.builder, training_histories(dataset, parts), weights)
    return ranker, test, MaskedBatches([source], spec.training, wanted)


def _token(model, batches, spec: RunSpec) -> float:
    """CPU seconds of a real token of training; 0 where nothing is trained."""
    import torch

    from upsr_core.training.objective import loss_of

    if not len(batches):
        return 0.0
    optimizer, spent, tokens = torch.optim.AdamW(model.parameters(), lr=1e-6), 0.0, 0
    for step in range(min(STEPS, len(batches))):
        began = time.process_time()
        batch = batches[step]
        with torch.autocast("cpu", torch.bfloat16, enabled=spec.training.dtype == "bfloat16"):
            loss = loss_of(model, batch, spec.training)
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        if step or len(batches) == 1:
            spent, tokens = spent + time.process_time() - began, tokens + int(batch["attention_mask"].sum())
    return spent / tokens
