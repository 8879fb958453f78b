"""Stored datasets: one folder each under the home folder, replaced as a whole or not at all."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from tempfile import mkdtemp
from urllib.parse import quote, unquote

import numpy as np
import pandas as pd
import psutil
from filelock import FileLock, Timeout

from upsr_core.datasets.preparation import Prepared
from upsr_core.datasets.spec import DatasetSpec
from upsr_core.errors import DataError, UpsrError, system_error
from upsr_core.logs import note, warn
from upsr_core.runtime import home
from upsr_core.schema import ATTRIBUTES, ITEM, USER
from upsr_core.stored import Damaged, Newer, check_file, read_record, read_table, write_record

RECORD, TABLES = "dataset.json", ("items.parquet", "users.parquet", "events.parquet")
WAIT = 120  # seconds to wait for another process that reads or replaces a dataset
LONGEST_NAME = 80
REPLACED = ".replaced~"
WRITING = ".writing~"


@dataclass(frozen=True, eq=False)
class Dataset:
    """A stored dataset.

    items: row number = item index; columns item_id and one text column per attribute, "" where missing.
    users: (n_users,) user_id, place = user index.
    offsets: (n_users + 1,) int64; the events of user u are offsets[u] to offsets[u + 1].
    sequence: (n_events,) int32 item indices, users contiguous, each in time order.
    timestamps: (n_events,) int64 seconds since 1970, None where the source has no times.
    report: what preparation did, see preparation.prepare.
    """

    name: str
    digest: str
    folder: Path
    spec: DatasetSpec
    report: dict
    items: pd.DataFrame
    users: pd.Series
    offsets: np.ndarray
    sequence: np.ndarray
    timestamps: np.ndarray | None
    synthetic: bool = False

    @cached_property
    def attributes(self) -> tuple[str, ...]:
        """The text columns: the paper's attributes in its order, then the others."""
        return tuple(sorted((name for name in self.items.columns if name != ITEM), key=_place))

    def history(self, user: int) -> np.ndarray:
        """All item indices of a user, oldest first."""
        return self.sequence[self.offsets[user] : self.offsets[user + 1]]


def _place(attribute: str) -> int:
    return ATTRIBUTES.index(attribute) if attribute in ATTRIBUTES else len(ATTRIBUTES)


def check_name(name: str) -> str:
    """The name itself.

    Raises DataError when no folder can bear it.
    """
    if not name.strip() or name.startswith(".") or len(quote(name, safe="")) > LONGEST_NAME or not name.isprintable():
        raise DataError(
            f"A dataset cannot be named {name!r}",
            how=f"Use letters, digits, '-', '_' or ':', at most {LONGEST_NAME}, no dot at the start.",
        )
    return name


def save_dataset(
    name: str, prepared: Prepared, spec: DatasetSpec, *, sources: dict[str, str] | None = None, synthetic: bool = False
) -> Dataset:
    """Store a dataset; an older one of this name is replaced once everything is written.

    `sources` are the names of the source files, for people to read. Raises DataError when it cannot be written.
    """
    record = {
        "name": check_name(name),
        "digest": spec.digest,
        "users": len(prepared.users),
        "items": len(prepared.items),
        "interactions": len(prepared.item),
        "synthetic": synthetic,
        "sources": sources or {},
        "spec": spec.model_dump(mode="json"),
        "report": prepared.report,
    }
    with _writing(f"The dataset {name!r} cannot be stored"):
        sweep()
        temporary = Path(mkdtemp(prefix=f"{WRITING}{os.getpid()}~", dir=_root()))
        try:
            _write(temporary, prepared, record)
            with _locked():
                _swap(temporary, _folder(name))
        finally:
            shutil.rmtree(temporary, ignore_errors=True)
    return load_dataset(name)


def load_dataset(name: str) -> Dataset:
    """A stored dataset by name.

    Raises DataError when there is none of this name, or it was stored by another version or is damaged.
    """
    with _reading():
        folder = _folder(name)
        if not folder.is_dir():
            raise DataError(f"There is no dataset {name!r}", how="`upsr data list` names those that are stored.")
        try:
            record = read_record(folder / RECORD, "dataset")
            spec = DatasetSpec.model_validate(record["spec"])
            items, users, events = (read_table(folder / table, record) for table in TABLES)
            users = users[USER]
        except Newer as error:
            raise DataError(f"The dataset {name!r} cannot be opened: {error}", str(error.file)) from error
        except (OSError, ValueError, KeyError) as error:
            how = f"Import it again, or remove it with `upsr data delete {name}`."
            raise DataError(f"The stored dataset {name!r} is damaged: {error}", str(folder), how) from error
    counts = np.bincount(events["user"], minlength=len(users))
    return Dataset(
        name=name,
        digest=record["digest"],
        folder=folder,
        spec=spec,
        report=record["report"],
        items=items,
        users=users,
        offsets=np.concatenate(([0], np.cumsum(counts))).astype(np.int64),
        sequence=events["item"].to_numpy(np.int32),
        timestamps=events["timestamp"].to_numpy(np.int64) if "timestamp" in events else None,
        synthetic=record["synthetic"],
    )


def list_datasets() -> list[dict]:
    """The stored datasets by name: name, users, items, interactions, digest, synthetic, sources, problem.

    `problem` is empty, or says why the dataset cannot be loaded; its counts are then 0.
    """
    with _reading():
        found = [_summary(folder) for folder in _root().iterdir() if folder.is_dir() and folder.name[0] != "."]
    return sorted(found, key=lambda entry: entry["name"])


def delete_dataset(name: str) -> None:
    """Remove a stored dataset.

    Raises DataError when there is none of this name.
    """
    with _writing(f"The dataset {name!r} cannot be removed"), _locked():
        folder = _folder(name)
        if not folder.is_dir():
            raise DataError(f"There is no dataset {name!r}", how="`upsr data list` names those that are stored.")
        # Away at once: a kill while its files are removed leaves nothing that looks like a dataset.
        going = folder.with_name(f"{WRITING}{os.getpid()}~{folder.name}")
        folder.rename(going)
        shutil.rmtree(going)
    note(f"dataset {name}: removed")


def folder_of(name: str) -> Path:
    """Where a dataset of this name is, or would be."""
    return _folder(name)


def damage_of(name: str) -> str:
    """What is wrong with a stored dataset, all of its files looked at; empty where nothing is."""
    try:
        folder = _folder(name)
        record = read_record(folder / RECORD, "dataset")
        for table in TABLES:
            check_file(record, folder / table)
        if not record["files"]:  # stored before there were sums
            load_dataset(name)
    except (OSError, ValueError, UpsrError) as error:
        return str(error)
    return ""


def _root() -> Path:
    root = home() / "datasets"
    if not root.is_dir():
        try:
            root.mkdir(exist_ok=True)
        except OSError as error:
            raise system_error(error, root) from error
    return root


def _folder(name: str) -> Path:
    return _root() / quote(check_name(name), safe="")


@contextmanager
def _locked() -> Iterator[None]:
    """Alone with the datasets; what a killed process left halfway is put right first."""
    try:
        with FileLock(_root() / ".lock", timeout=WAIT):
            _restore()
            yield
    except Timeout:
        how = "Wait for the other command or studio to finish, then do the same again."
        raise DataError("The datasets are held by another process", str(_root() / ".lock"), how) from None


@contextmanager
def _reading() -> Iterator[None]:
    """As `_locked`; where nothing can be written nothing can be replaced either, and no lock is needed."""
    try:
        (_root() / ".lock").touch()
    except OSError:
        yield
        return
    with _locked():
        yield


@contextmanager
def _writing(what: str):
    try:
        yield
    except OSError as error:
        known = system_error(error)
        raise DataError(f"{what}: {known.what[0].lower()}{known.what[1:]}", known.where, known.how) from error


def _write(folder: Path, prepared: Prepared, record: dict) -> None:
    events = {"user": prepared.user, "item": prepared.item}
    if prepared.time is not None:
        events["timestamp"] = prepared.time
    tables = (prepared.items, prepared.users, pd.DataFrame(events))
    for name, table in zip(TABLES, tables, strict=True):
        table.to_parquet(folder / name, index=False, compression="zstd")
    write_record(folder / RECORD, "dataset", record, TABLES)
    folder.chmod(0o755)  # mkdtemp leaves it to its owner alone


def _swap(temporary: Path, folder: Path) -> None:
    """Put a new folder in the place of the old one; what a kill in between leaves is mended by _restore."""
    old = folder.with_name(REPLACED + folder.name)
    shutil.rmtree(old, ignore_errors=True)
    if folder.exists():
        folder.rename(old)
    temporary.rename(folder)
    shutil.rmtree(old, ignore_errors=True)


def _restore() -> None:
    """Bring back a dataset whose replacement was killed after the old folder was moved away."""
    for old in _root().glob(REPLACED + "*"):
        folder = old.with_name(old.name.removeprefix(REPLACED))
        if folder.exists():
            shutil.rmtree(old, ignore_errors=True)
        else:
            old.rename(folder)


def leftovers() -> list[Path]:
    """What killed imports and removals have left and nobody needs."""
    found = (home() / "datasets").glob(WRITING + "*")
    return [folder for folder in found if not psutil.pid_exists(int(folder.name.split("~")[1]))]


def sweep() -> None:
    """Remove the leftovers."""
    for folder in leftovers():
        warn(f"removed what a killed process left: {folder.name}")
        shutil.rmtree(folder, ignore_errors=True)


def _summary(folder: Path) -> dict:
    entry = {"name": unquote(folder.name), "users": 0, "items": 0, "interactions": 0, "digest": "", "synthetic": False}
    entry |= {"sources": {}, "problem": ""}
    try:
        record = read_record(folder / RECORD, "dataset")
        for table in TABLES:
            if not (folder / table).is_file():
                raise Damaged(folder / table, "is missing")
        return entry | {key: record[key] for key in entry if key not in ("name", "problem")}
    except Newer as error:
        return entry | {"problem": str(error)}
    except (OSError, ValueError, KeyError) as error:
        return entry | {"problem": f"cannot be read: {error}"}
