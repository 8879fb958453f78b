"""What an import will take, found before it starts by working on the first part of each file."""

import os
import shutil
import time
from dataclasses import dataclass, replace
from pathlib import Path

from upsr_core.datasets import recbole
from upsr_core.datasets.event_file import read_events
from upsr_core.datasets.import_scratch import Scratch
from upsr_core.datasets.item_file import read_items
from upsr_core.datasets.recognition import Guess
from upsr_core.datasets.source_lines import is_gzip
from upsr_core.datasets.spec import ColumnMapping
from upsr_core.errors import DataError

WORTH_IT = 256 * 2**20  # bytes of both files; smaller ones take seconds
PARTS = (2**20, 2**25)  # bytes: a file's first part costs what starting costs, the second tells what a row costs more
DISK_PER_EVENT = 120  # bytes: read, ordered, thinned out and stored
# Names are counted, events ordered, dropped and stored in as much time again as they are read in.
AFTER_READING = 1.2


@dataclass(frozen=True)
class Cost:
    """About how many events and items there are, how long they take and how much of the disk meanwhile."""

    events: int
    items: int
    seconds: float
    disk: int

    def __str__(self) -> str:
        """
        >>> print(Cost(20_123_456, 2_000_000, 170.0, 5_200_000_000))
        About 20,100,000 events and 2,000,000 items: some 3 minutes, and 5.2 GB of the disk meanwhile.
        """
        minutes = max(1, round(self.seconds / 60))
        counts = [int(float(f"{count:.3g}")) for count in (self.events, self.items)]
        return (
            f"About {counts[0]:,} events and {counts[1]:,} items: some {minutes} minute{'s' * (minutes > 1)}, and "
            f"{self.disk / 1e9:.1f} GB of the disk meanwhile."
        )


def cost_of(
    scratch: Scratch, items: Guess, item_mapping: ColumnMapping, events: Guess, event_mapping: ColumnMapping
) -> Cost | None:
    """What the import of two files will take; None for small files, and where their first parts do not tell.

    Raises DataError where the disk has too little room for it.
    """
    if items.path.stat().st_size + events.path.stat().st_size < WORTH_IT or recbole.is_sequence_file(events.layout):
        return None
    try:
        count, seconds, _ = _tried(scratch, events, lambda part: read_events(scratch, part, event_mapping, _whole))
        # One process cleans the parts, all cores will clean the file.
        item_count, cleaning, size = _tried(
            scratch, items, lambda part: read_items(scratch, part, item_mapping, _whole, workers=1)
        )
    except DataError:  # the import will say what is wrong, or find better rows further down
        return None
    disk = DISK_PER_EVENT * count + size
    free = shutil.disk_usage(scratch.folder).free
    if free < disk:
        what = f"The import needs about {disk / 1e9:.1f} GB of the disk, {free / 1e9:.1f} GB are free"
        raise DataError(what, str(scratch.folder), "Free some space, or set UPSR_HOME to another disk.")
    total = seconds * (1 + AFTER_READING) + cleaning / max(os.cpu_count() or 1, 1)
    return Cost(count, item_count, total, disk)


def _whole() -> bool:
    """A part of a compressed file has no check sum of its own."""
    return True


def _tried(scratch: Scratch, source: Guess, read) -> tuple[int, float, int]:
    """Rows, seconds and bytes of a whole file as text, by what its first parts have and take."""
    rows, seconds, sizes, share = [], [], [], 1.0
    for most in PARTS:
        path = scratch.folder / "part"
        share = _first_part(source, path, most)
        began = time.perf_counter()
        found = read(replace(source, path=path))
        seconds.append(time.perf_counter() - began)
        rows.append(found.source_file.rows)
        sizes.append(path.stat().st_size)
        path.unlink()
    whole = rows[1] / share
    more = rows[1] - rows[0]
    each = max(seconds[1] - seconds[0], 0.0) / more if more else 0.0
    return round(whole), seconds[0] + each * (whole - rows[0]), round(sizes[1] / share)


def _first_part(source: Guess, path: Path, most: int) -> float:
    """Write the first rows of a file, about so many bytes of text; which share of the file they are."""
    if source.layout.form == "parquet":
        return _first_rows(source.path, path, most)
    import gzip

    with source.path.open("rb") as raw, path.open("wb") as part:
        file = gzip.GzipFile(fileobj=raw) if is_gzip(source.path) else raw
        part.write(file.read(most))
        part.write(file.readline())
        return raw.tell() / source.path.stat().st_size


def _first_rows(source: Path, path: Path, most: int) -> float:
    import pyarrow.parquet as pq

    file, size, count = pq.ParquetFile(source), 0, 0
    with pq.ParquetWriter(path, file.schema_arrow) as part:
        for batch in file.iter_batches():
            part.write_batch(batch)
            size, count = size + batch.nbytes, count + len(batch)
            if size >= most:
                break
    return count / file.metadata.num_rows
