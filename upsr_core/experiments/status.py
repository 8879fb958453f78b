"""What long work in a folder is doing: the status file, and whether its process still lives."""

import json
import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import ClassVar

import psutil

from upsr_core.runtime import write_json

STOP = "STOP"  # a file of this name asks the work to stop
ACTIVE = ("queued", "running", "cancelling")
UNSEEN = 30  # seconds after which a job without a living process is taken for dead


@dataclass(frozen=True)
class Status:
    """What a job is doing: `state` is new, queued, running, cancelling, done, failed, cancelled or died.

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

    @property
    def active(self) -> bool:
        return self.state in ACTIVE


def _alive(status: Status) -> bool:
    if status.pid is None:
        return time.time() - status.queued < UNSEEN
    try:
        process = psutil.Process(status.pid)
        same = abs(process.create_time() - (status.process_created or 0)) < 1
        return same and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


@dataclass(frozen=True)
class Job:
    """Work that has a folder of its own; `command` of `upsr` does it, given the id."""

    folder: Path
    command: ClassVar[tuple[str, ...]]

    @property
    def id(self) -> str:
        return self.folder.name

    def status(self) -> Status:
        """The status on disk; an active job whose process is gone is `died`."""
        try:
            status = Status(**json.loads((self.folder / "status.json").read_text()))
        except FileNotFoundError:
            return Status()
        except (ValueError, TypeError):
            return Status("died", message="Its status file is damaged; resume it to go on.")
        if status.active and not _alive(status):
            lost = "The process was killed or ran out of memory. Resume to go on from the last checkpoint."
            return replace(status, state="died", message=lost, seconds_left=None)
        if status.active and (self.folder / STOP).exists():
            return replace(status, state="cancelling")
        return status

    def write_status(self, **changes) -> None:
        write_json(self.folder / "status.json", {**asdict(self._raw_status()), **changes})

    def _raw_status(self) -> Status:
        try:
            return Status(**json.loads((self.folder / "status.json").read_text()))
        except (OSError, ValueError, TypeError):
            return Status()
