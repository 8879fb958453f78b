"""Prepared homes that are copied for each case, and what each command leaves where nothing goes wrong."""

import shutil
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from workshop.faults.children import Ended, printing, run, upsr
from workshop.faults.prints import changed, fingerprint
from workshop.faults.workloads import SHOP, WORKLOADS, base, tiny_model


@dataclass(frozen=True)
class Ready:
    """A workload with its home before and after its command, undisturbed, and how long that took."""

    name: str
    before: Path
    after: Path
    command: list[str]
    made: list[str]
    seconds: float
    result: dict[str, dict[str, str]]

    @property
    def untouched(self) -> tuple[str, ...]:
        """Paths that the command may change: everything else must stay as it was."""
        return tuple(f"{folder}/" for folder in self.made)

    def copy(self, home: Path) -> Path:
        """A fresh home in which the command was not given yet."""
        shutil.rmtree(home, ignore_errors=True)
        shutil.copytree(self.before, home)
        return home

    def outcome(self, home: Path) -> dict[str, dict[str, str]]:
        """What the command made there."""
        return {folder: fingerprint(home / folder) for folder in self.made}

    def lost(self, home: Path) -> list[str]:
        """Files that were stored before and are not as they were."""
        lost = changed(fingerprint(self.before), home, self.untouched)
        before = fingerprint(self.before / "datasets" / SHOP)
        if f"datasets/{SHOP}" in self.made:  # it is replaced as a whole, or not at all
            now = fingerprint(home / "datasets" / SHOP)
            # Between two renames the old one waits under another name, and is brought back by whoever looks next.
            if now not in (before, self.result[f"datasets/{SHOP}"]):
                lost.append(f"datasets/{SHOP}")
        return lost


@dataclass
class Tally:
    """What a case found; tallies of cases are added up."""

    counts: dict[str, int] = field(default_factory=dict)
    lost: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    def count(self, name: str, more: int = 1) -> None:
        self.counts[name] = self.counts.get(name, 0) + more

    def add(self, other: "Tally") -> None:
        for name, more in other.counts.items():
            self.count(name, more)
        self.lost += other.lost
        self.problems += other.problems

    def problem(self, what: str, ended: Ended | None = None) -> None:
        words = " ".join(ended.output.split())[-600:] if ended else ""
        self.problems.append(f"{what}{f' [code {ended.code}] {words}' if ended else ''}")


class Lab:
    """Everything that the cases share, made once under a folder."""

    def __init__(self, folder: Path, wanted: list[str]):
        self.folder = folder
        self.ready: dict[str, Ready] = {}
        self.tiny = folder / "tiny-t5"
        trained = any(WORKLOADS[name].torch for name in wanted)
        if trained:
            self._must(printing(partial(tiny_model, self.tiny)), folder / "setup")
        self.base = folder / "base"
        self._must(printing(partial(base, trained)), self.base)
        for name in wanted:
            self.ready[name] = self._prepared(name)

    def _must(self, work, home: Path) -> Ended:
        home.mkdir(exist_ok=True)
        ended = run(work, home)
        if ended.code:
            raise SystemExit(f"the suite cannot prepare {home.name}: {ended.output[-3000:]}")
        return ended

    def _prepared(self, name: str) -> Ready:
        before, after = self.folder / f"{name}-before", self.folder / f"{name}-after"
        shutil.copytree(self.base, before)
        prepare = WORKLOADS[name].prepare
        said = self._must(printing(lambda: {"said": prepare(self.tiny)}), before)
        command, made = said.last["said"]
        shutil.copytree(before, after)
        ended = self._must(upsr(*command), after)
        result = {folder: fingerprint(after / folder) for folder in made}
        return Ready(name, before, after, command, made, ended.seconds, result)


def look(home: Path) -> Ended:
    """What a person sees there: datasets and runs. It must always work."""

    def work() -> int:
        codes = []
        for arguments in (["data", "list"], ["runs"]):
            try:
                upsr(*arguments)()
            except SystemExit as error:
                codes.append(error.code if isinstance(error.code, int) else int(bool(error.code)))
        return max(codes, default=0)

    return run(work, home)
