"""A full disk, and folders that cannot be written: the error is named, nothing is lost, and it goes on afterwards.

A tmpfs of a few megabytes and a read-only bind mount where mounting is allowed (root in a container of its own);
otherwise a limit on the size of files, and a user without rights to write.
"""

import os
import resource
import shutil
import signal
import subprocess
import tempfile
from functools import lru_cache
from pathlib import Path

import numpy as np

from workshop.faults.children import Ended, run, upsr
from workshop.faults.lab import Ready, Tally
from workshop.faults.prints import changed, fingerprint

NOBODY = 65534


@lru_cache(maxsize=1)
def can_mount() -> bool:
    """Whether a tmpfs can be mounted here."""
    with tempfile.TemporaryDirectory() as folder:
        made = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", folder], capture_output=True)
        if made.returncode == 0:
            subprocess.run(["umount", folder], check=True)
        return made.returncode == 0


def _size(folder: Path) -> int:
    """Bytes of a folder in blocks of 4 KiB, as a tmpfs counts them."""
    return sum(-(-path.stat().st_size // 4096) * 4096 for path in folder.rglob("*") if path.is_file())


def full(ready: Ready, home: Path, seed: int) -> Tally:
    """The command with less room than it needs; then room is made, and the same command again."""
    rng, tally, name = np.random.default_rng([seed, 3]), Tally(), f"full disk, {ready.name}, seed {seed}"
    need = max(65536, _size(ready.after) - _size(ready.before))
    # Checkpoints need more than what is left in the end, so the room may be too small even above it.
    room = int(rng.uniform(0.0, 1.3) * need)
    if can_mount():
        ended, lost, last, same = _on_tmpfs(ready, home, room)
    else:
        ended, lost, last, same = _with_limit(ready, home, room)
    _judge(tally, name, ended, lost)
    tally.count("disk: was full" if ended.code else "disk: had room")
    if last.code or not same:
        tally.problem(f"{name}: does not go on once there is room", last)
        tally.lost.append(f"{name}: does not go on")
    return tally


def _judge(tally: Tally, name: str, ended: Ended, lost: list[str]) -> None:
    if ended.code and not ended.named:
        tally.problem(f"{name}: the damage is not named", ended)
    if ended.trace:
        tally.count("tracebacks")
    tally.lost += [f"{name}: {file}" for file in lost]


def _on_tmpfs(ready: Ready, home: Path, room: int):
    place = home.with_name(f"{home.name}-tmpfs")
    place.mkdir()
    most = _size(ready.before) + room + 2**20
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={most}", "tmpfs", str(place)], check=True)
    try:
        inner = ready.copy(place / "home")
        # The rest of the room is taken, so that folders and what else the file system keeps do not blur it.
        filler = place / "filler"
        free = shutil.disk_usage(place).free
        filler.write_bytes(bytes(max(0, free - room)))
        ended = run_out_of(inner, home, upsr(*ready.command))
        lost = ready.lost(inner)
        filler.unlink()
        subprocess.run(["mount", "-o", "remount,size=512m", str(place)], check=True)
        last = run_out_of(inner, home, upsr(*ready.command))
        return ended, lost, last, ready.outcome(inner) == ready.result
    finally:
        subprocess.run(["umount", "-l", str(place)], check=True)
        place.rmdir()


def run_out_of(inner: Path, home: Path, work) -> Ended:
    """Work on a home, with its output and its temporary files outside of it."""

    def moved():
        os.environ["UPSR_HOME"] = str(inner)
        return work()

    return run(moved, home)


def _with_limit(ready: Ready, home: Path, room: int):
    ready.copy(home)

    def limited():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (min(room, 20_000), resource.RLIM_INFINITY))
        return upsr(*ready.command)()

    ended = run(limited, home)
    lost = ready.lost(home)
    last = run(upsr(*ready.command), home)
    same = ready.outcome(home) == ready.result
    shutil.rmtree(home, ignore_errors=True)
    return ended, lost, last, same


READING = (["data", "list"], ["data", "show", "shop"], ["runs"])


def read_only(ready: Ready, home: Path, part: str) -> Tally:
    """The command where the home, or one folder of it, cannot be written; what is stored can be read meanwhile."""
    tally, name = Tally(), f"read-only {part or 'home'}, {ready.name}"
    ready.copy(home)
    before, closed = fingerprint(home), home / part
    closed.mkdir(exist_ok=True)
    _close(closed)
    try:
        for arguments in READING:
            seen = run(_without_rights(upsr(*arguments)), home)
            if seen.code:
                tally.problem(f"{name}: `upsr {' '.join(arguments)}` does not work", seen)
        ended = run(_without_rights(upsr(*ready.command)), home)
    finally:
        _open(closed)
    tally.count("read-only: refused" if ended.code else "read-only: did not need it")
    _judge(tally, name, ended, changed(before, home, ready.untouched))
    last = run(upsr(*ready.command), home)
    if last.code or ready.outcome(home) != ready.result:
        tally.problem(f"{name}: does not go on once it can be written", last)
        tally.lost.append(f"{name}: does not go on")
    shutil.rmtree(home, ignore_errors=True)
    return tally


def _close(folder: Path) -> None:
    if can_mount():
        subprocess.run(["mount", "--bind", str(folder), str(folder)], check=True)
        subprocess.run(["mount", "-o", "remount,bind,ro", str(folder)], check=True)
        return
    for path in (folder, *folder.rglob("*")):
        path.chmod(0o555 if path.is_dir() else 0o444)


def _open(folder: Path) -> None:
    if can_mount():
        subprocess.run(["umount", "-l", str(folder)], check=True)
        return
    for path in (folder, *folder.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)


def _without_rights(work):
    """As it is where a mount closes the folder, or where the user is none that may do everything."""
    if can_mount() or os.getuid() != 0:
        return work

    def call():
        os.setgid(NOBODY)
        os.setuid(NOBODY)
        return work()

    return call
