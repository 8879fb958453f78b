"""Fingerprints of what is stored: folders have the same if nobody can tell a difference between their contents."""

import hashlib
import json
from pathlib import Path

# How long things took, and what has to differ between two makings of the same.
VOLATILE = {"seconds", "training_seconds", "finished", "resumed", "peak_memory_mib", "seal"}
# Files that say what happened, not what is; pages that get new ids whenever they are drawn; locks.
SKIPPED = {
    "status.json", "log.txt", "environment.json", "versions.json", "sums.json", "figure.html", "process.json", "STOP",
    ".lock",
}  # fmt: skip
WORKING = {"tuning", "pretraining", "logs"}  # checkpoints come and go


def fingerprint(folder: Path) -> dict[str, str]:
    """Of every file under a folder, by its path there."""
    if not folder.is_dir():
        return {}
    found = {}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder)
        hidden = any(part[0] == "." for part in name.parts)  # half written, or left by a kill: the doctor counts them
        if path.is_file() and path.name not in SKIPPED and not WORKING & set(name.parts) and not hidden:
            found[str(name)] = _content(path)
    return found


def _content(path: Path) -> str:
    data = path.read_bytes()
    if path.suffix == ".json":
        try:
            data = json.dumps(_steady(json.loads(data)), sort_keys=True).encode()
        except ValueError:
            pass
    return hashlib.sha256(data).hexdigest()[:16]


def _steady(value):
    if isinstance(value, dict):
        return {key: _steady(each) for key, each in value.items() if key not in VOLATILE}
    return [_steady(each) for each in value] if isinstance(value, list) else value


def changed(before: dict[str, str], folder: Path, apart_from: tuple[str, ...] = ()) -> list[str]:
    """Files of an earlier fingerprint that are gone or different now, those under `apart_from` aside."""
    now = fingerprint(folder)
    return [
        name for name, content in before.items() if now.get(name) != content and not name.startswith(apart_from)
    ]  # fmt: skip
