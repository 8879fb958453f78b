"""Folders that are there whole or not at all: filled beside their place, then moved there in one step."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

from upsr_core.storage.atomic import leftover_of, temporary_name
from upsr_core.storage.records import seal_folder

REPLACED = ".replaced~"  # before the name of a folder that is being replaced


@contextmanager
def new_folder(path: Path) -> Iterator[Path]:
    """A folder beside `path` to make something in; what is left of it at the end is removed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = temporary_name(path)
    temporary.mkdir()
    try:
        yield temporary
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


@contextmanager
def filling(folder: Path) -> Iterator[Path]:
    """A folder to fill, which becomes `folder` once the block is left without an error.

    Where another process has made the same meanwhile, its folder stays.
    """
    with new_folder(folder) as temporary:
        yield temporary
        try:
            temporary.rename(folder)
        except OSError:
            if not folder.is_dir():
                raise


@contextmanager
def new_sealed_folder(folder: Path) -> Iterator[Path]:
    """A folder to fill, which replaces `folder`, sealed, once the block is left without an error.

    What processes that were killed meanwhile left beside it goes first: saved models are large.
    """
    for left in leftovers(folder.parent):
        shutil.rmtree(left, ignore_errors=True)
    with new_folder(folder) as temporary:
        yield temporary
        seal_folder(temporary)
        shutil.rmtree(folder, ignore_errors=True)
        temporary.rename(folder)


def swap(made: Path, folder: Path) -> None:
    """Put a folder in the place of another one, if there is one; after a kill in between, `restore` brings that back.

    For one process at a time: the caller holds a lock.
    """
    old = folder.with_name(REPLACED + folder.name)
    shutil.rmtree(old, ignore_errors=True)
    if folder.exists():
        folder.rename(old)
    made.rename(folder)
    shutil.rmtree(old, ignore_errors=True)


def restore(parent: Path) -> None:
    """Bring back the folders in `parent` whose replacement was killed after they were moved away."""
    for old in parent.glob(REPLACED + "*"):
        folder = old.with_name(old.name.removeprefix(REPLACED))
        if folder.exists():
            shutil.rmtree(old, ignore_errors=True)
        else:
            old.rename(folder)


def remove(folder: Path) -> None:
    """Remove a folder, at once for whoever looks: a kill meanwhile leaves nothing in its place."""
    going = temporary_name(folder)
    folder.rename(going)
    shutil.rmtree(going)


def leftovers(parent: Path) -> list[Path]:
    """What killed processes left in a folder, written to by nobody any more."""
    owners = {path: leftover_of(path.name) for path in parent.glob(".*~")}
    return [path for path, owner in owners.items() if owner is not None and not psutil.pid_exists(owner)]
