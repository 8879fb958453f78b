"""Time and memory of imports that grow, and the obvious pandas program on the smallest source beside them."""

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import psutil

from upsr_core.errors import DataError
from upsr_core.runtime import Progress
from workshop.benchmarks.ingest_source import write_source

ITEMS_PER_EVENT = 0.1
BYTES_PER_EVENT = 650  # of the disk at most: the two source files and the import's own
LOOKS = 0.02  # seconds between two looks at the memory of a process


def bench(millions: tuple[float, ...], memory: str, folder: Path | None = None, progress: Progress | None = None):
    """Import generated sources of these millions of interactions, each in a process of its own.

    The smallest is imported, prepared by pandas, and imported again; the source of each size is removed after its turn.

    Returns:
        ratio_pandas_time: seconds of pandas by seconds of an import. ratio_pandas_memory: peak of an import by the
        peak of pandas. peak_gb: of the largest import, all its processes together. growth_exponent: the slope of
        log seconds over log interactions, where there are several sizes. seconds, peaks_gb, source_gb by size.

    Raises DataError where the disk is too small or a program fails.
    """
    sizes = sorted(millions)
    result: dict = {"memory": memory, "seconds": {}, "peaks_gb": {}, "source_gb": {}}
    with TemporaryDirectory(prefix="upsr-ingest-", dir=folder) as place:
        for number, size in enumerate(sizes):
            events = round(size * 1e6)
            _check_disk(Path(place), events)
            _tell(progress, number, len(sizes), f"writing {size:g} million interactions")
            files = write_source(Path(place), events, max(round(events * ITEMS_PER_EVENT), 1))
            programs = ["import", "pandas", "import"] if number == 0 else ["import"]
            found: dict[str, list] = {"import": [], "pandas": []}
            for program in programs:
                _tell(progress, number, len(sizes), f"{size:g} million interactions, {program}")
                found[program].append(_run(program, Path(place), files, memory))
            seconds, peak = _mean(found["import"])
            result["seconds"][f"{size:g}"], result["peaks_gb"][f"{size:g}"] = round(seconds, 2), round(peak / 1e9, 3)
            result["source_gb"][f"{size:g}"] = round(sum(file.stat().st_size for file in files) / 1e9, 2)
            result["peak_gb"] = round(peak / 1e9, 3)
            if found["pandas"]:
                theirs, their_peak = _mean(found["pandas"])
                result |= {"seconds_pandas": round(theirs, 2), "peak_gb_pandas": round(their_peak / 1e9, 3)}
                result |= {"ratio_pandas_time": theirs / seconds, "ratio_pandas_memory": peak / their_peak}
            for file in files:
                file.unlink()
    if len(sizes) > 1:
        logs = np.log(sizes), np.log(list(result["seconds"].values()))
        result["growth_exponent"] = float(np.polyfit(*logs, 1)[0])
    return result


def _check_disk(place: Path, events: int) -> None:
    needed, free = events * BYTES_PER_EVENT, shutil.disk_usage(place).free
    if free < needed:
        raise DataError(
            f"{events:,} interactions need {needed / 1e9:.1f} GB of disk, {free / 1e9:.1f} GB are free",
            str(place),
            "Name another folder (--folder) or smaller sizes (--millions).",
        )


def _run(program: str, place: Path, files: tuple[Path, Path], memory: str) -> tuple[float, int]:
    """Seconds of a program from start to end, and the most memory that its processes held together, bytes."""
    home = place / "home"
    home.mkdir()
    items, events = map(str, files)
    command = [sys.executable, "-m", "workshop.benchmarks.ingest_rival", items, events, str(home)]
    if program == "import":
        command = [sys.executable, "-m", "upsr_core", "data", "import", "bench", "--items", items, "--events", events]
        command += ["--memory", memory]
    began = time.perf_counter()
    with (place / "said").open("w+") as said:
        process = subprocess.Popen(command, env={**os.environ, "UPSR_HOME": str(home)}, stdout=said, stderr=said)
        peak = 0
        while process.poll() is None:
            peak = max(peak, _held(process.pid))
            time.sleep(LOOKS)
        seconds = time.perf_counter() - began
        if process.returncode:
            said.seek(0)
            raise DataError(f"The program {program!r} failed", how=" ".join(said.read().split())[-500:])
    shutil.rmtree(home)
    return seconds, peak


def _held(pid: int) -> int:
    """Resident memory of a process and all below it, bytes; what they share counts for each."""
    total = 0
    try:
        for process in [own := psutil.Process(pid), *own.children(recursive=True)]:
            total += process.memory_info().rss
    except psutil.Error:  # one that has just ended
        pass
    return total


def _mean(found: list[tuple[float, int]]) -> tuple[float, int]:
    """Mean seconds, and the highest peak."""
    return float(np.mean([seconds for seconds, _ in found])), max(peak for _, peak in found)


def _tell(progress: Progress | None, done: int, total: int, what: str) -> None:
    if progress:
        progress(done, total, what)
