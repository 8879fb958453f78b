"""The home folder, what comes with the product, what the machine offers, threads, seeds, the environment."""

import ctypes
import os
import platform
import re
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from ctypes.util import find_library
from importlib.metadata import PackageNotFoundError, version
from importlib.resources import files
from pathlib import Path

import psutil
from platformdirs import user_data_path

from upsr_core.errors import UpsrError, system_error

# Long work reports (done, total, what) and stops when the callback raises Cancelled; what it gives back is not used.
Progress = Callable[[float, float, str], object]

# The sample and the language models that come with the product: in a clone the folder `assets`, in a wheel part of it.
ASSETS = Path(str(files("upsr_core.assets")))

# Two waiting OpenMP threads that spin on a busy machine make everything 10 to 25 times slower;
# this must be set before torch is imported, and every entry point imports this module first.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")


def silent(done: float, total: float, what: str) -> None:
    """Progress that nobody sees."""


class Cancelled(Exception):
    """Raised by a progress callback when the user asked to stop."""


def home() -> Path:
    """The folder that holds datasets, designs and runs: `UPSR_HOME`, otherwise the platform's data folder."""
    path = Path(os.environ["UPSR_HOME"]) if os.environ.get("UPSR_HOME") else user_data_path("upsr", appauthor=False)
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise system_error(error, path) from error
    return path


def keep_freed_memory() -> None:
    """Let glibc keep freed memory for the next allocation, where there is glibc.

    A training on a CPU otherwise gives its large arrays back and is given zeroed pages again at every step: with the
    embedded model a third more tokens a second on two cores.
    """
    library = find_library("c")
    if sys.platform != "linux" or library is None or not hasattr(libc := ctypes.CDLL(library), "mallopt"):
        return
    trim_threshold, mmap_max = -1, -4  # M_TRIM_THRESHOLD, M_MMAP_MAX of malloc.h
    libc.mallopt(mmap_max, 0)
    libc.mallopt(trim_threshold, 2**31 - 1)


def memory_bytes(text: str) -> int:
    """An amount of memory as written on a command line.

    >>> memory_bytes("2GB"), memory_bytes("1.5 GiB"), memory_bytes("512mb")
    (2000000000, 1610612736, 512000000)
    """
    found = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([kmgt])(i?)b?\s*", text, re.IGNORECASE)
    if not found:
        raise UpsrError(f"{text!r} is not an amount of memory", how="Write it like 2GB or 512MB.")
    step = 1024 if found[3] else 1000
    return int(float(found[1]) * step ** (1 + "kmgt".index(found[2].lower())))


def peak_memory_mib() -> float:
    """The most memory that this process has held so far, MiB."""
    if sys.platform == "win32":
        return round(psutil.Process().memory_info().peak_wset / 2**20, 1)
    import resource

    unit = 2**20 if sys.platform == "darwin" else 2**10  # ru_maxrss counts bytes there, KiB elsewhere
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit, 1)


def forget_peak_memory() -> None:
    """Count `peak_memory_mib` anew, where the system can (Linux): a process may work on several runs."""
    with suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")


@contextmanager
def keep_threads() -> Iterator[None]:
    """Give torch its number of threads back at the end, where work within it takes another."""
    import torch

    before = torch.get_num_threads()
    try:
        yield
    finally:
        torch.set_num_threads(before)


@contextmanager
def one_core_each(count: int) -> Iterator[ThreadPoolExecutor]:
    """`count` threads whose torch computes on one core each: none waits for the others, as cores at one product do."""
    import torch

    threads = torch.get_num_threads()
    try:
        with ThreadPoolExecutor(count, initializer=_one_core) as pool:
            yield pool
    finally:
        torch.set_num_threads(threads)  # for threads that are not born yet


def _one_core() -> None:
    import torch

    torch.get_num_threads()  # at a thread's first question torch sets its number; it must not do so later
    torch.set_num_threads(1)


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
