"""Folders that are there whole or not at all, with the sums of their files."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from upsr_core.storage.records import seal_folder


@contextmanager
def new_sealed_folder(path: Path) -> Iterator[Path]:
    """A folder to fill in the place of `path`: sealed, it takes that place once the block is left without an error."""
    temporary = path.with_name(f".{path.name}")
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir(parents=True)
    yield temporary
    seal_folder(temporary)
    shutil.rmtree(path, ignore_errors=True)
    temporary.rename(path)
