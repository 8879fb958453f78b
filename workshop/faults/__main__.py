"""`make faults`: kills, full and read-only disks, damaged and vanishing files, a wrong clock; nothing may be lost.

    python -m workshop.faults [--kills 220] [--seed 0] [--only kills,disk,corruption,removal,clock] [--workloads NAMES]

Every case is seeded and works on its own copy of a prepared home. Problems are printed as they are found. The last
line is one JSON object: `kills`, `lost` (what was stored and is not any more, results that differ from the undisturbed
ones, commands that do not go on; must be 0), counts of each kind, and the problems in words. Exit code 1 where there
is any.
"""

import argparse
import json
import multiprocessing
import os
import random
import signal
import sys
import tempfile
import time
from functools import partial
from pathlib import Path

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[_name] = "1"
os.environ["CHROMIUM"] = "/bin/false"  # pictures take seconds and are no stored state

import upsr_core.runtime  # noqa: E402, F401  sets what must be set before torch is imported
from workshop.faults import corruption, disk, kills, others, stored_files  # noqa: E402
from workshop.faults.children import printing, run  # noqa: E402
from workshop.faults.lab import Lab, Tally  # noqa: E402
from workshop.faults.workloads import WORKLOADS  # noqa: E402

KINDS = ("kills", "disk", "corruption", "removal", "clock")
CHAIN = 8  # kills of one command before it may finish
# How the kills are shared out: commands that take long get fewer.
SHARES = {
    "import": 60, "indicators": 35, "text-vectors": 25, "trie": 15, "sasrec": 40, "upsr": 30, "evaluation": 15,
    "experiment": 8, "study": 8,
}  # fmt: skip
DETACHED = 6


def preload(names: list[str]) -> None:
    """Import what the commands import, so that a forked one begins with its work."""
    import importlib

    modules = ["upsr_core.cli.main", "upsr_core.datasets.importing", "upsr_core.runs.run", "duckdb"]
    if any(WORKLOADS[name].torch for name in names):
        modules += [
            "torch", "transformers", "accelerate", "transformers.models.t5.modeling_t5", "upsr_core.runs.pipeline",
            "upsr_core.doctor", "upsr_core.studies.worker", "upsr_core.paper.runner",
            "upsr_core.models.unisrec", "upsr_core.indicators.profile", "upsr_core.indicators.naturalness",
            "upsr_core.models.text_vectors", "upsr_core.indicators.encoder",
        ]  # fmt: skip
    for module in modules:
        importlib.import_module(module)


def planned(options: argparse.Namespace, lab: Lab, folder: Path) -> list[partial[Tally]]:
    """All cases as functions of a home, in an order of the seed, so that a part of them is a sample of all kinds."""
    kinds, seed = options.only.split(","), options.seed
    cases: list[partial[Tally]] = []
    ready = lab.ready
    if "kills" in kinds:
        total = sum(SHARES[name] for name in ready)
        for name in ready:
            left, number = max(1, round(options.kills * SHARES[name] / total)), 0
            while left > 0:
                cases.append(partial(kills.chain, ready[name], seed=seed * 1000 + number, kills=min(CHAIN, left)))
                left, number = left - CHAIN, number + 1
        if "sasrec" in ready and options.kills >= 100:
            cases += [partial(kills.detached, ready["sasrec"], seed=seed * 1000 + n) for n in range(DETACHED)]
    if "disk" in kinds:
        some = [name for name in ready if name in ("import", "indicators", "text-vectors", "sasrec", "upsr", "trie")]
        cases += [partial(disk.full, ready[name], seed=seed * 1000 + n) for name in some for n in range(4)]
        for name in some:
            parts = ["", "datasets" if name == "import" else "indicators" if name == "indicators" else "runs"]
            cases += [partial(disk.read_only, ready[name], part=part) for part in parts]
    if "removal" in kinds:
        cases += [
            partial(others.removed, ready[name], target=target, seed=seed * 1000 + n)
            for name in others.TARGETS.keys() & ready.keys()
            for target in others.TARGETS[name]
            for n in range(2)
        ]
    if "clock" in kinds:
        some = [name for name in ready if name in ("import", "sasrec", "upsr", "evaluation", "experiment")]
        cases += [partial(others.skewed, ready[name], seed=seed * 1000 + n) for name in some for n in range(2)]
    if "corruption" in kinds:
        rich = folder / "rich"
        stored = stored_files.rich_home(lab, rich)
        expected = {}
        for kind in stored:
            ended = run(printing(kind.look), rich)
            if ended.code:
                raise SystemExit(f"the suite cannot look at {kind.place}: {ended.output[-2000:]}")
            expected[kind.place] = ended.last
        for number, (kind, file) in enumerate(corruption.files_of(rich, stored)):
            for n in range(2):
                how = corruption.HOWS[(2 * number + n + seed) % len(corruption.HOWS)]
                cases.append(
                    partial(
                        corruption.corrupt, rich, kind, file, how, seed=seed * 1000 + n, expected=expected[kind.place]
                    )
                )
    random.Random(seed).shuffle(cases)
    return cases


_cases: list[partial[Tally]] = []
_folder = Path()


def _work(number: int) -> Tally:
    """One case in a worker: its copy of a home is the worker's own."""
    case = _cases[number]
    shared = case.func is corruption.corrupt  # goes on with a whole home
    home = _folder / (f"rich-{os.getpid()}" if shared else f"case-{number}")
    try:
        return case(home=home)
    except Exception as error:
        tally = Tally()
        tally.problem(f"the suite itself failed in {case.func.__name__}: {type(error).__name__}: {error}")
        return tally


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=220)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", default=",".join(KINDS))
    parser.add_argument("--workloads", default=",".join(WORKLOADS))
    parser.add_argument("--workers", type=int, default=min(2, os.cpu_count() or 1))
    options = parser.parse_args()
    signal.signal(signal.SIGINT, signal.default_int_handler)  # also where it was started in the background
    names = options.workloads.split(",")
    began = time.monotonic()
    preload(names)
    global _cases, _folder
    with tempfile.TemporaryDirectory(prefix="upsr-faults-", ignore_cleanup_errors=True) as folder:
        _folder = Path(folder)
        lab = Lab(_folder, names)
        _cases = planned(options, lab, _folder)
        print(f"{len(_cases)} cases after {time.monotonic() - began:.0f} s", flush=True)
        tally = Tally()
        with multiprocessing.get_context("fork").Pool(options.workers) as pool:
            try:
                for done, found in enumerate(pool.imap_unordered(_work, range(len(_cases))), start=1):
                    for problem in found.problems:
                        print(f"PROBLEM {problem}", flush=True)
                    tally.add(found)
                    if done % 10 == 0:
                        killed, seconds = tally.counts.get("kills", 0), time.monotonic() - began
                        print(f"{done} of {len(_cases)} cases, {killed} kills, {seconds:.0f} s", flush=True)
            except KeyboardInterrupt:
                tally.problem("stopped before all cases were done")
    record = {
        "kills": tally.counts.pop("kills", 0),
        "lost": len(tally.lost),
        "problems": len(tally.problems),
        "seed": options.seed,
        "seconds": round(time.monotonic() - began),
        "cases": len(_cases),
        "full_disk": "tmpfs" if disk.can_mount() else "limit on the size of files",
        "read_only": "read-only bind mount" if disk.can_mount() else "a user without rights",
        "clock": "time.time of the process replaced",
        "counts": dict(sorted(tally.counts.items())),
        "what_was_lost": tally.lost[:50],
        "what": tally.problems[:50],
    }
    print(json.dumps(record))
    return 1 if record["lost"] or record["problems"] else 0


if __name__ == "__main__":
    sys.exit(main())
