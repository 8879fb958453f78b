"""What is stored stays readable over versions, and damage is noticed: numbered and sealed records, sums of files.

A record is a JSON file that says what it is (`record`, one of FORMATS) and in which `format`, with the SHA-256 of the
`files` that belong to it, and a `seal`, the digest of all the rest. A folder is sealed by a record of its files.
"""

import hashlib
import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from upsr_core.schema import digest_of
from upsr_core.storage.atomic import stamp_of, write_json

Record = dict[str, Any]
Step = Callable[[Record], Record]

# Of every kind the steps from the first format to the second, from that to the third, and so on; the last is today's.
FORMATS: dict[str, tuple[Step, ...]] = {
    "dataset": (),
    "run": (),
    "result": (),
    "training": (),
    "study": (),
    "experiment": (),
    "outcome": (),
    "indicator": (),
    "design": (),
    "report": (),
    "folder": (),
}
UNRELEASED = "was made before the first release: import the data again, or delete the folder and make it anew"


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


def newest(kind: str) -> int:
    """The format in which records of a kind are written."""
    return 1 + len(FORMATS[kind])


def sum_of(file: Path) -> str:
    """The SHA-256 of a file, hexadecimal."""
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def write_record(file: Path, kind: str, value: Record, files: Iterable[str] = ()) -> None:
    """Write a record in one step, with the sums of files beside it.

    Parameters
    ----------
    file
        Where; its folder is there already.
    kind
        One of FORMATS.
    value
        What the record says; JSON-able.
    files
        Names of the files that belong to it, relative to its folder.
    """
    sums = {name: sum_of(file.parent / name) for name in files}
    record = json.loads(json.dumps({"record": kind, "format": newest(kind), **value, "files": sums}))
    write_json(file, {**record, "seal": digest_of(record)})


def read_record(file: Path, kind: str) -> Record:
    """A record in today's format.

    Returns
    -------
    Record
        What `write_record` was given, and the sums of the `files` by name.

    Raises
    ------
    FileNotFoundError
        There is none.
    Damaged
        It is not what was written, or is none of this kind.
    Newer
        A later version wrote it.
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
    found, number = record.pop("record", None), record.pop("format", None)
    if seal is None or found is None or not isinstance(number, int) or number < 1:
        raise Damaged(file, UNRELEASED)
    if found != kind:
        raise Damaged(file, f"holds a record of another kind: {found!r} instead of {kind!r}")
    if number > newest(kind):
        raise Newer(file, number, newest(kind))
    for step in FORMATS[kind][number - 1 :]:
        record = step(record)
    return record


def check_file(record: Record, file: Path) -> Path:
    """The file itself, once it is known to be what was stored with the record. Raises Damaged where it is not."""
    if not file.is_file():
        raise Damaged(file, "is missing")
    if file.name not in record["files"]:
        raise Damaged(file, "does not belong to what was stored: its record has no sum of it")
    if sum_of(file) != record["files"][file.name]:
        raise Damaged(file, "is not what was stored: its sum is another")
    return file


SUMS = "sums.json"  # seals a folder: written last, so that a folder without it, or with another content, is not whole
_checked: dict[Path, tuple] = {}  # folders that this process found whole, and what their files were like


def seal_folder(folder: Path) -> None:
    """Write the sums of all files of a folder into it."""
    write_record(folder / SUMS, "folder", {}, sorted(file.name for file in folder.iterdir() if file.is_file()))


def check_folder(folder: Path) -> None:
    """Look whether a folder is as it was sealed.

    Raises
    ------
    FileNotFoundError
        There is no such folder.
    Damaged
        It has no seal, or a file of it is missing or another.
    Newer
        A later version wrote it.
    """
    try:
        record = read_record(folder / SUMS, "folder")
    except FileNotFoundError:
        if not folder.is_dir():
            raise
        raise Damaged(folder / SUMS, "is missing: the folder was not finished") from None
    for file in record["files"]:
        check_file(record, folder / file)


def check_folder_once(folder: Path) -> None:
    """As `check_folder`, but a process reads files again only where their time, size or number has changed since.

    For what is opened again and again: the sums of large files take longer than all else that is done with them.
    """
    files = sorted(folder.iterdir())
    stamp = (*files, *stamp_of(files))
    if _checked.get(folder) != stamp:
        check_folder(folder)
        _checked[folder] = stamp
