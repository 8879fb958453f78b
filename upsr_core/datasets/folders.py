"""The folders of stored datasets: their names, their lock, and that a kill leaves the old one or the new one."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

from filelock import FileLock, Timeout

from upsr_core.errors import DataError, system_error
from upsr_core.logs import warn
from upsr_core.runtime import home
from upsr_core.storage import atomic
from upsr_core.storage import folders as storage

RECORD, ITEMS, USERS, EVENTS = "dataset.json", "items.parquet", "users.parquet", "events.parquet"
TABLES = (ITEMS, USERS, EVENTS)
WAIT = 120  # seconds to wait for another process that reads or replaces a dataset
LONGEST_NAME = 80


def check_name(name: str) -> str:
    """The name itself.

    Raises DataError when no folder can bear it.
    """
    unusable = not name.strip() or name.startswith(".") or "," in name or not name.isprintable()
    if unusable or len(quote(name, safe="")) > LONGEST_NAME:
        raise DataError(
            f"A dataset cannot be named {name!r}",
            how=f"Use letters, digits, '-', '_' and the like, at most {LONGEST_NAME}, no comma, no dot at the start.",
        )
    return name


def root() -> Path:
    """Where all datasets are. Raises a UpsrError where it cannot be made."""
    place = home() / "datasets"
    if not place.is_dir():
        try:
            place.mkdir(exist_ok=True)
        except OSError as error:
            raise system_error(error, place) from error
    return place


def folders() -> list[Path]:
    """The folders of the stored datasets."""
    return [folder for folder in root().iterdir() if folder.is_dir() and folder.name[0] != "."]


def folder_of(name: str) -> Path:
    """Where a dataset of this name is, or would be."""
    return root() / quote(check_name(name), safe="")


@contextmanager
def locked() -> Iterator[None]:
    """Alone with the datasets; what a killed process left halfway is put right first."""
    try:
        with FileLock(root() / ".lock", timeout=WAIT, poll_interval=0.005):  # many wait at once in the studio
            storage.restore(root())
            yield
    except Timeout:
        how = "Wait for the other command or studio to finish, then do the same again."
        raise DataError("The datasets are held by another process", str(root() / ".lock"), how) from None


@contextmanager
def locked_if_writable() -> Iterator[None]:
    """As `locked`; where nothing can be written nothing can be replaced either, and no lock is needed."""
    try:
        (root() / ".lock").touch()
    except OSError:
        yield
        return
    with locked():
        yield


@contextmanager
def writing(what: str) -> Iterator[None]:
    """Say what cannot be done where the system refuses. Raises DataError."""
    try:
        yield
    except OSError as error:
        known = system_error(error)
        raise DataError(f"{what}: {known.what[0].lower()}{known.what[1:]}", known.where, known.how) from error


@contextmanager
def new_folder(name: str) -> Iterator[Path]:
    """A folder in the store for a dataset in the making; what it holds is gone at the end, or swept after a kill.

    Raises DataError when it cannot be written.
    """
    with writing(f"The dataset {name!r} cannot be stored"):
        sweep()
        with storage.new_folder(folder_of(name)) as folder:
            yield folder


def leftovers() -> list[Path]:
    """What killed imports and removals have left and nobody needs."""
    return storage.leftovers(home() / "datasets")


def sweep() -> None:
    """Remove the leftovers."""
    for folder in leftovers():
        warn(f"removed what a killed process left: {folder.name}")
        shutil.rmtree(folder, ignore_errors=True)


def stamp_of(folder: Path) -> tuple:
    """Changes with every change of a dataset's files."""
    return atomic.stamp_of(folder / name for name in (RECORD, *TABLES))
