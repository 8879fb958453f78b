"""What long work in a folder is doing: the status file, and whether its process still lives."""

import json
import time
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import ClassVar

import psutil

from upsr_core.errors import RunError, system_error
from upsr_core.schema import Spec
from upsr_core.storage.atomic import write_json

STOP = "STOP"  # a file of this name asks the work to stop
ACTIVE = ("queued", "running", "cancelling")
STATES = ("new", *ACTIVE, "done", "failed", "cancelled", "died", "damaged")
UNSEEN = 30  # seconds after which a job without a living process is taken for dead


@dataclass(frozen=True)
class Status:
    """What a job is doing: `state` is new, queued, running, cancelling, done, failed, cancelled, died or damaged.

    `step` of `total` belongs to `phase`; times are seconds since 1970, `seconds_left` may be unknown.
    """

    state: str = "new"
    phase: str = ""
    step: float = 0
    total: float = 0
    seconds_left: float | None = None
    message: str = ""
    queued: float = 0
    started: float | None = None
    finished: float | None = None
    pid: int | None = None
    process_created: float | None = None
    booted: float | None = None

    @property
    def active(self) -> bool:
        return self.state in ACTIVE


def mark_of(pid: int) -> dict:
    """What tells a process from a later one with its number: the times at which it and the machine were started."""
    try:
        return {"pid": pid, "process_created": psutil.Process(pid).create_time(), "booted": psutil.boot_time()}
    except psutil.NoSuchProcess:
        return {"pid": pid, "process_created": 0, "booted": 0}


def process_of(mark: dict) -> psutil.Process | None:
    """The living process of a mark; None where it is gone.

    Both times move when the clock is set, and their difference does not.
    """
    try:
        process = psutil.Process(mark["pid"])
        moved = psutil.boot_time() - (mark.get("booted") or psutil.boot_time())
        same = abs(process.create_time() - moved - (mark["process_created"] or 0)) < 1
        return process if same and process.status() != psutil.STATUS_ZOMBIE else None
    except (psutil.NoSuchProcess, ValueError, TypeError, KeyError, OverflowError):  # the latter: a damaged file
        return None


def _alive(status: Status) -> bool:
    if status.pid is None:
        return abs(time.time() - status.queued) < UNSEEN  # where the clock was set back it lies in the future
    return process_of(asdict(status)) is not None


def newest_first(folder: Path, name: str) -> list[Path]:
    """The folders in a folder that have a file of this name, those of the newest files first."""
    found = []
    for file in folder.glob(f"*/{name}"):
        with suppress(FileNotFoundError):  # it is being removed at this moment
            found.append((file.stat().st_mtime, file.parent))
    return [parent for _, parent in sorted(found, key=lambda pair: pair[0], reverse=True)]


@dataclass(frozen=True)
class Job:
    """Work that has a folder of its own; `command` of `upsr` does it, given the id."""

    folder: Path
    command: ClassVar[tuple[str, ...]]

    @property
    def id(self) -> str:
        return self.folder.name

    @property
    def title_for_log(self) -> str:
        return f"{type(self).__name__.lower()} {self.id}"

    @property
    def spec(self) -> Spec:
        """What the job is about. Raises RunError where it cannot be read."""
        raise NotImplementedError

    @property
    def problem(self) -> str:
        """Why the specification cannot be read; empty where it can."""
        try:
            _ = self.spec
        except RunError as error:
            return str(error)
        return ""

    def status(self) -> Status:
        """The status on disk; an active job whose process is gone is `died`."""
        try:
            status = Status(**json.loads((self.folder / "status.json").read_text(encoding="utf-8")))
        except FileNotFoundError:
            return Status()
        except (OSError, ValueError, TypeError):
            return Status("died", message="Its status file is damaged; resume it to go on.")
        if status.state not in STATES:
            return Status("died", message="Its status file is damaged; resume it to go on.")
        if status.active and not _alive(status):
            lost = "The process was killed or ran out of memory. Resume to go on from the last checkpoint."
            return replace(status, state="died", message=lost, seconds_left=None)
        if status.active and (self.folder / STOP).exists():
            return replace(status, state="cancelling")
        return status

    def write_status(self, **changes) -> None:
        """Change the status. Raises RunError where the folder was removed, StorageError where it cannot be written."""
        try:
            write_json(self.folder / "status.json", {**asdict(self._raw_status()), **changes})
        except OSError as error:
            if not self.folder.is_dir():
                how = "Start it again; do not remove what is at work."
                raise RunError(f"The folder of {self.id} was removed", str(self.folder), how) from None
            raise system_error(error, self.folder / "status.json") from error

    def _raw_status(self) -> Status:
        try:
            return Status(**json.loads((self.folder / "status.json").read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError):
            return Status()
