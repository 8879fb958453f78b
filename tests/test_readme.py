"""Every command of the README is executed."""

import json
import os
import re
import shlex
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
PATH = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


def test_commands_from_raw_files_to_a_ranked_user(home):
    lines = [line for block in blocks("bash") for line in block.splitlines() if line.startswith("upsr ")]
    assert len(lines) >= 5
    placeholders = {}
    for line in lines:
        words = [placeholders.get(word, word) for word in shlex.split(line)]
        done = subprocess.run(words, cwd=ROOT, env={**os.environ, "PATH": PATH}, capture_output=True, text=True)
        assert done.returncode == 0, f"{line}\n{done.stdout}\n{done.stderr}"
        assert "Traceback" not in done.stdout + done.stderr
        if line.startswith("upsr run "):
            result = json.loads(done.stdout.splitlines()[-1])
            gap = next(gap for name, gap in result["gaps"]["popularity"].items() if name.startswith("NDCG@10 "))
            assert gap.keys() >= {"mean", "low", "high"} and result["gaps"]["random"].keys() == result["metrics"].keys()
            from upsr_core.runs.run import load_run
            from upsr_core.runs.user_ranking import evaluated_users

            user = evaluated_users(load_run(result["run"])).user_id.iloc[0]
            other = placeholders.get("RUN", "")
            placeholders = {"RUN": result["run"][:8], "OTHER": other, "USER": user}


def test_python_example(home):
    for block in blocks("python"):
        done = subprocess.run([sys.executable, "-c", block], cwd=ROOT, capture_output=True, text=True)
        assert done.returncode == 0 and "tokens" in done.stdout, done.stderr


def test_make_app_opens_the_studio(home):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    env = {**os.environ, "STREAMLIT_SERVER_PORT": str(port), "STREAMLIT_SERVER_HEADLESS": "true"}
    studio = subprocess.Popen(["make", "app"], cwd=ROOT, env=env, start_new_session=True, stdout=subprocess.DEVNULL)
    try:
        for _ in range(240):
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/_stcore/health", timeout=1) as answer:
                    assert answer.read() == b"ok"
                    return
            except OSError:
                assert studio.poll() is None, "make app ended"
                time.sleep(0.5)
        pytest.fail("the studio did not open")
    finally:
        os.killpg(studio.pid, signal.SIGTERM)


def test_make_test_is_what_ci_runs():
    assert "make test" in (ROOT / ".ci" / "run").read_text()
    plan = subprocess.run(["make", "-n", "test"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for step in ("ruff check", "lint-imports", "pytest"):
        assert step in plan


def test_every_folder_has_its_line():
    named = set(re.findall(r"^\| `([\w/]+?)/?` \|", README, re.MULTILINE))
    folders = {path.name for path in ROOT.iterdir() if path.is_dir() and not path.name.startswith(".")}
    folders |= {f"upsr_core/{path.parent.name}" for path in (ROOT / "upsr_core").glob("*/__init__.py")}
    tracked = {f for f in folders if not f.endswith(("egg-info", "__pycache__", "build"))}
    assert tracked <= named
