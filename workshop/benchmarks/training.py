"""The benchmark of training: tokens a second against Seq2SeqTrainer, same model, optimiser and samples, in turns."""

import tempfile
import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from torch.utils.data import Dataset as TorchDataset
from transformers import (
    DataCollatorForSeq2Seq,
    PreTrainedTokenizerFast,
    PrinterCallback,
    Seq2SeqTrainer,
    Seq2SeqTrainingArguments,
    TrainerCallback,
)

from upsr_core.runtime import Progress, keep_freed_memory, seed_everything
from upsr_core.text.masking import choose_masks
from upsr_core.training.batches import MaskedBatches, Source, plan_batches
from upsr_core.training.objective import loss_of
from upsr_core.training.spec import TrainingSpec
from upsr_core.training.trainer import forward_is

TURN = 3  # steps that one does before the next has its turn
RATE, WARMUP = 1e-3, 10
OURS, RIVALS = "ours", {"default": "random", "grouped": "group_by_length"}


class _Samples(TorchDataset):
    """Masked samples one by one, made beforehand: what transformers trains on; the batches are its own."""

    def __init__(self, source: Source, spec: TrainingSpec):
        rng, builder = np.random.default_rng(spec.seed), source.builder
        self.rows = []
        for history in source.histories:
            if len(history) < 2:
                continue
            kept = history[builder.first_kept(history) :]
            masks = choose_masks(len(kept), rng, spec.mask_share, spec.last_only)
            sequence, target = builder.masked(kept, masks)
            ones = [1] * len(sequence.ids)
            self.rows.append({"input_ids": sequence.ids.tolist(), "attention_mask": ones, "labels": target.tolist()})

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, number: int) -> dict:
        return self.rows[number]


class _Turns:
    """Trainings that step in turns, each in a thread of its own, so that all meet the same moods of the machine."""

    def __init__(self, names: list[str]):
        self.waiting, self.turn = list(names), threading.Condition()

    def wait_for(self, name: str) -> None:
        with self.turn:
            self.turn.wait_for(lambda: self.waiting[0] == name)

    def pass_on(self, name: str, ended: bool = False) -> None:
        with self.turn:
            self.waiting.remove(name)
            self.waiting += [] if ended else [name]
            self.turn.notify_all()


class _Meter(TrainerCallback):
    """Notes seconds, real tokens and loss of every step while it is this training's turn."""

    def __init__(self, name: str, turns: _Turns, tokens: int, report: Callable[[int], object], failures: list):
        self.name, self.turns, self.most, self.report, self.failures = name, turns, tokens, report, failures
        self.steps: list[dict] = []
        self.batch: dict = {}

    def on_train_begin(self, args, state, control, **_):
        self.turns.wait_for(self.name)
        self.began = time.perf_counter()

    def saw(self, batch: dict[str, torch.Tensor], loss: torch.Tensor) -> None:
        encoder, decoder = int(batch["attention_mask"].sum()), int((batch["labels"] >= 0).sum())
        cells = batch["input_ids"].numel() + batch["labels"].numel()
        self.batch = {"tokens": encoder + decoder, "cells": cells, "targets": decoder, "loss": float(loss)}
        self.batch["histories"] = len(batch["labels"])

    def on_step_end(self, args, state, control, **_):
        self.steps.append({"seconds": time.perf_counter() - self.began, **self.batch})
        done = sum(step["tokens"] for step in self.steps)
        control.should_training_stop = done >= self.most or bool(self.failures)
        if len(self.steps) % TURN == 0 and not control.should_training_stop:
            self.report(done)
            self.turns.pass_on(self.name)
            self.turns.wait_for(self.name)
        self.began = time.perf_counter()


class _Metered(Seq2SeqTrainer):
    """Seq2SeqTrainer that shows its meter every batch and its loss."""

    meter: _Meter

    def compute_loss(self, model, inputs, *arguments, **options):
        found = super().compute_loss(model, inputs, *arguments, **options)
        loss = found if isinstance(found, torch.Tensor) else found[0]
        self.meter.saw(inputs, loss.detach())
        return found


def bench(make_model: Callable, tokenizer: PreTrainedTokenizerFast, source: Source, tokens: int, progress: Progress):
    """Real tokens a second (encoder and target) of our training and of Seq2SeqTrainer, over `tokens` of each.

    The rivals are Seq2SeqTrainer with DataCollatorForSeq2Seq, which pads to the longest of a batch: `default` draws
    batches at random, `grouped` groups them by length. Their batches have as many histories as ours have on average.
    The loss of the rivals' last third of tokens is set against ours: `loss_gap_*` with the standard error of the
    difference, from the spread of the steps.
    """
    keep_freed_memory()
    spec = TrainingSpec(tokens=tokens, learning_rate=RATE)
    lengths = source.samples(False)[2]
    plan = plan_batches(lengths, tokens, spec.batch_tokens, spec.seed)
    size = max(1, round(np.mean([len(batch) for batch in plan])))
    samples = _Samples(source, spec)
    turns = _Turns([OURS, *RIVALS])
    meters, threads = dict[str, _Meter](), list[threading.Thread]()
    failures: list[BaseException] = []
    with tempfile.TemporaryDirectory() as folder:
        # All are built before one begins: the arguments of a Trainer reset what all Trainers of a process share.
        for name in (OURS, *RIVALS):
            meter = meters[name] = _Meter(name, turns, tokens, _reported(progress, tokens, name), failures)
            model, place = make_model(), Path(folder) / name
            if name == OURS:
                batches = MaskedBatches([source], spec, 2 * tokens)
                trainer = _trainer(model, batches, _only_element, place, meter, 1, "sequential")
                train: Callable[[], object] = partial(_with_loss, trainer, model, partial(loss_of, spec=spec))
            else:
                collator = DataCollatorForSeq2Seq(tokenizer, model)
                train = _trainer(model, samples, collator, place, meter, size, RIVALS[name]).train
            threads.append(threading.Thread(target=_guarded, args=(train, name, turns, failures)))
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    if failures:
        raise failures[0]
    return summary({name: pd.DataFrame(meter.steps) for name, meter in meters.items()})


def _reported(progress: Progress, tokens: int, what: str) -> Callable[[int], object]:
    return lambda done: progress(min(done, tokens), tokens, what)


def _guarded(run: Callable, name: str, turns: _Turns, failures: list) -> None:
    try:
        run()
    except BaseException as error:
        failures.append(error)
    finally:
        turns.pass_on(name, ended=True)


def _with_loss(trainer: Seq2SeqTrainer, model, loss: Callable) -> None:
    with forward_is(model, loss):
        trainer.train()


def _only_element(batch: list[dict]) -> dict:
    return batch[0]


def _trainer(model, data, collator, folder: Path, meter: _Meter, size: int, sampling: str) -> "_Metered":
    """A training with what all have in common."""
    seed_everything(0)
    trainer = _Metered(
        model,
        Seq2SeqTrainingArguments(
            str(folder), per_device_train_batch_size=size, num_train_epochs=1000, learning_rate=RATE,
            lr_scheduler_type="constant_with_warmup", warmup_steps=WARMUP, save_strategy="no", logging_strategy="no",
            report_to="none", disable_tqdm=True, train_sampling_strategy=sampling, optim="adamw_torch",
            dataloader_pin_memory=False, remove_unused_columns=False, seed=0,
        ),
        data_collator=collator,
        train_dataset=data,
        callbacks=[meter],
    )  # fmt: skip
    trainer.remove_callback(PrinterCallback)
    trainer.meter = meter
    return trainer


def summary(steps: dict[str, pd.DataFrame]) -> dict:
    """The figures of `bench` from the steps of each training: seconds, tokens, cells, targets, loss, histories."""
    # The first steps fill caches and pools.
    rates = {name: table.tokens[TURN:].sum() / table.seconds[TURN:].sum() for name, table in steps.items()}
    result = {
        "tokens_per_second": float(rates[OURS]),
        **{f"ratio_trainer_{name}": float(rates[OURS] / rates[name]) for name in RIVALS},
        **{f"tokens_per_second_{name}": float(rates[name]) for name in RIVALS},
    }
    ends = {name: _last_losses(table) for name, table in steps.items()}
    result["loss"] = float(ends[OURS].mean())
    for name in RIVALS:
        error = np.hypot(*(part.std(ddof=1) / np.sqrt(len(part)) for part in (ends[OURS], ends[name])))
        result[f"loss_gap_{name}"] = float(ends[OURS].mean() - ends[name].mean())
        result[f"loss_gap_{name}_error"] = float(error)
    for name, table in steps.items():
        result[f"real_share_{name}"] = float(table.tokens.sum() / table.cells.sum())
        result[f"histories_per_step_{name}"] = float(table.histories.mean())
    return {
        **result,
        "curves": {name: _curve(table) for name, table in steps.items()},
        "threads": torch.get_num_threads(),
        "device": "cuda" if torch.cuda.is_available() else "cpu",
    }


def _last_losses(table: pd.DataFrame) -> np.ndarray:
    seen = table.tokens.cumsum()
    return table.loss[seen > 2 / 3 * seen.iloc[-1]].to_numpy()


def _curve(table: pd.DataFrame, points: int = 10) -> list[dict]:
    """Loss over equal shares of the tokens seen, every target token counted alike."""
    seen = table.tokens.cumsum()
    share = np.minimum((seen / seen.iloc[-1] * points).astype(int), points - 1)
    return [
        {"tokens": int(seen[part.index[-1]]), "loss": round(float(np.average(part.loss, weights=part.targets)), 4)}
        for _, part in table.groupby(share)
    ]
