"""The kinds of stored files: each has a look, which reads it as the product does and says what it holds, and a way to
mend it. `rich_home` makes a home with all of them."""

import hashlib
import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from workshop.faults.children import printing, run, upsr
from workshop.faults.lab import Lab
from workshop.faults.workloads import DESIGN, SAMPLE, SHOP, sasrec_spec, unisrec_spec, upsr_spec


@dataclass(frozen=True)
class Kind:
    """A folder or file of the home (`place`), what looks at it, and the command that mends it."""

    place: str
    look: Callable[[], dict]
    mend: Callable[[], object]


def digest(value) -> str:
    """Of a table, an array or any JSON-able value."""
    if hasattr(value, "to_json"):
        value = value.to_json(double_precision=15)
    if isinstance(value, np.ndarray):
        return hashlib.sha256(np.ascontiguousarray(value).tobytes() + str(value.shape).encode()).hexdigest()[:16]
    return hashlib.sha256(json.dumps(value, sort_keys=True, default=str).encode()).hexdigest()[:16]


def run_look(run_id: str) -> dict:
    """All that is stored of a run, its weights among it. Raises what the product raises."""
    from torch.nn import Module

    from upsr_core.errors import RunError
    from upsr_core.runs.run import load_run
    from upsr_core.runs.user_ranking import load_ranker

    this = load_run(run_id)
    found = {"spec": this.spec.digest, "title": this.title}
    status = this.status()
    if status.state != "done":
        raise RunError(f"Run {run_id} is {status.state}: {status.message} It is damaged or not there any more")
    result = this.result()
    if result is None:
        raise RunError(f"The result of run {run_id} is damaged or not there any more")
    found["result"] = digest(
        result.model_dump(mode="json", include={"metrics", "gaps", "users", "candidates", "uses_history"})
    )
    found |= {name: digest(getattr(this, name)()) for name in ("per_user", "scores", "curve")}
    ranker = load_ranker(this)
    network = getattr(ranker, "network", None) or getattr(ranker, "model", None)
    if isinstance(network, Module):
        found["weights"] = digest([digest(weight.numpy()) for weight in network.state_dict().values()])
    return found


def experiment_look(tiny: Path) -> dict:
    from upsr_core.errors import RunError
    from upsr_core.paper.runner import study

    outcome = study("table6", (SAMPLE,), "smoke", str(tiny)).outcome()
    if outcome is None:
        raise RunError("The outcome is not there any more")
    parts = {"table": outcome.table, "claims": outcome.claims, "figure": outcome.figure.to_json()}
    return {name: digest(part) for name, part in parts.items()}


def study_look(study_id: str) -> dict:
    from upsr_core.studies.results import outcome, summary
    from upsr_core.studies.study import load_study

    study = load_study(study_id)
    return {"summary": digest(summary(study, outcome(study, study.spec.setting())))}


def caches_look(tiny: Path) -> dict:
    """Candidates, text vectors and tries: as they are used, made again where they are damaged."""
    from upsr_core.datasets.splits import split
    from upsr_core.datasets.store import load_dataset
    from upsr_core.evaluation.candidates import candidates_for
    from upsr_core.likelihood.trie import stored_trie
    from upsr_core.models.text_vectors import text_vectors
    from upsr_core.plm.loading import load_tokenizer
    from upsr_core.text.render import ItemTexts

    data, spec = load_dataset(SAMPLE), upsr_spec(tiny)
    design = spec.design.finetune
    candidates = candidates_for(data, split(data, spec.split), spec.candidates)
    trie = stored_trie(ItemTexts(design, data.items, load_tokenizer(str(tiny))), data.digest)
    return {
        "candidates": digest(candidates.negatives),
        "vectors": digest(text_vectors(data, design, str(tiny), lambda *_: None)),
        "trie": digest([digest(part) for part in vars(trie).values()]),
    }


def dataset_look() -> dict:
    from upsr_core.datasets.store import load_dataset

    data = load_dataset(SHOP)
    parts = (data.items, data.users, data.offsets, data.sequence, data.timestamps)
    report = {key: value for key, value in data.report.items() if key != "seconds"}
    return {"data": digest([digest(part) for part in parts]), "report": digest(report), "spec": data.digest}


def design_look() -> dict:
    from upsr_core.text.saved_designs import load_design

    return {"design": load_design("mine").digest}


def readings_look(command: list[str]) -> Callable[[], dict]:
    def look() -> dict:
        """What the command says, and the rows behind it."""
        from upsr_core.datasets.store import load_dataset
        from upsr_core.indicators.profile import Setting, profile
        from upsr_core.text.design import ItemDesign

        names = command[command.index("--only") + 1].split(",")
        setting = Setting(load_dataset(SAMPLE), command[command.index("--plm") + 1], sample=60)
        readings = profile(setting, ItemDesign.of(DESIGN, cap=40), lambda *_: None, names)
        return {
            name: digest([reading.summary(), [digest(reading.tables[table]) for table in sorted(reading.tables)]])
            for name, reading in readings.items()
        }

    return look


def rich_home(lab: Lab, home: Path) -> list[Kind]:
    """A home with every kind of stored file that the lab's workloads make; its kinds."""
    shutil.copytree(lab.base, home)
    kinds = [
        Kind(f"datasets/{SHOP}", dataset_look, upsr(*_plain_import())),
        Kind("designs", design_look, _save_design),
    ]
    for name in ("indicators", "experiment", "text-vectors", "study"):  # a study's folders are copied over the others
        if name in lab.ready:
            kinds += _KINDS[name](lab, home)
    return kinds


def _made(lab: Lab, home: Path, name: str) -> None:
    ready = lab.ready[name]
    ended = run(upsr(*ready.command), home)
    if ended.code:
        raise SystemExit(f"the suite cannot prepare {name}: {ended.output[-3000:]}")


def _readings(lab: Lab, home: Path) -> list[Kind]:
    _made(lab, home, "indicators")
    command = lab.ready["indicators"].command
    return [Kind("indicators", readings_look(command), upsr(*command))]


def _experiment(lab: Lab, home: Path) -> list[Kind]:
    _made(lab, home, "experiment")
    command = lab.ready["experiment"].command
    return [Kind("experiments", lambda: experiment_look(lab.tiny), upsr(*command))]


def _runs(lab: Lab, home: Path) -> list[Kind]:
    """Runs of three models, and the caches that they use."""

    def work() -> dict:
        from upsr_core.runs import queue
        from upsr_core.runs.run import create_run
        from upsr_core.runs.worker import work_on

        found = []
        for spec in (sasrec_spec(), upsr_spec(lab.tiny), unisrec_spec(lab.tiny)):
            this = create_run(spec)
            queue.enqueue(this)
            work_on(this)
            found.append(this.id)
        caches_look(lab.tiny)
        return {"runs": found}

    ended = run(printing(work), home)
    if ended.code:
        raise SystemExit(f"the suite cannot prepare runs: {ended.output[-3000:]}")
    caches = [
        Kind(place, lambda: caches_look(lab.tiny), lambda: None) for place in ("candidates", "text-vectors", "tries")
    ]
    ids = ended.last["runs"]
    return caches + [Kind(f"runs/{each}", partial(run_look, each), _mend_run(each, lab.tiny)) for each in ids]


def _study(lab: Lab, home: Path) -> list[Kind]:
    study = lab.ready["study"]
    for folder in study.made:
        shutil.copytree(study.after / folder, home / folder, dirs_exist_ok=True)
    study_id = study.command[-1]
    return [Kind(f"studies/{study_id}", lambda: study_look(study_id), _mend_study(lab))]


_KINDS = {"indicators": _readings, "experiment": _experiment, "text-vectors": _runs, "study": _study}


def _plain_import() -> list[str]:
    from upsr_core.datasets.sample import sample_files

    items, events = map(str, sample_files("pantry"))
    return ["data", "import", SHOP, "--items", items, "--events", events]


def _save_design() -> None:
    from upsr_core.text.design import parse_design
    from upsr_core.text.saved_designs import save_design

    save_design("mine", parse_design("category,title"))


def _mend_run(run_id: str, tiny: Path) -> Callable[[], object]:
    """What `upsr run` does with the same options: the specification is known, and what is damaged is made again."""

    def mend():
        from upsr_core.runs.run import create_run

        for spec in (sasrec_spec(), upsr_spec(tiny), unisrec_spec(tiny)):
            if spec.digest == run_id:
                create_run(spec)
        return upsr("resume", run_id)()

    return mend


def _mend_study(lab: Lab) -> Callable[[], object]:
    """What the same `upsr study indicators` does: the specification is known."""
    from workshop.faults.workloads import WORKLOADS

    def mend():
        WORKLOADS["study"].prepare(lab.tiny)
        return upsr(*lab.ready["study"].command)()

    return mend
