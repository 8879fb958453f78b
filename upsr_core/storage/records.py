"""What is stored stays readable over versions, and damage is noticed: numbered and sealed records, sums of files.

A record is a JSON file with the number of its `format`, the SHA-256 of the `files` that belong to it, and a `seal`, the
digest of all the rest. FORMATS says which formats can be read, and how an older one becomes today's.
"""

import hashlib
import json
from collections.abc import Callable, Iterable
from pathlib import Path

from upsr_core.schema import digest_of
from upsr_core.storage.atomic import write_json

Record = dict
Step = Callable[[Record], Record]


class Damaged(ValueError):
    """A stored file is missing or not what was written; `file` says which, `reason` why it is thought so."""

    def __init__(self, file: Path, reason: str):
        self.file, self.reason = Path(file), reason
        super().__init__(f"{self.file.name} {reason}")


class Newer(ValueError):
    """A stored record has a format that this version does not know yet."""

    def __init__(self, file: Path, number: int, known: int):
        self.file = Path(file)
        super().__init__(
            f"it was made by a newer version of UPSR Studio ({self.file.name} has format {number}, this version reads "
            f"up to {known}); update UPSR Studio to open it"
        )


def _bare(name: str) -> Step:
    """Before records had numbers, a specification was the whole file."""
    return lambda record: {name: record}


def _same(record: Record) -> Record:
    """Only the seal and the sums of files are new; an older record has none, so they are not looked at."""
    return record


# Of every kind the steps from each older format to the next one; today's format is one more than the highest.
FORMATS: dict[str, dict[int, Step]] = {
    "dataset": {1: _same},
    "run": {0: _bare("spec")},
    "result": {0: _same},
    "study": {0: _bare("spec")},
    "experiment": {0: _bare("spec")},
    "outcome": {0: _same},
    "training": {0: _same},
    "indicator": {0: _same},
    "design": {0: _bare("design")},
    "folder": {0: lambda _: {}},
}


def newest(kind: str) -> int:
    """The format in which records of a kind are written."""
    return max(FORMATS[kind]) + 1


def sum_of(file: Path) -> str:
    """The SHA-256 of a file, hexadecimal."""
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def write_record(file: Path, kind: str, value: Record, files: Iterable[str] = ()) -> None:
    """Write a record in one step, with the sums of `files` beside it (paths relative to its folder)."""
    sums = {name: sum_of(file.parent / name) for name in files}
    record = json.loads(json.dumps({"format": newest(kind), **value, "files": sums}))
    write_json(file, {**record, "seal": digest_of(record)})


def read_record(file: Path, kind: str) -> Record:
    """A record in today's format, its `files` among the rest.

    Raises FileNotFoundError, Damaged, or Newer where another version wrote it.
    """
    try:
        record = json.loads(file.read_bytes().decode("utf-8"))
    except (ValueError, RecursionError):
        raise Damaged(file, "is not JSON") from None
    if not isinstance(record, dict):
        raise Damaged(file, "holds no record")
    seal = record.pop("seal", None)
    if seal is not None and seal != digest_of(record):
        raise Damaged(file, "is not what was stored: its seal is broken")
    number, steps = record.get("format", 0), FORMATS[kind]
    if not isinstance(number, int) or number < min(steps):
        raise Damaged(file, f"has no format that can be read: {number!r}")
    if number > newest(kind):
        raise Newer(file, number, newest(kind))
    if number == newest(kind) and seal is None:
        raise Damaged(file, "has lost its seal")
    for older in range(number, newest(kind)):
        record = steps[older](record)
    record.pop("format", None)
    return {"files": {}, **record}


def check_file(record: Record, file: Path) -> Path:
    """The file itself, once it is known to be what was stored with the record. Raises Damaged where it is not."""
    if not file.is_file():
        raise Damaged(file, "is missing")
    wanted = record["files"].get(file.name)  # None: stored before there were sums
    if wanted is not None and sum_of(file) != wanted:
        raise Damaged(file, "is not what was stored: its sum is another")
    return file


SUMS = "sums.json"  # seals a folder: written last, so that a folder without it, or with another content, is not whole


def seal_folder(folder: Path, name: str = SUMS) -> None:
    """Write the sums of all files of a folder into it."""
    write_record(folder / name, "folder", {}, sorted(file.name for file in folder.iterdir() if file.is_file()))


def check_folder(folder: Path, name: str = SUMS) -> None:
    """Raises Damaged or Newer where a sealed folder is not whole; a folder that an older version wrote has no seal."""
    record = read_record(folder / name, "folder")
    for file in record["files"]:
        check_file(record, folder / file)
