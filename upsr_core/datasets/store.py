"""Stored datasets: one folder each under the home folder, replaced as a whole or not at all."""

import json
import os
import shutil
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property, partial
from itertools import chain
from pathlib import Path
from tempfile import mkdtemp
from urllib.parse import quote, unquote

import numpy as np
import pandas as pd
import psutil
import pyarrow as pa
import pyarrow.parquet as pq
from filelock import FileLock

from upsr_core.datasets.preparation import Prepared
from upsr_core.datasets.spec import DatasetSpec
from upsr_core.errors import DataError
from upsr_core.runtime import Progress, home, write_json
from upsr_core.schema import ATTRIBUTES, ITEM, USER

FORMAT = 1
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
    if not name.strip() or name.startswith(".") or len(quote(name, safe="")) > LONGEST_NAME or not name.isprintable():
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
        _sweep()
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
        "users": _write(made / "users.parquet", prepared.users()),
        "items": _write(made / "items.parquet", prepared.items(), progress),
        "interactions": _write(made / "events.parquet", prepared.sequences()),
    }
    record = {
        "format": FORMAT,
        "name": check_name(name),
        "digest": spec.digest,
        **counts,
        "synthetic": synthetic,
        "sources": sources or {},
        "spec": spec.model_dump(mode="json"),
        "report": prepared.report,
    }
    write_json(made / "dataset.json", record)
    with _lock():
        _swap(made, _folder(name))
        _forget_derived()
    return load_dataset(name)


def load_dataset(name: str) -> Dataset:
    """A stored dataset by name.

    Raises DataError when there is none of this name, or it was stored by another version or is damaged.
    """
    with _lock():
        _restore()
        folder = _folder(name)
        if not folder.is_dir():
            raise DataError(f"There is no dataset {name!r}", how="`upsr data list` names those that are stored.")
        try:
            record = _record(folder)
            spec = DatasetSpec.model_validate(record["spec"])
            items = pq.read_metadata(folder / "items.parquet")
            users = pd.read_parquet(folder / "users.parquet")[USER]
            events = pd.read_parquet(folder / "events.parquet")
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
        n_items=items.num_rows,
        columns=tuple(items.schema.names),
        read_items=partial(_read_items, name, record["digest"]),
        users=users,
        offsets=np.concatenate(([0], np.cumsum(counts))).astype(np.int64),
        sequence=events["item"].to_numpy(np.int32),
        timestamps=events["timestamp"].to_numpy(np.int64) if "timestamp" in events else None,
        synthetic=record["synthetic"],
    )


def _read_items(name: str, digest: str) -> pd.DataFrame:
    with _lock():
        _restore()
        folder = _folder(name)
        try:
            same = _record(folder)["digest"] == digest
            items = pd.read_parquet(folder / "items.parquet") if same else None
        except (OSError, ValueError, KeyError):
            items = None
    if items is None:
        how = "Choose it again, or another one."
        raise DataError(f"The dataset {name!r} was replaced or removed while it was in use", str(folder), how)
    return items


def list_datasets() -> list[dict]:
    """The stored datasets by name: name, users, items, interactions, digest, synthetic, sources, problem.

    `problem` is empty, or says why the dataset cannot be loaded; its counts are then 0.
    """
    with _lock():
        _restore()
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
    with _lock(), _writing(f"The dataset {name!r} cannot be removed"):
        folder = _folder(name)
        if not folder.is_dir():
            raise DataError(f"There is no dataset {name!r}", how="`upsr data list` names those that are stored.")
        shutil.rmtree(folder)
        _forget_derived()


def _root() -> Path:
    try:
        root = home() / "datasets"
        root.mkdir(exist_ok=True)
    except OSError as error:
        raise DataError(
            f"The home folder cannot be used: {error}", how="Set UPSR_HOME to a folder that you may write to."
        ) from error
    return root


def _folders() -> list[Path]:
    return [folder for folder in _root().iterdir() if folder.is_dir() and folder.name[0] != "."]


def _folder(name: str) -> Path:
    return _root() / quote(check_name(name), safe="")


def _lock() -> FileLock:
    return FileLock(_root() / ".lock")


@contextmanager
def _writing(what: str):
    try:
        yield
    except OSError as error:
        how = "Free some space or set UPSR_HOME to a folder that you may write to."
        raise DataError(f"{what}: {error}", how=how) from error


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


def _sweep() -> None:
    """Remove what imports that were killed while writing have left."""
    for folder in _root().glob(WRITING + "*"):
        if not psutil.pid_exists(int(folder.name.split("~")[1])):
            shutil.rmtree(folder, ignore_errors=True)


def _record(folder: Path) -> dict:
    record = json.loads((folder / "dataset.json").read_text(encoding="utf-8"))
    if record["format"] != FORMAT:
        raise ValueError(f"it has format {record['format']}, this version reads format {FORMAT}")
    return record


def _summary(folder: Path) -> dict:
    entry = {"name": unquote(folder.name), "users": 0, "items": 0, "interactions": 0, "digest": "", "synthetic": False}
    entry |= {"sources": {}, "problem": ""}
    try:
        record = _record(folder)
        return entry | {key: record[key] for key in entry if key not in ("name", "problem")}
    except (OSError, ValueError, KeyError) as error:
        return entry | {"problem": f"cannot be read: {error}"}
