"""Every command of the tutorial is executed, as a reader would: in an empty folder, one after the other."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pandas as pd

ROOT = Path(__file__).resolve().parents[1]
TUTORIAL = (ROOT / "docs" / "tutorial.md").read_text(encoding="utf-8")
PATH = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"


def test_the_tutorial_leads_to_a_finished_comparison(home, tmp_path):
    (program,) = re.findall(r"```python\n(.*?)```", TUTORIAL, re.DOTALL)
    subprocess.run([sys.executable, "-c", program], cwd=tmp_path, check=True)
    lines = [line for block in re.findall(r"```bash\n(.*?)```", TUTORIAL, re.DOTALL) for line in block.splitlines()]
    assert len(lines) >= 8
    runs, said = [], []
    for line in lines:
        if runs[1:]:
            line = line.replace("FIRST", runs[0]).replace("SECOND", runs[1])
        command, _, expected = line.partition("# fails: ")
        environment = {**os.environ, "PATH": PATH, "COLUMNS": "200"}
        done = subprocess.run(command, shell=True, cwd=tmp_path, env=environment, capture_output=True, text=True)
        output = done.stdout + done.stderr
        assert "Traceback" not in output, line
        if expected:
            assert done.returncode == 1 and expected.strip() in done.stderr and "artikel.csv" in done.stderr, output
            continue
        assert done.returncode == 0, f"{line}\n{output}"
        said.append(output)
        if command.startswith("upsr run "):
            runs.append(json.loads(done.stdout.splitlines()[-1])["run"][:8])
    flat = " ".join(said[0].split())
    assert "read with the day first" in re.sub(r"[│ ]+", " ", flat) and "number form 150" in flat
    assert "bezeichnung" not in flat, "a column that was named is no second attribute"
    assert ("not told apart" in said[-1]) or ("different" in said[-1])
    board = pd.read_csv(tmp_path / "comparison" / "leaderboard.csv")
    assert {"UPSR · title", "UPSR · category, title, brand"} <= set(board.label) and (
        tmp_path / "comparison" / "figure.html"
    ).is_file()
