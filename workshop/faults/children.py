"""Commands of `upsr` as processes of their own session, forked from one that has imported everything.

Killing one is killing a real process with SIGKILL; only the seconds of imports before its work are spared.
"""

import json
import os
import re
import signal
import sys
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

SECONDS = 900  # after which a command counts as hanging: long, because the machine may be busy with others
NAMED = re.compile(
    r"damaged|cannot be (?:read|opened|stored|removed|written)|disk is full|not there any more|was removed|no dataset|"
    r"no run|memory is used up|is not the one of this run|no trained model|newer version|held by another",
    re.I,
)
TRACES = ("Traceback (most recent call last)", "This should not have happened")


@dataclass(frozen=True)
class Ended:
    """How a command ended: its exit code (negative: killed), what it printed, and the seconds it took."""

    code: int
    output: str
    seconds: float

    @property
    def trace(self) -> bool:
        """Whether a person saw a traceback, or an error that nobody foresaw."""
        return any(words in self.output for words in TRACES)

    @property
    def named(self) -> bool:
        """Whether it says in words what is wrong."""
        return self.code == 1 and not self.trace and NAMED.search(" ".join(self.output.split())) is not None

    @property
    def last(self) -> dict:
        """The JSON object on its last line."""
        return json.loads(self.output.strip().splitlines()[-1])


class Child:
    """A running command."""

    def __init__(self, work: Callable[[], object], home: Path, environ: dict[str, str] | None = None):
        self.out = home.parent / f"{home.name}.out"
        self.began = time.monotonic()
        sys.stdout.flush()
        self.pid = os.fork()
        if self.pid == 0:
            _become(work, home, self.out, environ or {})

    def ended(self, seconds: float) -> Ended | None:
        """How it ended, waited for at most so long; None while it goes on."""
        end = time.monotonic() + seconds
        while True:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                took = time.monotonic() - self.began
                text = self.out.read_text(encoding="utf-8", errors="replace")
                return Ended(os.waitstatus_to_exitcode(status), text, took)
            if time.monotonic() >= end:
                return None
            time.sleep(0.004)

    def kill(self) -> None:
        """SIGKILL to its whole process group."""
        for kill, target in ((os.killpg, self.pid), (os.kill, self.pid)):
            try:
                kill(target, signal.SIGKILL)
            except ProcessLookupError:
                continue
        os.waitpid(self.pid, 0)


def _become(work: Callable[[], object], home: Path, out: Path, environ: dict[str, str]) -> None:
    """Never returns: the forked process does the work and ends."""
    code: object = 99
    try:
        os.setsid()
        file = os.open(out, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.dup2(file, 1)
        os.dup2(file, 2)
        os.environ.update(environ, UPSR_HOME=str(home))
        code = work() or 0
    except SystemExit as error:
        code = error.code or 0
    except BaseException:
        traceback.print_exc()
    finally:
        for stream in (sys.stdout, sys.stderr):
            try:
                stream.flush()
            except OSError:
                pass
        os._exit(code if isinstance(code, int) else 1)


def upsr(*arguments: str) -> Callable[[], None]:
    """The command line with these arguments."""

    def work() -> None:
        from upsr_core.cli.main import main

        sys.argv = ["upsr", *arguments]
        main()

    return work


def run(work: Callable[[], object], home: Path, environ: dict[str, str] | None = None) -> Ended:
    """Work to its end; one that hangs is killed and has the code -9."""
    child = Child(work, home, environ)
    ended = child.ended(SECONDS)
    if ended is None:
        child.kill()
        return Ended(-9, f"It hung for {SECONDS} seconds.", SECONDS)
    return ended


def printing(work: Callable[[], dict | None]) -> Callable[[], int]:
    """Work whose result is printed as JSON; an error of ours is printed as the command line does, with code 1."""

    def call() -> int:
        from upsr_core.errors import UpsrError

        try:
            print(json.dumps(work(), sort_keys=True))
        except UpsrError as error:
            print(error)
            return 1
        return 0

    return call
