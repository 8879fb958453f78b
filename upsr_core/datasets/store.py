"""Stored datasets: one folder each under the home folder, replaced as a whole or not at all."""

import os
import shutil
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property, lru_cache, partial
from itertools import chain
from pathlib import Path
from tempfile import mkdtemp
from urllib.parse import quote, unquote

import numpy as np
import pandas as pd
import psutil
import pyarrow as pa
import pyarrow.parquet as pq
from filelock import FileLock, Timeout

from upsr_core.datasets.preparation import Prepared
from upsr_core.datasets.spec import DatasetSpec
from upsr_core.errors import DataError, UpsrError, system_error
from upsr_core.logs import note, warn
from upsr_core.runtime import Progress, home
from upsr_core.schema import ATTRIBUTES, ITEM, USER
from upsr_core.stored import Damaged, Newer, check_file, outline, read_record, read_table, write_record

RECORD, ITEMS, USERS, EVENTS = "dataset.json", "items.parquet", "users.parquet", "events.parquet"
TABLES = (ITEMS, USERS, EVENTS)
WAIT = 120  # seconds to wait for another process that reads or replaces a dataset
LOADED, SUMMARIES = 8, 256  # datasets and descriptions kept in memory
LONGEST_NAME = 80
REPLACED = ".replaced~"
WRITING = ".writing~"
ROWS_PER_GROUP = 1 << 17


@dataclass(frozen=True, eq=False)
class Dataset:
    """A stored dataset.

    n_items: how many items; columns: item_id and the attributes that the items have a text column for.
    read_items: reads the table `items`, when it is first asked for: texts are the larger part of most datasets.
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


def check_name(name: str) -> str:
    """The name itself.

    Raises DataError when no folder can bear it.
    """
    if not name.strip() or name.startswith(".") or not name.isprintable() or len(quote(name, safe="")) > LONGEST_NAME:
        raise DataError(
            f"A dataset cannot be named {name!r}",
            how=f"Use letters, digits, '-', '_' or ':', at most {LONGEST_NAME}, no dot at the start.",
        )
    return name


@contextmanager
def new_folder(name: str) -> Iterator[Path]:
    """A folder in the store for a dataset in the making; what it holds is gone at the end, or swept after a kill.

    Raises DataError when it cannot be written.
    """
    with _writing(f"The dataset {name!r} cannot be stored"):
        sweep()
        folder = Path(mkdtemp(prefix=f"{WRITING}{os.getpid()}~", dir=_root()))
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)


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
        "users": _write(made / USERS, prepared.users()),
        "items": _write(made / ITEMS, prepared.items(), progress),
        "interactions": _write(made / EVENTS, prepared.sequences()),
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
    with _locked():
        _swap(made, _folder(name))
        _forget_derived()
    return load_dataset(name)


def load_dataset(name: str) -> Dataset:
    """A stored dataset by name; the last ones are kept as long as nobody touches their files.

    Raises DataError when there is none of this name, or it was stored by another version or is damaged.
    """
    with _reading():
        folder = _folder(name)
        if not folder.is_dir():
            raise DataError(f"There is no dataset {name!r}", how="`upsr data list` names those that are stored.")
        return _load(name, folder, _stamp(folder))


def _stamp(folder: Path) -> tuple:
    """Changes with every change of a dataset's files."""
    found = []
    for name in (RECORD, *TABLES):
        try:
            of = (folder / name).stat()
        except OSError:
            found.append(None)
        else:
            found.append((of.st_ino, of.st_size, of.st_mtime_ns))
    return tuple(found)


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
    with _reading():
        folder = _folder(name)
        try:
            record = read_record(folder / RECORD, "dataset")
            if record["digest"] == digest:
                return read_table(folder / ITEMS, record)
        except FileNotFoundError:
            pass
        except (OSError, ValueError, KeyError) as error:
            raise _damaged(name, folder, error) from error
    how = "Choose it again, or another one."
    raise DataError(f"The dataset {name!r} was replaced or removed while it was in use", str(folder), how)


def _damaged(name: str, folder: Path, error: Exception) -> DataError:
    how = f"Import it again, or remove it with `upsr data delete {name}`."
    return DataError(f"The stored dataset {name!r} is damaged: {error}", str(folder), how)


def list_datasets() -> list[dict]:
    """The stored datasets by name: name, users, items, interactions, digest, synthetic, sources, problem.

    `problem` is empty, or says why the dataset cannot be loaded; its counts are then 0.
    """
    with _reading():
        found = [_summary(folder) for folder in _folders()]
    return sorted(found, key=lambda entry: entry["name"])


def derived_folder(digest: str) -> Path:
    """Where is kept what was made of a dataset and can be made again; it goes when the dataset goes."""
    return home() / "derived" / digest


def _forget_derived() -> None:
    """Remove what was made of datasets that are not there any more."""
    digests = {entry["digest"] for entry in map(_summary, _folders())}
    for folder in (home() / "derived").glob("*"):
        if folder.name not in digests:
            shutil.rmtree(folder, ignore_errors=True)


def delete_dataset(name: str) -> None:
    """Remove a stored dataset, and what was made of it.

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
        _forget_derived()
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
            _ = load_dataset(name).items
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


def _folders() -> list[Path]:
    return [folder for folder in _root().iterdir() if folder.is_dir() and folder.name[0] != "."]


def _folder(name: str) -> Path:
    return _root() / quote(check_name(name), safe="")


@contextmanager
def _locked() -> Iterator[None]:
    """Alone with the datasets; what a killed process left halfway is put right first."""
    try:
        with FileLock(_root() / ".lock", timeout=WAIT, poll_interval=0.005):  # many wait at once in the studio
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


def _write(file: Path, parts: Iterable[pa.Table], progress: Progress | None = None) -> int:
    """Write tables as one Parquet file, a row group for every ROWS_PER_GROUP rows; how many rows there were."""
    count, waiting, writer = 0, [], None
    for part in chain(parts, [None]):
        waiting += [] if part is None else [part]
        rows = sum(map(len, waiting))
        if rows and (part is None or rows >= ROWS_PER_GROUP):
            table = pa.concat_tables(waiting)
            if writer is None:
                # With the note by which pandas knows its own types.
                like = pa.Schema.from_pandas(table.slice(0, 0).to_pandas(), preserve_index=False)
                writer = pq.ParquetWriter(file, like, compression="zstd")
            writer.write_table(table.cast(writer.schema), row_group_size=ROWS_PER_GROUP)
            count, waiting = count + rows, []
            if progress:
                progress(0, 1, f"Storing: {count:,} rows")
    writer.close()
    return count


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
    return dict(_read_summary(folder, _stamp(folder)))


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
