"""The checkpoints of a training: which one to go on from after a kill, damage, or a move of the home folder."""

import json
import shutil
from pathlib import Path

from upsr_core.logs import warn
from upsr_core.storage.records import SUMS, check_folder, seal_folder

STATE = "trainer_state.json"


def mark_complete(checkpoint: Path) -> None:
    """Say that a checkpoint is whole, with the sums of its files: written after everything else.

    A kill while saving leaves no seal; one while an old checkpoint is removed leaves the seal of what is gone.
    """
    seal_folder(checkpoint)


def is_whole(checkpoint: Path) -> bool:
    """Whether a checkpoint is there as it was saved."""
    try:
        check_folder(checkpoint)
    except (OSError, ValueError):
        return False
    return True


def last_checkpoint(folder: Path) -> Path | None:
    """The newest whole checkpoint of a training whose best checkpoint is whole too; others are of no use and removed.

    Without its best, a training would end with its last state instead, and nobody would know.
    """
    found = sorted(folder.glob("checkpoint-*"), key=_step)
    whole = {path.name for path in found if is_whole(path)}
    usable = [path for path in found if path.name in whole and best_of(path) in whole | {None}]
    newest = usable[-1] if usable else None
    needed = {newest.name, best_of(newest)} if newest else set()
    for path in found:
        if path.name not in whole or (path not in usable and path.name not in needed):
            if (path / SUMS).exists():  # not merely cut off while it was written
                warn(f"{folder.parent.name}: {path.name} is damaged or of no use without its best, and left out")
            shutil.rmtree(path)
    return newest


def forget_others(newest: Path, best: str | None) -> None:
    """Remove all checkpoints but the newest and the best; before there is a best, but the newest two."""
    older = sorted(newest.parent.glob("checkpoint-*"), key=_step)[:-1]
    kept = Path(best).name if best else older[-1].name if older else None
    for path in older:
        if path.name != kept:
            shutil.rmtree(path)


def _step(checkpoint: Path) -> int:
    return int(checkpoint.name.split("-")[1])


def _state(checkpoint: Path) -> dict:
    return json.loads((checkpoint / STATE).read_text(encoding="utf-8"))


def best_of(checkpoint: Path) -> str | None:
    """The name of the checkpoint with the best validation so far; None before the first."""
    best = _state(checkpoint)["best_model_checkpoint"]
    return Path(best).name if best else None


def stopped_early(checkpoint: Path, patience: int) -> bool:
    """Whether this checkpoint is the last one of a training that gained nothing more."""
    callbacks = _state(checkpoint).get("stateful_callbacks", {})
    counter = callbacks.get("EarlyStoppingCallback", {}).get("attributes", {}).get("early_stopping_patience_counter", 0)
    return counter >= patience
