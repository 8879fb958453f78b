"""One training on transformers' Trainer: validation by ranking, early stopping, progress, cancel, exact resume.

In several processes (torchrun, accelerate; DDP or FSDP) each step's batch is split over them, so that the training is
the one of a single process.
"""

import copy
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import MethodType
from typing import Literal, Protocol, TypeVar

import pandas as pd
import torch
from transformers import EarlyStoppingCallback, PrinterCallback, Trainer, TrainerCallback, TrainingArguments
from transformers.trainer_callback import TrainerState
from transformers.utils import logging

from upsr_core.errors import RunError
from upsr_core.runtime import Cancelled, Progress, keep_freed_memory, keep_threads, seed_everything
from upsr_core.training import distributed
from upsr_core.training.batches import Batches, Parts
from upsr_core.training.checkpoints import (
    STATE,
    best_of,
    forget_others,
    is_whole,
    last_checkpoint,
    mark_complete,
    stopped_early,
)
from upsr_core.training.spec import CURVE

LOG_EVERY = 10
Model = TypeVar("Model", bound=torch.nn.Module)

# Validation of a model: at least `ndcg10`, `user_dependence`, `low`, `high`.
Validate = Callable[[object], dict[str, float]]
# The loss of a model on a batch, where it is not the model's own.
Loss = Callable[[object, dict], object]


class Settings(Protocol):
    """What a training reads of a specification: validations in all, and how many without a gain end it."""

    @property
    def learning_rate(self) -> float: ...

    @property
    def evaluations(self) -> int: ...

    @property
    def patience(self) -> int: ...

    @property
    def seed(self) -> int: ...


@dataclass(frozen=True)
class Adam:
    """What a training asks of AdamW beside the learning rate; gradients of a norm above `clip` are shortened to it,
    0 leaves them as they are."""

    beta2: float = 0.999
    weight_decay: float = 0.0
    clip: float = 1.0


class _RankingTrainer(Trainer):
    """Trainer whose evaluation is a ranking, not a loss; `twin` is what holds the whole model where it is sharded."""

    def __init__(self, *args, validate: Validate | None, twin, **kwargs):
        self.validate, self.twin = validate or (lambda _: {}), twin
        super().__init__(*args, **kwargs)

    def evaluate(self, *_, **__):
        whole, found = self.whole_model(), dict[str, float]()
        if distributed.first():
            with keep_threads():
                torch.set_num_threads(torch.get_num_threads() * distributed.local_count())  # the others wait
                found = self.validate(whole)
        metrics = {f"eval_{name}": value for name, value in distributed.broadcast(found).items()}
        self.log(metrics)
        self.control = self.callback_handler.on_evaluate(self.args, self.state, self.control, metrics)
        return metrics

    def end_where_it_stopped(self, checkpoint: Path, best: str) -> None:
        """What a training does at its end, for one that was killed between its end and the saving of its model."""
        self.state = TrainerState.load_from_json(str(checkpoint / STATE))
        self.state.best_model_checkpoint = str(checkpoint.with_name(best))
        self._load_best_model()

    def _load_best_model(self) -> None:
        best = self.state.best_model_checkpoint
        if best is None or not is_whole(Path(best)):
            raise RunError("The best checkpoint of this training was removed or damaged", best or "", "Resume the run.")
        super()._load_best_model()

    def whole_model(self):
        """The model as it is now, with all its weights: in the first process; every process has to ask."""
        if not self.is_fsdp_enabled:
            return self.model
        state = self.accelerator.get_state_dict(self.model)
        if distributed.first():
            self.twin.load_state_dict(state)
        return self.twin


class _Watch(TrainerCallback):
    """Reports progress, keeps the curve, honours cancelling, and marks checkpoints that are complete."""

    def __init__(self, curve: Callable[[pd.DataFrame], None], progress: Progress, what: str, best: str | None):
        self.curve, self.progress, self.what, self.best = curve, progress, what, best
        self.cancelled: Cancelled | None = None

    def on_train_begin(self, args, state, control, **_):
        if self.best:  # the state names its folder as it was then: the home folder may have moved since
            state.best_model_checkpoint = str(Path(args.output_dir) / self.best)

    def on_step_end(self, args, state, control, **_):
        try:
            self.progress(state.global_step, state.max_steps, self.what)
        except Cancelled as cancelled:
            self.cancelled = cancelled
        # Stop where the loss is logged, so that the curve after resuming is the undisturbed one.
        if state.global_step % LOG_EVERY == 0 and distributed.broadcast(self.cancelled is not None):
            self.cancelled = self.cancelled or Cancelled()
            control.should_save = control.should_training_stop = True

    def on_log(self, args, state, control, **_):
        self.curve(curve_of(state.log_history))

    def on_save(self, args, state, control, **_):
        distributed.wait_for_all()
        if distributed.first():
            newest = Path(args.output_dir) / f"checkpoint-{state.global_step}"
            mark_complete(newest)
            # Not before: a kill in between would find neither the best checkpoint nor one to go on from.
            forget_others(newest, state.best_model_checkpoint)
        distributed.wait_for_all()


def curve_of(log_history: list[dict]) -> pd.DataFrame:
    """The learning curve from Trainer's log.

    Returns
    -------
    DataFrame
        One row per logged step, NaN where a value was not taken; columns CURVE. `tokens` are real encoder tokens seen
        (of a model of item ids: items of histories), `ndcg10` the validation NDCG@10, `user_dependence` the gain of
        the right history over another user's with its 95 % interval `low`, `high`.
    """
    names = {"loss": "loss", "num_input_tokens_seen": "tokens"}
    names |= {f"eval_{name}": name for name in ("ndcg10", "user_dependence", "low", "high")}
    rows: dict[int, dict] = {}
    for record in log_history:
        row = rows.setdefault(record["step"], {"step": record["step"]})
        row.update({names[key]: float(value) for key, value in record.items() if key in names})
    return pd.DataFrame(list(rows.values()), columns=list(CURVE))


def train(
    model: Model,
    batches: Batches,
    spec: Settings,
    folder: Path,
    progress: Progress,
    what: str,
    validate: Validate | None = None,
    curve: Callable[[pd.DataFrame], None] = lambda _: None,
    schedule: Literal["linear", "constant"] = "linear",
    loss: Loss | None = None,
    accumulation: int = 1,
    half: bool = False,
    adam: Adam = Adam(),
) -> Model:
    """Train `model` over all `batches`, one a step; with `validate`, the best validated state is kept.

    A training that was killed or cancelled goes on from its last whole checkpoint and sees the same batches.

    Parameters
    ----------
    model : torch.nn.Module
        Its forward pass gives a loss, unless `loss` does.
    batches
        One a step, each a function of its number alone.
    spec
        Learning rate, validations in all, patience, seed.
    folder
        Where checkpoints are kept.
    progress
        Called with (steps done, in all, `what`).
    what
        What a person is told that is done.
    validate
        Ranks with the model as it is; the state with the best `ndcg10` is kept, and `spec.patience` validations
        without a gain end the training. None for a training without validation.
    curve
        Called with the learning curve whenever it grows, see `curve_of`.
    schedule
        The learning rate falls linearly after a short rise, or is constant: for trainings that end by early stopping.
    loss
        The loss of the model on a batch, where it is not the model's own.
    accumulation
        Parts of a batch that follow one another in each process, which changes memory and nothing else.
    half
        Compute the linear layers in bfloat16, with weights in float32.
    adam
        The optimiser's settings.

    Returns
    -------
    torch.nn.Module
        The trained model: `model` itself, unless its weights were sharded over processes; it is whole in the first
        process.

    Raises
    ------
    Cancelled
        Where `progress` did, after saving.
    RunError
        The best checkpoint was removed meanwhile, or the batches cannot be shared by several processes.
    """
    keep_freed_memory()
    if not distributed.first():
        progress, curve = (lambda *_: None), (lambda _: None)
    seed_everything(spec.seed)
    logging.set_verbosity_error()  # Trainer warns of tied weights that are not in a checkpoint twice
    steps = len(batches)
    # Validation and checkpoints fall on logged steps, for exact resuming.
    every = max(LOG_EVERY, round(steps / spec.evaluations / LOG_EVERY) * LOG_EVERY)
    arguments = TrainingArguments(
        str(folder),
        per_device_train_batch_size=1,  # an element of `batches` is a whole batch, or a part of one
        gradient_accumulation_steps=accumulation,
        bf16=half,
        use_cpu=not torch.cuda.is_available(),
        remove_unused_columns=False,  # the loss takes more than the model does
        ddp_find_unused_parameters=False,
        max_steps=steps,
        learning_rate=spec.learning_rate,
        adam_beta2=adam.beta2,
        weight_decay=adam.weight_decay,
        max_grad_norm=adam.clip,
        lr_scheduler_type=schedule,
        warmup_steps=max(1, steps // 20) if schedule == "linear" else 0,
        logging_steps=LOG_EVERY,
        eval_strategy="steps" if validate else "no",
        eval_steps=every if validate else None,
        save_strategy="steps",
        save_steps=every,
        load_best_model_at_end=validate is not None,
        metric_for_best_model="eval_ndcg10" if validate else None,
        greater_is_better=True if validate else None,
        restore_callback_states_from_checkpoint=True,
        include_num_input_tokens_seen="non_padding",
        train_sampling_strategy="sequential",
        dataloader_pin_memory=False,
        report_to="none",
        disable_tqdm=True,
        seed=spec.seed,
        optim="adamw_torch",
    )
    past = distributed.broadcast(_past(folder, spec) if distributed.first() else None)
    watch = _Watch(curve, progress, what, past.best if past else None)
    callbacks = [watch] + ([EarlyStoppingCallback(spec.patience)] if validate else [])
    parts = Parts(batches, accumulation * distributed.count())
    twin = copy.deepcopy(model) if distributed.sharded() else model
    with forward_is(model, loss):
        trainer = _RankingTrainer(
            model,
            arguments,
            data_collator=_only_element,
            train_dataset=parts,
            eval_dataset=parts if validate else None,
            callbacks=callbacks,
            validate=validate,
            twin=twin,
        )
        trainer.remove_callback(PrinterCallback)
        if past and past.best and past.ended:
            trainer.end_where_it_stopped(past.checkpoint, past.best)
        else:
            trainer.train(resume_from_checkpoint=str(past.checkpoint) if past else None)
        curve(curve_of(trainer.state.log_history))
        if watch.cancelled:
            raise watch.cancelled
        trained = trainer.whole_model()
    return trained.eval()


@dataclass(frozen=True)
class _Past:
    """The checkpoint to go on from, the name of the best one, and whether it is the end of a training stopped early."""

    checkpoint: Path
    best: str | None
    ended: bool


def _past(folder: Path, spec: Settings) -> _Past | None:
    """What was trained before; None where nothing was."""
    checkpoint = last_checkpoint(folder)
    if checkpoint is None:
        return None
    # Sharded weights are loaded by a training alone, which ends with its next validation then.
    ended = not distributed.sharded() and stopped_early(checkpoint, spec.patience)
    return _Past(checkpoint, best_of(checkpoint), ended)


@contextmanager
def forward_is(model: torch.nn.Module, loss: Loss | None) -> Iterator[None]:
    """Within it, calling the model gives its loss: DDP and FSDP see only what is called through them."""
    if loss is None:
        yield
        return
    vars(model)["forward"] = MethodType(lambda self, **batch: {"loss": loss(self, batch)}, model)
    vars(model)["accepts_loss_kwargs"] = False  # Trainer would otherwise scale the loss once more
    try:
        yield
    finally:
        for name in ("forward", "_original_forward"):
            vars(model).pop(name, None)


def _only_element(batch: list[dict]) -> dict:
    return batch[0]
