"""SIGKILL at random moments of a command: what was stored stays, and the same command finishes with the same result."""

import shutil
import sys
from pathlib import Path

import numpy as np

from workshop.faults.children import Child, run, upsr
from workshop.faults.lab import Ready, Tally, look


def chain(ready: Ready, home: Path, seed: int, kills: int) -> Tally:
    """A command killed again and again at random moments, `kills` times, then left to finish.

    The moments are uniform over its undisturbed duration. It goes on where it was, so it may finish before a kill; it
    is begun anew then.
    """
    rng, tally, name = np.random.default_rng([seed, 1]), Tally(), ready.name
    ready.copy(home)
    while tally.counts.get("kills", 0) < kills:
        child = Child(upsr(*ready.command), home)
        ended = child.ended(float(rng.uniform(0, ready.seconds)))
        if ended is not None:
            if ended.code or ready.outcome(home) != ready.result:
                tally.problem(f"{name}, seed {seed}: failed after {tally.counts.get('kills', 0)} kills", ended)
                tally.lost.append(f"{name}, seed {seed}: {_differing(ready, home) or 'does not go on'}")
                break
            tally.count("finished before the kill")
            ready.copy(home)
            continue
        child.kill()
        tally.count("kills")
        tally.count(f"kills: {name}")
        seen = look(home)
        if seen.code or seen.trace:
            tally.problem(f"{name}, seed {seed}: a list fails after kill {tally.counts['kills']}", seen)
        tally.lost += [f"{name}, seed {seed}: {file} after kill {tally.counts['kills']}" for file in ready.lost(home)]
    last = run(upsr(*ready.command), home)
    if last.code:
        tally.problem(f"{name}, seed {seed}: does not finish", last)
        tally.lost.append(f"{name}, seed {seed}: does not finish")
    elif ready.outcome(home) != ready.result:
        differ = _differing(ready, home)
        tally.problem(f"{name}, seed {seed}: another result than undisturbed: {differ}")
        tally.lost.append(f"{name}, seed {seed}: another result")
    else:
        tally.count("finished as undisturbed")
    if "torch" in sys.modules:  # otherwise only imports are killed, and the doctor would take longer than they do
        _examine(home, f"{name}, seed {seed}", tally)
    if ready.outcome(home) != ready.result and not last.code:
        tally.lost.append(f"{name}, seed {seed}: the doctor's mending changed the result")
    shutil.rmtree(home, ignore_errors=True)
    return tally


def _examine(home: Path, name: str, tally: Tally) -> None:
    """The doctor must find nothing broken, and nothing left behind once it has swept."""
    swept = run(upsr("doctor", "--mend", "--json"), home)
    if swept.code or any(finding["kind"] == "leftover" for finding in swept.last["findings"]):
        tally.problem(f"{name}: the doctor finds something broken or left at the end", swept)
    tally.count("leftovers swept", len(swept.last["mended"]) if not swept.code else 0)


def _differing(ready: Ready, home: Path) -> list[str]:
    now = ready.outcome(home)
    return [
        f"{folder}/{file}"
        for folder, files in ready.result.items()
        for file in files.keys() | now[folder].keys()
        if files.get(file) != now[folder].get(file)
    ]


def detached(ready: Ready, home: Path, seed: int) -> Tally:
    """The same with a run as the studio starts it: a process of its own from its first import on."""
    import os
    import signal
    import time

    from upsr_core.runs.status import mark_of, process_of

    rng, tally = np.random.default_rng([seed, 2]), Tally()
    ready.copy(home)
    run_id = ready.command[-1]

    def start() -> int:
        from upsr_core.runs import queue
        from upsr_core.runs.run import load_run

        queue.start(load_run(run_id))
        print(load_run(run_id).status().pid)
        return 0

    started = run(start, home)
    if started.code:
        tally.problem(f"detached, seed {seed}: does not start", started)
        return tally
    pid = int(started.output.strip().splitlines()[-1])
    mark = mark_of(pid)
    time.sleep(float(rng.uniform(0.1, 8 + ready.seconds)))
    try:
        os.killpg(pid, signal.SIGKILL)
        # It gives way to others while it dies too: on a busy machine that takes seconds.
        end = time.monotonic() + 60
        while process_of(mark) and time.monotonic() < end:
            time.sleep(0.01)
        tally.count("kills")
        tally.count("kills: detached")
    except ProcessLookupError:
        tally.count("detached: finished before the kill")
    tally.lost += [f"detached, seed {seed}: {file}" for file in ready.lost(home)]
    seen = look(home)
    if seen.code or "running" in seen.output:
        tally.problem(f"detached, seed {seed}: a killed run is not seen as such", seen)
    last = run(upsr(*ready.command), home)
    if last.code or ready.outcome(home) != ready.result:
        tally.problem(f"detached, seed {seed}: does not finish as undisturbed: {_differing(ready, home)}", last)
        tally.lost.append(f"detached, seed {seed}: another result")
    else:
        tally.count("finished as undisturbed")
    shutil.rmtree(home, ignore_errors=True)
    return tally
