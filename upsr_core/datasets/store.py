"""Stored datasets: saved, loaded, listed, deleted; one folder each under the home folder, see `folders`."""

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, lru_cache, partial
from pathlib import Path
from urllib.parse import unquote

import numpy as np
import pandas as pd

from upsr_core.datasets.folders import (
    EVENTS,
    ITEMS,
    RECORD,
    TABLES,
    USERS,
    check_name,
    folder_of,
    folders,
    locked,
    locked_if_writable,
    stamp_of,
    writing,
)
from upsr_core.datasets.preparation import Prepared
from upsr_core.datasets.spec import DatasetSpec
from upsr_core.errors import DataError, UpsrError
from upsr_core.logs import note
from upsr_core.runtime import Progress, home
from upsr_core.schema import ATTRIBUTES, ITEM, USER
from upsr_core.storage.folders import remove, swap
from upsr_core.storage.records import Damaged, Newer, check_file, read_record, write_record
from upsr_core.storage.tables import keep_parts, outline, read_table

LOADED, SUMMARIES = 8, 256  # datasets and descriptions kept in memory


@dataclass(frozen=True, eq=False)
class Dataset:
    """A stored dataset.

    Attributes
    ----------
    digest
        Names the data whatever the user calls them, see `DatasetSpec`.
    report
        What preparation did, see `preparation.prepare`.
    n_items
        How many items; an item index is a number below it.
    columns
        item_id and the attributes that the items have a text column for.
    read_items
        Reads the table `items` when it is first asked for: texts are the larger part of most datasets.
    users : Series of str, (n_users,)
        user_id; the place is the user index.
    offsets : ndarray of int64, (n_users + 1,)
        The events of user u are `offsets[u]` to `offsets[u + 1]`.
    sequence : ndarray of int32, (n_events,)
        Item indices, users contiguous, each in the order of time.
    timestamps : ndarray of int64, (n_events,), or None
        Seconds since 1970; None where the source has no times.
    synthetic
        Whether the data are invented.
    """

    name: str
    digest: str
    folder: Path
    spec: DatasetSpec
    report: dict
    n_items: int
    columns: tuple[str, ...]
    read_items: Callable[[], pd.DataFrame]
    users: pd.Series
    offsets: np.ndarray
    sequence: np.ndarray
    timestamps: np.ndarray | None
    synthetic: bool = False

    @cached_property
    def items(self) -> pd.DataFrame:
        """Row number = item index; columns item_id and one text column per attribute, "" where missing.

        Raises DataError where the dataset was replaced or removed since it was loaded.
        """
        return self.read_items()

    @property
    def attributes(self) -> tuple[str, ...]:
        """The text columns: the paper's attributes in its order, then the others."""
        return tuple(sorted((name for name in self.columns if name != ITEM), key=_place))

    def history(self, user: int) -> np.ndarray:
        """All item indices of a user, oldest first."""
        return self.sequence[self.offsets[user] : self.offsets[user + 1]]


def _place(attribute: str) -> int:
    return ATTRIBUTES.index(attribute) if attribute in ATTRIBUTES else len(ATTRIBUTES)


def save_dataset(
    name: str,
    prepared: Prepared,
    spec: DatasetSpec,
    folder: Path,
    *,
    sources: dict[str, str] | None = None,
    synthetic: bool = False,
    progress: Progress | None = None,
) -> Dataset:
    """Store a dataset; an older one of this name is replaced once everything is written to `folder`, a `new_folder`.

    `sources` are the names of the source files, for people to read.
    """
    made = folder / "dataset"
    made.mkdir()
    counts = {
        "users": keep_parts(made / USERS, prepared.users()),
        "items": keep_parts(made / ITEMS, prepared.items(), progress),
        "interactions": keep_parts(made / EVENTS, prepared.sequences()),
    }
    record = {
        "name": check_name(name),
        "digest": spec.digest,
        **counts,
        "synthetic": synthetic,
        "sources": sources or {},
        "spec": spec.model_dump(mode="json"),
        "report": prepared.report,
    }
    write_record(made / RECORD, "dataset", record, TABLES)
    with locked():
        swap(made, folder_of(name))
        _forget_derived()
    return load_dataset(name)


def load_dataset(name: str) -> Dataset:
    """A stored dataset by name; the last ones stay in memory as long as nobody touches their files.

    Raises
    ------
    DataError
        There is none of this name, or it was stored by another version or is damaged.
    """
    with locked_if_writable():
        folder = folder_of(name)
        if not folder.is_dir():
            raise DataError(f"There is no dataset {name!r}", how="`upsr data list` names those that are stored.")
        return _load(name, folder, stamp_of(folder))


@lru_cache(maxsize=LOADED)
def _load(name: str, folder: Path, stamp: tuple) -> Dataset:
    try:
        record = read_record(folder / RECORD, "dataset")
        spec = DatasetSpec.model_validate(record["spec"])
        rows, columns = outline(folder / ITEMS)
        if rows != record["items"]:
            raise Damaged(folder / ITEMS, f"has {rows} rows instead of {record['items']}")
        users = read_table(folder / USERS, record)[USER]
        events = read_table(folder / EVENTS, record)
    except Newer as error:
        raise DataError(f"The dataset {name!r} cannot be opened: {error}", str(error.file)) from error
    except (OSError, ValueError, KeyError) as error:
        raise _damaged(name, folder, error) from error
    counts = np.bincount(events["user"], minlength=len(users))
    return Dataset(
        name=name,
        digest=record["digest"],
        folder=folder,
        spec=spec,
        report=record["report"],
        n_items=rows,
        columns=columns,
        read_items=partial(_read_items, name, record["digest"]),
        users=users,
        offsets=np.concatenate(([0], np.cumsum(counts))).astype(np.int64),
        sequence=events["item"].to_numpy(np.int32),
        timestamps=events["timestamp"].to_numpy(np.int64) if "timestamp" in events else None,
        synthetic=record["synthetic"],
    )


def _read_items(name: str, digest: str) -> pd.DataFrame:
    with locked_if_writable():
        folder = folder_of(name)
        try:
            record = read_record(folder / RECORD, "dataset")
            if record["digest"] == digest:
                return read_table(folder / ITEMS, record)
        except FileNotFoundError:
            pass
        except (OSError, ValueError, KeyError) as error:
            raise _damaged(name, folder, error) from error
    how = "Choose it again; where it was removed, import it again, or choose another one."
    raise DataError(f"The dataset {name!r} was replaced or removed while it was in use", str(folder), how)


def _damaged(name: str, folder: Path, error: Exception) -> DataError:
    how = f"Import it again, or remove it with `upsr data delete {name}`."
    return DataError(f"The stored dataset {name!r} is damaged: {error}", str(folder), how)


def list_datasets() -> list[dict]:
    """The stored datasets, in the order of their names.

    Returns
    -------
    list of dict
        Of each `name`, the counts `users`, `items`, `interactions`, `digest`, `synthetic`, `sources` (names of the
        source files), and `problem`: empty, or why the dataset cannot be loaded; its counts are then 0.
    """
    with locked_if_writable():
        found = [_summary(folder) for folder in folders()]
    return sorted(found, key=lambda entry: entry["name"])


def derived_folder(digest: str) -> Path:
    """Where is kept what was made of a dataset and can be made again; it goes when the dataset goes."""
    return home() / "derived" / digest


def _forget_derived() -> None:
    """Remove what was made of datasets that are not there any more."""
    digests = {entry["digest"] for entry in map(_summary, folders())}
    for folder in (home() / "derived").glob("*"):
        if folder.name not in digests:
            shutil.rmtree(folder, ignore_errors=True)


def delete_dataset(name: str) -> None:
    """Remove a stored dataset, and what was made of it.

    Raises DataError when there is none of this name.
    """
    with writing(f"The dataset {name!r} cannot be removed"), locked():
        folder = folder_of(name)
        if not folder.is_dir():
            raise DataError(f"There is no dataset {name!r}", how="`upsr data list` names those that are stored.")
        remove(folder)
        _forget_derived()
    note(f"dataset {name}: removed")


def damage_of(name: str) -> str:
    """What is wrong with a stored dataset, all of its files looked at; empty where nothing is."""
    try:
        folder = folder_of(name)
        record = read_record(folder / RECORD, "dataset")
        for table in TABLES:
            check_file(record, folder / table)
    except (OSError, ValueError, UpsrError) as error:
        return str(error)
    return ""


def _summary(folder: Path) -> dict:
    return dict(_read_summary(folder, stamp_of(folder)))


@lru_cache(maxsize=SUMMARIES)
def _read_summary(folder: Path, stamp: tuple) -> dict:
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
