"""Errors that say what happened, where, and how to mend it. Every page and command shows them as they are."""

import errno
import os
import re
from pathlib import Path
from typing import overload

LONGEST = 700  # characters of a part; what was given may be quoted in it, and may be megabytes


class UpsrError(Exception):
    """What happened, where (file, line, field) and a way out; each part one plain sentence or phrase."""

    def __init__(self, what: str, where: str = "", how: str = ""):
        self.what, self.where, self.how = map(_shown, (what, where, how))
        super().__init__(self.what)

    def __str__(self) -> str:
        place = f" ({self.where})" if self.where else ""
        way_out = f" {self.how}" if self.how else ""
        return f"{self.what}{place}.{way_out}"


def _shown(text: str) -> str:
    """Text that every terminal and page can show: halves of surrogate pairs are written out, the middle is cut."""
    text = text.encode("utf-8", "backslashreplace").decode()
    return text if len(text) <= LONGEST else f"{text[: LONGEST * 2 // 3]} … {text[-LONGEST // 3 :]}"


class DataError(UpsrError):
    """A file, a column or a stored dataset is not what it should be."""


class DesignError(UpsrError):
    """An item design, a template or a prompt cannot be used."""


class ModelError(UpsrError):
    """A language model cannot be found, read or used."""


class RunError(UpsrError):
    """A run cannot be started, resumed, read or compared."""


class UnexpectedError(UpsrError):
    """Something that nobody foresaw; the log has the way there."""


class StorageError(UpsrError):
    """The system refuses to read or write: a full disk, a folder that is read-only, a file that disappeared."""


# What errors of libraries say that know of a full disk, but raise no OSError or forget its number.
# Torch says of its archives only that a position is not what it should be.
_FULL = re.compile(
    r"no space left|disk quota|writer failed writing|file write failed|requested and \d+ written|unexpected pos \d+ vs",
    re.I,
)
# The same of a folder that is gone: torch's of where it saves, DuckDB's of its working files.
_GONE = re.compile(r"parent directory .* does not exist|no such file or directory", re.I)
_WAYS = {
    (errno.ENOSPC, errno.EDQUOT, errno.EFBIG): (
        "The disk is full", "Free some space and do the same again: it goes on where it was."
    ),
    (errno.EROFS, errno.EACCES, errno.EPERM): (
        "This folder or file cannot be written or read: {reason}",
        "Change its permissions, or set UPSR_HOME to a folder that you may write to.",
    ),
    (errno.ENOTDIR,): (
        "This lies below something that is not a directory", "Set UPSR_HOME to a folder, or move the file in its way."
    ),
    (errno.ENOENT, errno.ESTALE): (
        "A file or folder is not there any more", "It was removed or moved meanwhile; do the same again."
    ),
    (errno.EMFILE, errno.ENFILE): ("Too many files are open", "Close other programs, or raise the limit (ulimit -n)."),
    (errno.EIO,): ("The disk gives an error: {reason}", "Check the disk; `upsr doctor` says what is damaged."),
}  # fmt: skip


@overload
def system_error(error: OSError, where: Path | str | None = None) -> StorageError: ...


@overload
def system_error(error: BaseException, where: Path | str | None = None) -> StorageError | None: ...


def system_error(error: BaseException, where: Path | str | None = None) -> StorageError | None:
    """An error of the system in words, with the file; None for an error that is none of the system's.

    >>> str(system_error(OSError(errno.ENOSPC, "No space left on device", "/data/x")))
    'The disk is full (/data/x). Free some space and do the same again: it goes on where it was.'
    >>> str(system_error(RuntimeError("Parent directory /data does not exist.")))
    'A file or folder is not there any more. It was removed or moved meanwhile; do the same again.'
    """
    said = [number for words, number in ((_FULL, errno.ENOSPC), (_GONE, errno.ENOENT)) if words.search(str(error))]
    number = said[0] if said else getattr(error, "errno", None)
    if isinstance(error, MemoryError):
        return StorageError("Memory is used up", how="Close other programs, or choose a smaller budget or dataset.")
    if not said and not isinstance(error, OSError):
        return None
    place = str(where or getattr(error, "filename", None) or "")
    reason = os.strerror(number).lower() if number else str(error).splitlines()[0]
    for numbers, (what, how) in _WAYS.items():
        if number in numbers:
            return StorageError(what.format(reason=reason), place, how)
    return StorageError(f"The system gives an error: {reason}", place, "`upsr doctor` says what is wrong here.")
