"""All broken inputs, one after the other, each on the clock and on the scales: `make fuzz`.

A worker process runs the cases; one that takes more than SECONDS of processor time is killed with its worker and
counted as hanging.
Then the property tests run with many examples. The last line is one JSON object; anything but zeros ends with 1.
"""

import json
import logging
import multiprocessing
import os
import re
import resource
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import broken_addresses
import broken_commands
import broken_files
import broken_words
import psutil
from fuzz_case import MIB, SECONDS, judge

HERE = Path(__file__).resolve().parent
EXAMPLES = 400
LIMIT = 12 << 30  # bytes of address space of the worker; what it holds is measured case by case
PREPARING, WAITING = 300, 90  # seconds for what stands before a case, and for a case that sleeps


def all_cases() -> list:
    found = [case for part in (broken_files, broken_words, broken_commands, broken_addresses) for case in part.cases()]
    names = [case.name for case in found]
    assert len(set(names)) == len(names), sorted(name for name in names if names.count(name) > 1)
    return found


def _work(pipe, wanted: list[str], base: str) -> None:
    logging.disable(logging.WARNING)  # of the libraries, about running pages without a browser
    resource.setrlimit(resource.RLIMIT_AS, (LIMIT, LIMIT))
    cases = {case.name: case for case in all_cases()}
    for name in wanted:
        with tempfile.TemporaryDirectory(dir=base) as folder:
            place = Path(folder)
            os.environ["UPSR_HOME"] = str(place / "home")
            (place / "files").mkdir()
            _warm(name)
            cases[name].prepare(place / "files")
            pipe.send({"begins": name})
            pipe.send(judge(cases[name], place / "files"))
    pipe.send(None)


def _heard(pipe, pid: int) -> bool:
    """Whether the worker answers within SECONDS of processor time, and WAITING seconds of any."""
    process, begun = psutil.Process(pid), time.monotonic()
    before = sum(process.cpu_times()[:2])
    while not pipe.poll(0.5):
        if sum(process.cpu_times()[:2]) - before > SECONDS or time.monotonic() - begun > WAITING:
            return False
    return True


def _warm(name: str) -> None:
    """Import what a case needs before its clock starts: a library is imported once, however often it is used."""
    if name.startswith(("run/", "exported/", "command/", "page/", "typed/")):
        import upsr_core.comparison.export
    if name.startswith(("model/", "command/")):
        import upsr_core.runs.user_ranking  # noqa: F401


def run_all(names: list[str], base: str, report) -> None:
    """Judge the named cases; `report` gets a record of each."""
    context = multiprocessing.get_context("spawn")
    left = list(names)
    while left:
        ours, theirs = context.Pipe()
        worker = context.Process(target=_work, args=(theirs, left, base), daemon=True)
        worker.start()
        theirs.close()
        begun = False
        while True:
            heard = _heard(ours, worker.pid) if begun else ours.poll(PREPARING)
            try:
                record = ours.recv() if heard else {"name": left[0], "verdict": "hang", "message": "", "mib": 0.0}
            except EOFError:
                record = {"name": left[0], "verdict": "died", "message": "the process died", "mib": 0.0}
            if record is None:
                return
            if begun := "begins" in record:
                continue
            report(record)
            left.pop(0)
            if record["verdict"] in ("hang", "died"):
                break
        worker.kill()
        worker.join()


def properties() -> tuple[int, int]:
    """How many property tests ran with many examples, and how many failed."""
    command = [sys.executable, "-m", "pytest", "-n", "0", "--no-header", str(HERE / "test_properties.py")]
    done = subprocess.run(
        command,
        cwd=HERE.parents[1],
        env={**os.environ, "UPSR_FUZZ_EXAMPLES": str(EXAMPLES)},
        capture_output=True,
        text=True,
    )
    counts = {what: int(number) for number, what in re.findall(r"(\d+) (passed|failed|error)", done.stdout)}
    if done.returncode:
        print(done.stdout[-6000:])
    return counts.get("passed", 0), counts.get("failed", 0) + counts.get("error", 0) + (not counts)


def main() -> int:
    wanted = sys.argv[1] if len(sys.argv) > 1 else ""
    names = [case.name for case in all_cases() if re.search(wanted, case.name)]
    records = []

    def report(record: dict) -> None:
        records.append(record)
        if record["verdict"] != "ok" or record["mib"] > MIB:
            print(f"{record['verdict']}: {record['name']} ({record['mib']:.0f} MiB)", flush=True)
            print(f"    {record['message'][-1500:]}", flush=True)

    with tempfile.TemporaryDirectory(prefix="upsr-fuzz-") as base:
        run_all(names, base, report)
    held, failed = (0, 0) if wanted else properties()
    verdicts = Counter(record["verdict"] for record in records)
    result = {
        "cases": len(records), "tracebacks": verdicts["traceback"] + verdicts["died"], "hangs": verdicts["hang"],
        "over_memory": sum(record["mib"] > MIB for record in records), "unclear": verdicts["unclear"],
        "properties": held, "properties_failed": failed, "examples": EXAMPLES,
        "slowest_seconds": max(record.get("seconds", SECONDS) for record in records),
        "most_mib": max(record["mib"] for record in records),
    }  # fmt: skip
    print(json.dumps(result))
    return int(any(result[key] for key in ("tracebacks", "hangs", "over_memory", "unclear", "properties_failed")))


if __name__ == "__main__":
    sys.exit(main())
