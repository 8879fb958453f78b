"""What a training step and a scored user of UPSR cost on this machine: a few of each, in CPU seconds of one core.

CPU time, because on a busy machine the clock counts the work of others too.
"""

import time

import numpy as np

from upsr_core.datasets.splits import Split, training_histories
from upsr_core.datasets.store import Dataset
from upsr_core.evaluation.candidates import Candidates
from upsr_core.models.cost import Calibration
from upsr_core.models.upsr import Upsr, UpsrSpec
from upsr_core.runtime import keep_threads, peak_memory_mib
from upsr_core.training.batches import MaskedBatches, Source
from upsr_core.training.spec import TrainingSpec

STEPS, USERS, TEXTS = 3, 4, 200  # the first step is not counted


def measure(upsr: Upsr, spec: UpsrSpec, dataset: Dataset, parts: Split, test: Candidates) -> Calibration:
    """Open everything that a run opens, train some steps and score some users; takes some seconds."""
    import torch

    with keep_threads():
        torch.set_num_threads(1)
        began = time.process_time()
        ranker = upsr.open(spec, dataset, parts, test.mode, None)
        batches = _batches(ranker, spec, dataset, parts)
        _ = ranker.scorer
        opening = time.process_time() - began
        token = _token(ranker.model, batches, spec.training)
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
    return Calibration(opening=opening, token=token, user=user, text=text, memory_mib=peak_memory_mib())


def _batches(ranker, spec: UpsrSpec, dataset: Dataset, parts: Split) -> MaskedBatches:
    wanted = spec.training.batch_tokens * STEPS if spec.training.trains else 0
    weights = np.ones(len(ranker.texts.ids)) if spec.training.informative else None
    source = Source(ranker.builder, training_histories(dataset, parts), weights)
    return MaskedBatches([source], spec.training, wanted)


def _token(model, batches: MaskedBatches, training: TrainingSpec) -> float:
    """CPU seconds of a real token of training; 0 where nothing is trained."""
    import torch

    from upsr_core.training.objective import loss_of

    if not len(batches):
        return 0.0
    optimizer, spent, tokens = torch.optim.AdamW(model.parameters(), lr=1e-6), 0.0, 0
    for step in range(min(STEPS, len(batches))):
        began = time.process_time()
        batch = batches[step]
        with torch.autocast("cpu", torch.bfloat16, enabled=training.dtype == "bfloat16"):
            loss = loss_of(model, batch, training)
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        if step or len(batches) == 1:
            spent, tokens = spent + time.process_time() - began, tokens + int(batch["attention_mask"].sum())
    return spent / tokens
