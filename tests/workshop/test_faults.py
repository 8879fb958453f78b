"""The fault suite itself, a small part of it: it kills, damages, and finds what was stored whole."""

import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def suite(*options: str) -> dict:
    done = subprocess.run(
        [sys.executable, "-m", "workshop.faults", "--workloads", "import", "--workers", "1", *options],
        capture_output=True, text=True, cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}, check=False,
    )  # fmt: skip
    record = json.loads(done.stdout.splitlines()[-1])
    assert done.returncode == (1 if record["lost"] or record["problems"] else 0), done.stderr
    return record


def test_killed_imports_and_damaged_datasets_lose_nothing():
    found = suite("--only", "kills,corruption", "--kills", "3")
    assert (found["kills"], found["lost"], found["problems"]) == (3, 0, 0), found
    counts = found["counts"]
    assert counts["kills: import"] == 3 and counts["finished as undisturbed"] == 1
    # Every file of a dataset and of a saved design, each in two ways.
    assert counts["damaged files"] == 2 * 5
    assert counts.get("named", 0) + counts.get("harmless or healed", 0) == 10
    assert counts["mended by one command"] == counts["named"]
