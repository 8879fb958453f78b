"""Whether everything is well: versions, machine, what is stored and how large, what is broken, and how to mend it."""

import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import psutil

from upsr_core.datasets import store as datasets
from upsr_core.datasets.folders import folder_of
from upsr_core.errors import DesignError, UpsrError
from upsr_core.indicators import result_store
from upsr_core.logs import log_file, note
from upsr_core.paper.experiment import ExperimentSpec
from upsr_core.paper.runner import PaperRun
from upsr_core.runs.run import Run, all_runs
from upsr_core.runs.status import Job, newest_first
from upsr_core.runtime import Progress, environment, home
from upsr_core.storage.arrays import arrays_problem
from upsr_core.storage.atomic import leftover_of
from upsr_core.storage.records import read_record
from upsr_core.studies.study import Study, studies_folder
from upsr_core.text import saved_designs

# What is made again when it is wanted, and may therefore be removed where it is damaged.
ARRAYS = ("candidates", "text-vectors", "tries")
LITTLE_DISK_GIB, LITTLE_MEMORY_GIB = 2.0, 2.0


@dataclass(frozen=True)
class Finding:
    """Something that is not as it should be.

    `kind`: broken (what was stored cannot be read), interrupted (can go on), leftover (of a killed process, of no use)
    or advice. `how` says what mends it; `sweepable` that `mend` may, because nothing a person made is lost.
    """

    kind: str
    what: str
    where: str
    how: str
    sweepable: bool = False


@dataclass(frozen=True)
class Stored:
    """How much is stored of one kind."""

    count: int
    bytes: int


@dataclass(frozen=True)
class Report:
    """`machine`: versions, memory, disk, devices, threads; `stored`: how much there is, by kind."""

    machine: dict[str, Any]
    stored: dict[str, Stored]
    findings: tuple[Finding, ...]

    @property
    def well(self) -> bool:
        """Whether nothing is broken; what was interrupted can simply go on."""
        return not any(finding.kind == "broken" for finding in self.findings)

    def record(self) -> dict[str, Any]:
        """The JSON-able record of it."""
        findings, stored = map(asdict, self.findings), {kind: asdict(found) for kind, found in self.stored.items()}
        return {"well": self.well, "machine": self.machine, "stored": stored, "findings": list(findings)}


def examine(progress: Progress = lambda *_: None) -> Report:
    """Look at everything under the home folder, with the sums of all files. Nothing is changed.

    Raises StorageError where the home folder cannot be used.
    """
    checks = (_datasets, _runs, _studies, _experiments, _designs, _indicators, _arrays, _leftovers)
    findings: list[Finding] = []
    for number, check in enumerate(checks):
        progress(number, len(checks), f"looking at {check.__name__.strip('_')}")
        findings += check()
    progress(len(checks), len(checks), "done")
    machine = _machine()
    findings += _advice(machine)
    return Report(machine, _stored(), tuple(findings))


def mend(report: Report) -> list[Finding]:
    """Remove leftovers of killed processes and damaged caches, which are made again; give those findings back."""
    swept = [finding for finding in report.findings if finding.sweepable]
    for finding in swept:
        note(f"doctor: removed {Path(finding.where).name}, {finding.kind}")
        path = Path(finding.where)
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)
    return swept


def _machine() -> dict[str, Any]:
    import torch  # its devices and threads are what trainings will use

    memory, disk = psutil.virtual_memory(), psutil.disk_usage(str(home()))
    names = [torch.cuda.get_device_name(number) for number in range(torch.cuda.device_count())]
    return {
        **environment(),
        "memory_free_gib": round(memory.available / 2**30, 1),
        "home": str(home()),
        "writable": _writable(home()),
        "disk_free_gib": round(disk.free / 2**30, 1),
        "disk_gib": round(disk.total / 2**30, 1),
        "devices": names or ["cpu"],
        "threads": torch.get_num_threads(),
        "omp_num_threads": os.environ.get("OMP_NUM_THREADS", "not set"),
        "log": str(log_file()),
    }


def _writable(folder: Path) -> bool:
    probe = folder / f".writable.{os.getpid()}"
    try:
        probe.touch()
        probe.unlink()
    except OSError:
        return False
    return True


def _advice(machine: dict[str, Any]) -> Iterator[Finding]:
    way = "Free some space, or set UPSR_HOME to a folder on another disk."
    if not machine["writable"]:
        how = "Stored things can be looked at. To make new ones set UPSR_HOME to a folder that you may write to."
        yield Finding("advice", "Nothing can be written here", machine["home"], how)
    if machine["disk_free_gib"] < LITTLE_DISK_GIB:
        yield Finding("advice", f"Only {machine['disk_free_gib']} GiB of disk are free", machine["home"], way)
    if machine["memory_free_gib"] < LITTLE_MEMORY_GIB:
        what = f"Only {machine['memory_free_gib']} GiB of memory are free"
        yield Finding("advice", what, "", "Close other programs before a training.")


def _size(folder: Path) -> int:
    total = 0
    for path in folder.rglob("*"):
        try:
            total += path.stat().st_size if path.is_file() else 0
        except OSError:  # removed at this moment
            continue
    return total


def _stored() -> dict[str, Stored]:
    folders = sorted(path for path in home().iterdir() if path.is_dir() and path.name[0] != ".")
    return {
        folder.name: Stored(sum(path.name[0] != "." for path in folder.iterdir()), _size(folder)) for folder in folders
    }


def _datasets() -> Iterator[Finding]:
    for entry in datasets.list_datasets():
        name = entry["name"]
        if problem := entry["problem"] or datasets.damage_of(name):
            how = _way(problem, f"Import it again under its name, or remove it with `upsr data delete {name}`.")
            yield Finding("broken", f"The dataset {name!r}: {problem}", str(folder_of(name)), how)


def _way(problem: str, how: str) -> str:
    """How to mend a problem; what a newer version made is not to be made again."""
    return "Update UPSR Studio to open it." if "newer version" in problem else how


def _runs() -> Iterator[Finding]:
    for run in all_runs():
        where = str(run.folder)
        if run.problem:
            how = _way(run.problem, "The same `upsr run` command again writes it anew.")
            yield Finding("broken", run.problem, where, how)
            continue
        try:
            damage = run.damage()
        except UpsrError as error:  # of a newer version
            damage = [str(error)]
        if damage:
            what = f"Run {run.id} ({run.title}): {'; '.join(damage)}"
            yield Finding("broken", what, where, _way(what, f"`upsr resume {run.id}` makes again what is damaged."))
        yield from _job(run, f"Run {run.id}", f"`upsr resume {run.id}` goes on with it.", damage=bool(damage))


def _job(job: Job, name: str, how: str, damage: bool = False) -> Iterator[Finding]:
    status = job.status()
    if status.state in ("died", "failed", "cancelled"):
        what = f"{name} {'was cancelled' if status.state == 'cancelled' else status.state}: {status.message}"
        yield Finding("interrupted", what, str(job.folder), how)
    elif status.state == "damaged" and not damage:
        yield Finding("broken", f"{name}: {status.message}", str(job.folder), how)


def _studies() -> Iterator[Finding]:
    for study in map(Study, newest_first(studies_folder(), "spec.json")):
        if study.problem:
            how = "The same `upsr study indicators` command again writes it anew."
            yield Finding("broken", study.problem, str(study.folder), how)
        else:
            how = f"`upsr study indicators {study.spec.dataset.name}` with its options goes on with it."
            yield from _job(study, f"Study {study.id}", how)


def _experiments() -> Iterator[Finding]:
    for folder in newest_first(home() / "experiments", "spec.json"):
        how = "The same `upsr experiment` command again writes it anew."
        try:
            spec = ExperimentSpec.model_validate(read_record(folder / "spec.json", "experiment")["spec"])
            how = f"`{spec.command}` goes on with it; finished runs stay."
            if PaperRun(spec).outcome() is None:
                yield Finding("interrupted", f"The experiment {spec.name} has no outcome yet", str(folder), how)
        except UpsrError as error:
            yield Finding("broken", str(error), str(folder), how)
        except (OSError, ValueError, KeyError) as error:
            yield Finding("broken", f"An experiment cannot be read: {error}", str(folder), how)


def _designs() -> Iterator[Finding]:
    for name, file in saved_designs.files().items():
        try:
            saved_designs.load_design(name)
        except DesignError as error:
            yield Finding("broken", error.what, str(file), error.how)


def _indicators() -> Iterator[Finding]:
    yield from _caches("indicators", result_store.damage_of)


def _arrays() -> Iterator[Finding]:
    for kind in ARRAYS:
        yield from _caches(kind, partial(_array_problem, kind))


def _array_problem(kind: str, name: str) -> str:
    return arrays_problem(home() / kind / name)


def _caches(kind: str, problem_of: Callable[[str], str]) -> Iterator[Finding]:
    for path in sorted((home() / kind).glob("[!.]*")):
        if problem := problem_of(path.name):
            how = "It is made again when it is wanted; `upsr doctor --mend` removes it."
            yield Finding("broken", f"Kept {kind.replace('-', ' ')}: {problem}", str(path), how, sweepable=True)


def _leftovers() -> Iterator[Finding]:
    how = "It is of no use; `upsr doctor --mend` removes it."
    found: list[Path] = []
    for path in home().rglob(".*~"):
        owner = leftover_of(path.name)
        if owner is not None and not psutil.pid_exists(owner):
            found.append(path)
    for run in all_runs():
        if not run.status().active:
            found += [run.folder / name for name in Run.HALF_WRITTEN if (run.folder / name).exists()]
    for path in found:
        yield Finding("leftover", f"A killed process left {path.name}", str(path), how, sweepable=True)
