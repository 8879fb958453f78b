"""Files that vanish under a running process, and a clock that jumps while it works."""

import shutil
import time
from pathlib import Path

import numpy as np

from workshop.faults.children import SECONDS, Child, run, upsr
from workshop.faults.lab import Ready, Tally, look

# What may be removed under which command, and whether it is a thing that the person then has to bring back.
TARGETS = {
    "sasrec": ("runs/{run}/tuning", "runs/{run}/status.json", "runs/{run}", "datasets/sample%3Apantry", "candidates"),
    "upsr": (
        "runs/{run}/pretraining", "runs/{run}/tuning", "runs/{run}/pretrained", "candidates", "runs/{run}/spec.json",
    ),
    "text-vectors": ("text-vectors", "runs/{run}/tuning", "candidates"),
    "indicators": ("indicators", "datasets/sample%3Apantry"),
    "import": ("datasets/.*~", "datasets"),
}  # fmt: skip


def removed(ready: Ready, home: Path, target: str, seed: int) -> Tally:
    """Something removed at a random moment; the command ends well or says so, and the same goes on afterwards."""
    rng, tally = np.random.default_rng([seed, 5]), Tally()
    name = f"removed {target} under {ready.name}, seed {seed}"
    ready.copy(home)
    child = Child(upsr(*ready.command), home)
    ended = child.ended(float(rng.uniform(0, ready.seconds)))
    gone = sorted(home.glob(target.format(run=ready.command[-1])))
    for path in gone:
        shutil.rmtree(path, ignore_errors=True) if path.is_dir() else path.unlink(missing_ok=True)
    tally.count("removals" if gone else "removals: it was not there yet")
    ended = ended or child.ended(SECONDS)
    if ended is None:
        child.kill()
        tally.problem(f"{name}: it hangs")
        tally.lost.append(f"{name}: hangs")
        return tally
    if ended.trace or (ended.code and not ended.named):
        tally.problem(f"{name}: not named", ended)
    seen = look(home)
    if seen.code or seen.trace:
        tally.problem(f"{name}: lists fail", seen)
    _bring_back(ready, home, gone)
    last = run(upsr(*ready.command), home)
    if last.code or _wanted(ready.outcome(home), target) != _wanted(ready.result, target):
        tally.problem(f"{name}: does not go on as undisturbed", last)
        tally.lost.append(f"{name}: does not go on")
    else:
        tally.count("finished as undisturbed")
    shutil.rmtree(home, ignore_errors=True)
    return tally


def _wanted(outcome: dict[str, dict[str, str]], target: str) -> dict[str, dict[str, str]]:
    """An outcome without what was removed, where that is made again only if it is wanted: caches, halfway results."""
    place = target.split("/")[-1]
    if place not in ("candidates", "text-vectors", "pretrained"):
        return outcome
    return {
        folder: {file: content for file, content in files.items() if file.split("/")[0] != place}
        for folder, files in outcome.items()
        if folder != place
    }


def _bring_back(ready: Ready, home: Path, gone: list[Path]) -> None:
    """What a person removed that was there before the command, they have to bring back themselves."""
    for path in gone:
        before = ready.before / path.relative_to(home)
        if before.is_dir():
            shutil.copytree(before, path, dirs_exist_ok=True)
        elif before.exists() and not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(before, path)


def skewed(ready: Ready, home: Path, seed: int) -> Tally:
    """The clock of the process is wrong from the start, and jumps while it works, up to years back and forth."""
    rng, tally, name = np.random.default_rng([seed, 6]), Tally(), f"skewed clock, {ready.name}, seed {seed}"
    ready.copy(home)
    shifts = [float(rng.choice([-1, 1]) * 10 ** rng.uniform(1, 8)) for _ in range(2)]
    jump = float(rng.uniform(0, ready.seconds))

    def work():
        true, began = time.time, time.monotonic()
        time.time = lambda: true() + shifts[time.monotonic() - began > jump]
        return upsr(*ready.command)()

    child = Child(work, home)
    half = child.ended(ready.seconds / 2)
    if half is None:
        seen = look(home)
        if seen.code or " died" in seen.output:
            tally.problem(f"{name}: a living run is taken for dead", seen)
    ended = half or child.ended(SECONDS)
    tally.count("clock jumps")
    if ended is None or ended.code or ready.outcome(home) != ready.result:
        tally.problem(f"{name}: another result ({shifts}, {jump})", ended)
        tally.lost.append(f"{name}: another result")
    seen = look(home)
    if seen.code:
        tally.problem(f"{name}: lists fail afterwards", seen)
    shutil.rmtree(home, ignore_errors=True)
    return tally
