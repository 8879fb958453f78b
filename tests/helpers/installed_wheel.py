"""The wheel of this repository, and a new environment outside the clone in which it is installed."""

import os
import shutil
import socket
import subprocess
import sys
import sysconfig
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
NOT_COPIED = (".git", ".venv", "build", "__pycache__", "*.egg-info", ".*_cache")


def build_wheel(folder: Path) -> Path:
    """The wheel, built in `folder` from a copy: setuptools leaves folders of its own beside what it builds."""
    copy = shutil.copytree(ROOT, folder / "copy", ignore=shutil.ignore_patterns(*NOT_COPIED))
    pip = [sys.executable, "-m", "pip", "--quiet"]
    done = subprocess.run(
        [*pip, "wheel", "--no-deps", "--no-index", "--no-build-isolation", "--wheel-dir", str(folder), str(copy)],
        capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    (wheel,) = folder.glob("*.whl")
    return wheel


@dataclass(frozen=True)
class Environment:
    """A virtual environment in `folder`; what runs in it stands in `cwd`, outside the clone, with a new home."""

    folder: Path
    cwd: Path

    @property
    def python(self) -> Path:
        return self.folder / "bin" / "python"

    @property
    def variables(self) -> dict[str, str]:
        """Those of this process without any that could lead back into the clone."""
        kept = {key: value for key, value in os.environ.items() if key not in ("PYTHONPATH", "PYTHONHOME")}
        homes = {"HOME": str(self.cwd), "UPSR_HOME": str(self.cwd / "upsr-home"), "VIRTUAL_ENV": str(self.folder)}
        return {**kept, **homes, "PATH": f"{self.folder / 'bin'}{os.pathsep}/usr/bin{os.pathsep}/bin"}

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        """What a command says in this environment, whether it succeeds or not."""
        return subprocess.run(words, cwd=self.cwd, env=self.variables, capture_output=True, text=True)

    @contextmanager
    def studio(self) -> Iterator[tuple[subprocess.Popen, int]]:
        """The process and the port of `upsr studio`, once it answers. Raises AssertionError where it ends before."""
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        log = self.cwd / "studio.txt"
        command = ["upsr", "studio", "--server.headless", "true", "--server.port", str(port)]
        with log.open("w") as output:
            process = subprocess.Popen(command, cwd=self.cwd, env=self.variables, stdout=output, stderr=output)
            try:
                for _ in range(600):
                    assert process.poll() is None, log.read_text()
                    try:
                        urllib.request.urlopen(f"http://127.0.0.1:{port}/_stcore/health", timeout=1).close()
                        break
                    except OSError:
                        time.sleep(0.1)
                else:
                    raise AssertionError(f"the studio did not answer within a minute: {log.read_text()}")
                yield process, port
            finally:
                process.terminate()
                process.wait(60)


def install(wheel: Path, folder: Path, from_registry: bool) -> Environment:
    """A new environment with the wheel in it.

    Its dependencies are downloaded (`from_registry`), or seen where the running environment has them: then a .pth file
    names that folder. Python does not read the .pth files of a folder that was named so, which is how editable
    installations are found; so nothing leads back to the clone.
    """
    environment = Environment(folder / "environment", folder / "elsewhere")
    environment.cwd.mkdir(parents=True)
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(environment.folder)], check=True)
    pip = [sys.executable, "-m", "pip", "--quiet", "--python", str(environment.python), "install"]
    what = [f"{wheel}[studio]"] if from_registry else ["--no-deps", "--no-index", str(wheel)]
    done = subprocess.run([*pip, *what], cwd=environment.cwd, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    if not from_registry:
        (packages,) = environment.folder.glob("lib/python*/site-packages")
        places = {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}
        (packages / "dependencies.pth").write_text("\n".join(sorted(places)))
    return environment
