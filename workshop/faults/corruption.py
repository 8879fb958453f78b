"""Bytes of stored files changed, cut off or gone: named or healed, never taken for what was stored, and mended.

A look (`stored_files.py`) at a damaged file must end with the same as before (the damage does no harm, or was healed)
or with an error in words.
"""

import shutil
from pathlib import Path

import numpy as np

from workshop.faults.children import Ended, printing, run, upsr
from workshop.faults.lab import Tally
from workshop.faults.prints import fingerprint
from workshop.faults.stored_files import Kind

UNREAD = {"log.txt", "environment.json", "versions.json", "command.txt", "figure.html", "STOP", ".lock", "process.json"}


def files_of(home: Path, kinds: list[Kind]) -> list[tuple[Kind, Path]]:
    """Every stored file that is read again, with its kind; relative to the home."""
    return [
        (kind, path.relative_to(home))
        for kind in kinds
        for path in sorted((home / kind.place).rglob("*"))
        if path.is_file() and path.name not in UNREAD and "specs" not in path.parts and _read_again(path)
    ]


def _read_again(path: Path) -> bool:
    """Tables and pictures for other programs are written only."""
    return path.suffix in (".json", ".parquet", ".npz", ".npy", ".safetensors", ".model") or path.name == "curve.csv"


def damage(path: Path, how: str, rng: np.random.Generator) -> None:
    whole = path.read_bytes()
    place = int(rng.integers(max(1, len(whole))))
    if how == "flip" and whole:
        whole = whole[:place] + bytes([whole[place] ^ (1 << int(rng.integers(8)))]) + whole[place + 1 :]
    elif how == "cut":
        whole = whole[:place]
    elif how == "zeros":
        whole = whole[:place] + bytes(min(64, len(whole) - place)) + whole[place + 64 :]
    elif how == "noise":
        whole = whole[:place] + rng.bytes(min(64, len(whole) - place)) + whole[place + 64 :]
    elif how == "empty":
        whole = b""
    if how == "gone":
        path.unlink()
    else:
        path.write_bytes(whole)


HOWS = ("flip", "flip", "cut", "zeros", "noise", "empty", "gone")


def corrupt(rich: Path, kind: Kind, file: Path, how: str, home: Path, seed: int, expected: dict) -> Tally:
    """One file damaged in one way, looked at, mended, and looked at again; the rest must be as it was all along."""
    rng, tally, name = np.random.default_rng([seed, 4]), Tally(), f"{how} {file}, seed {seed}"
    if not home.exists():
        shutil.copytree(rich, home)
    damage(home / file, how, rng)
    tally.count("damaged files")
    seen = run(printing(kind.look), home)
    _judge(tally, name, seen, expected)
    listed = run(upsr("runs"), home)
    if listed.code or listed.trace:
        tally.problem(f"{name}: `upsr runs` fails", listed)
    if seen.code:
        mended = run(kind.mend, home)
        after = run(printing(kind.look), home)
        if mended.code or after.code or after.last != expected:
            tally.problem(f"{name}: is not mended by one command", mended if mended.code else after)
            tally.lost.append(f"{name}: not mended")
        else:
            tally.count("mended by one command")
    _restore(rich, home, kind)
    return tally


def _judge(tally: Tally, name: str, seen: Ended, expected: dict) -> None:
    if seen.code == 0 and seen.last == expected:
        tally.count("harmless or healed")
    elif seen.code == 0:
        differ = sorted(key for key in expected if seen.last.get(key) != expected[key])
        tally.problem(f"{name}: passes for what was stored: {differ}")
        tally.lost.append(f"{name}: silently another content")
    elif seen.named:
        tally.count("named")
    else:
        tally.problem(f"{name}: not named", seen)
        tally.count("tracebacks", int(seen.trace))


def _restore(rich: Path, home: Path, kind: Kind) -> None:
    """Put back what the case may have touched: its folder, and everything where something else changed."""
    shutil.rmtree(home / kind.place, ignore_errors=True)
    shutil.copytree(rich / kind.place, home / kind.place)
    if fingerprint(home) != fingerprint(rich):
        shutil.rmtree(home)
        shutil.copytree(rich, home)
