"""Arrays as .npz files, whose parts carry checksums of their own."""

from pathlib import Path

import numpy as np

from upsr_core.logs import warn
from upsr_core.storage.atomic import replacing


def keep_arrays(file: Path, **arrays: np.ndarray) -> None:
    """Store arrays by name in one step."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with replacing(file) as temporary, temporary.open("wb") as stream:
        np.savez(stream, allow_pickle=False, **arrays)


def arrays_problem(file: Path) -> str:
    """What is wrong with stored arrays, all of their parts looked at; empty where nothing is."""
    try:
        with np.load(file, allow_pickle=False) as arrays:
            for name in arrays:
                arrays[name]
    except Exception as error:  # damaged bytes raise whatever the reader happens to meet
        return f"{file.name} is damaged: {type(error).__name__}"
    return ""


def kept_arrays(file: Path, *names: str) -> dict[str, np.ndarray] | None:
    """Stored arrays by name; None where there are none, or they are damaged and have to be made again."""
    try:
        with np.load(file, allow_pickle=False) as arrays:
            return {name: arrays[name] for name in names}
    except FileNotFoundError:
        return None
    except Exception:  # damaged bytes raise whatever the reader happens to meet
        warn(f"{file.parent.name}/{file.name} is damaged and made again")
        return None
