"""Files that are there whole or not at all: written beside their place, then moved there in one step."""

import json
import os
import re
import secrets
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from upsr_core.errors import system_error
from upsr_core.runtime import home


def stored_in(name: str) -> Path:
    """A folder of the home folder, made where it can be; where nothing can be written, what is not there is empty."""
    folder = home() / name
    with suppress(OSError):
        folder.mkdir(exist_ok=True)
    return folder


def temporary_name(path: Path) -> Path:
    """A name beside `path` for what will take its place: it says whose it is, see `leftover_of`."""
    return path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}~")


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A file to write in the place of `path`: it replaces it as a whole once the block is left, or is removed."""
    temporary = temporary_name(path)
    try:
        yield temporary
        with temporary.open("rb") as file:
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def stamp_of(files: Iterable[Path]) -> tuple[tuple[int, int, int] | None, ...]:
    """Changes with every change of these files, their times and sizes told from the system alone; None for no file."""
    found: list[tuple[int, int, int] | None] = []
    for file in files:
        try:
            of = file.stat()
        except OSError:
            found.append(None)
        else:
            found.append((of.st_ino, of.st_size, of.st_mtime_ns))
    return tuple(found)


@contextmanager
def storing(place: Path) -> Iterator[None]:
    """Errors of the system while something is stored are said in words. Raises StorageError."""
    try:
        yield
    except OSError as error:
        raise system_error(error, error.filename or place) from error


def leftover_of(name: str) -> int | None:
    """The process that wrote a file or folder of this name and had not finished; None for any other name.

    >>> leftover_of(".status.json.123.0a1b2c3d~"), leftover_of("status.json")
    (123, None)
    """
    found = re.fullmatch(r"\..+\.(\d+)\.[0-9a-f]{8}~", name)
    return int(found[1]) if found else None


def write_atomically(path: Path, text: str) -> None:
    """Write a file so that a reader, or a kill at any moment, sees the old text or the new one, never half."""
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_json(path: Path, value: Any) -> None:
    """Write a JSON-able value, as `write_atomically` does."""
    write_atomically(path, json.dumps(value, indent=2, ensure_ascii=False) + "\n")
