"""The studio in a real browser: one server on a home folder of its own, one Chromium."""

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
# Chromium in a container has no sandbox of its own, and nothing here needs a network.
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture(scope="session")
def chromium():
    path = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
    if not path:
        pytest.skip("no Chromium: install it (Debian: apt-get install chromium) or set CHROMIUM to its path")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def browser_home(tmp_path_factory) -> Path:
    """The home folder of the running studio."""
    return tmp_path_factory.mktemp("browser-home")


@pytest.fixture(scope="session")
def server(tmp_path_factory, browser_home):
    """The address of a running studio."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    log = tmp_path_factory.mktemp("browser-log") / "server.txt"
    address = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-m", "streamlit", "run", "app/main.py", "--server.headless=true"]
    with log.open("w") as output:
        process = subprocess.Popen(
            [*command, f"--server.port={port}"],
            cwd=ROOT,
            env={**os.environ, "UPSR_HOME": str(browser_home)},
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        try:
            _wait(address, process, log)
            yield address
        finally:
            process.terminate()
            process.wait(60)


def _wait(address: str, process: subprocess.Popen, log: Path) -> None:
    for _ in range(300):
        if process.poll() is not None:
            pytest.fail(f"the studio did not start: {log.read_text()}")
        try:
            urllib.request.urlopen(f"{address}/_stcore/health", timeout=1)
            return
        except OSError:
            time.sleep(0.1)
    pytest.fail(f"the studio did not answer within 30 s: {log.read_text()}")


@pytest.fixture(scope="session")
def shots(tmp_path_factory) -> Path:
    """Where screenshots go."""
    return tmp_path_factory.mktemp("screenshots")
