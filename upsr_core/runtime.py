"""Where things are stored, what the machine offers, threads, seeds, and the record of the environment."""

import json
import os
import platform
import sys
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import psutil
from platformdirs import user_data_path

# Long work reports (done, total, what) and stops when the callback raises Cancelled.
Progress = Callable[[float, float, str], None]

ASSETS = Path(__file__).resolve().parent.parent / "assets"

# Two waiting OpenMP threads that spin on a busy machine make everything 10 to 25 times slower;
# this must be set before torch is imported, and every entry point imports this module first.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")


class Cancelled(Exception):
    """Raised by a progress callback when the user asked to stop."""


def home() -> Path:
    """The folder that holds datasets, designs and runs: `UPSR_HOME`, otherwise the platform's data folder."""
    path = Path(os.environ["UPSR_HOME"]) if os.environ.get("UPSR_HOME") else user_data_path("upsr", appauthor=False)
    path.mkdir(parents=True, exist_ok=True)
    return path


def write_atomically(path: Path, text: str) -> None:
    """Write a file so that a reader, or a kill at any moment, sees the old text or the new one, never half."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    with temporary.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)


def write_json(path: Path, value) -> None:
    write_atomically(path, json.dumps(value, indent=2, ensure_ascii=False) + "\n")


def seed_everything(seed: int) -> None:
    """Seed python, numpy and torch; transformers does all three."""
    from transformers import set_seed

    set_seed(seed)


def environment() -> dict:
    """Versions, machine and threads of this process, stored with every run."""
    packages = {}
    for name in ("upsr-studio", "torch", "transformers", "accelerate", "tokenizers", "pandas", "numpy", "duckdb"):
        try:
            packages[name] = version(name)
        except PackageNotFoundError:
            packages[name] = "not installed"
    record = {
        "python": platform.python_version(),
        "platform": platform.platform(),
        "cores": os.cpu_count(),
        "memory_gib": round(psutil.virtual_memory().total / 2**30, 1),
        "packages": packages,
    }
    if "torch" in sys.modules:
        import torch

        record["threads"] = torch.get_num_threads()
        record["device"] = torch.cuda.get_device_name() if torch.cuda.is_available() else "cpu"
    return record
