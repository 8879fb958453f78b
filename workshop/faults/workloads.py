"""What is disturbed: commands that store something, small enough to be done hundreds of times."""

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

SHOP, SAMPLE = "shop", "sample:pantry"
DESIGN = "category,title,brand"


@dataclass(frozen=True)
class Workload:
    """A command on a prepared home, and the folders of it that hold what it leaves.

    `prepare` is done once, in a process of its own, given the folder of the tiny language model; it returns the
    command's arguments and those folders.
    """

    name: str
    prepare: Callable[[Path], tuple[list[str], list[str]]]
    torch: bool = True


def base(trained: bool) -> None:
    """What was stored before anything goes wrong: a shop, a design; with `trained` the sample, a run, a reading."""
    from upsr_core.datasets.importing import import_dataset
    from upsr_core.datasets.sample import ensure_sample, sample_files
    from upsr_core.text.design import ItemDesign, parse_design
    from upsr_core.text.saved_designs import save_design

    import_dataset(SHOP, *sample_files("pantry"))
    import_dataset("other", *sample_files("arts"))
    save_design("mine", parse_design("category,title"))
    if not trained:
        return
    from upsr_core.datasets.store import load_dataset
    from upsr_core.indicators.profile import Setting, profile
    from upsr_core.runs import queue
    from upsr_core.runs.run import create_run
    from upsr_core.runs.spec import plan_run
    from upsr_core.runs.worker import work_on

    ensure_sample()
    run = create_run(plan_run(SAMPLE, model="popularity", mode="full", budget="smoke"))
    queue.enqueue(run)
    work_on(run)
    setting = Setting(load_dataset(SAMPLE))
    profile(setting, ItemDesign.of("title", cap=40), lambda *_: None, ["length"])


def tiny_model(folder: Path) -> None:
    """A T5 with random weights and the embedded tokenizer: quick, and good for nothing else."""
    import torch
    from transformers import T5Config, T5ForConditionalGeneration

    from upsr_core.plm.loading import locate

    torch.manual_seed(1)
    config = T5Config(
        vocab_size=8192, d_model=32, d_kv=8, num_heads=4, num_layers=2, num_decoder_layers=2, d_ff=64,
        dropout_rate=0.0,
    )  # fmt: skip
    config.decoder_start_token_id = 0
    T5ForConditionalGeneration(config).save_pretrained(folder)
    shutil.copy(locate("embedded") / "tokenizer.json", folder)


def _import(_: Path):
    from upsr_core.datasets.sample import sample_files

    items, events = map(str, sample_files("pantry"))
    return ["data", "import", SHOP, "--items", items, "--events", events, "--new-domain"], ["datasets/shop"]


def _indicators(tiny: Path):
    only = "informativeness,noise,length,conflict,naturalness"
    command = ["indicators", SAMPLE, "--design", DESIGN, "--plm", str(tiny), "--only", only, "--sample", "60", "--json"]
    return command, ["indicators"]


def _resume(spec, *more: str):
    from upsr_core.runs.run import create_run

    run = create_run(spec)
    return ["resume", run.id], [f"runs/{run.id}", *more]


def sasrec_spec(seed: int = 0, mode: str = "full"):
    """Sixty steps, validated every ten of them, ended early by a patience of two."""
    from upsr_core.runs.spec import plan_run
    from workshop.small_runs import with_training

    spec = plan_run(SAMPLE, model="sasrec-ce", mode=mode, budget="smoke", seed=seed)
    size = {"width": 16, "inner": 16, "epochs": 60, "evaluate_every": 10, "patience": 2, "batch": 1024, "length": 20}
    return with_training(spec, **size)


def upsr_spec(tiny: Path, mode: str = "uni100"):
    """Pre-training on another domain, then training with four validations; eight users are ranked."""
    from upsr_core.runs.spec import plan_run
    from upsr_core.text.design import parse_design
    from workshop.small_runs import with_training

    spec = plan_run(SAMPLE, parse_design(DESIGN), str(tiny), "smoke", mode=mode, pretrain_on=("sample:arts",))
    few = {"tokens": 20_000, "pretrain_tokens": 12_000, "batch_tokens": 512, "evaluations": 4, "patience": 4}
    candidates = spec.candidates.model_copy(update={"users": 8})
    return with_training(spec, **few).model_copy(update={"validation_users": 2, "candidates": candidates})


def unisrec_spec(tiny: Path):
    """Item texts as vectors of a frozen model, kept; a short training on them."""
    from upsr_core.runs.spec import plan_run
    from upsr_core.text.design import parse_design
    from workshop.small_runs import with_training

    spec = plan_run(SAMPLE, parse_design(DESIGN), str(tiny), "smoke", mode="uni100", model="unisrec")
    size = {"width": 16, "inner": 16, "epochs": 20, "evaluate_every": 10, "batch": 1024}
    return with_training(spec, **size)


def _evaluation(tiny: Path):
    """A run that finds its weights trained by another, and only ranks."""
    from upsr_core.runs import queue
    from upsr_core.runs.run import create_run
    from upsr_core.runs.worker import work_on

    first = create_run(upsr_spec(tiny))
    queue.enqueue(first)
    work_on(first)
    return _resume(upsr_spec(tiny, "pop100"), "candidates")


def _top(tiny: Path):
    """The best of the whole catalogue, for which the trie of all texts is built and kept."""
    from upsr_core.datasets.store import load_dataset
    from upsr_core.runs import queue
    from upsr_core.runs.run import create_run
    from upsr_core.runs.worker import work_on

    run = create_run(upsr_spec(tiny))
    queue.enqueue(run)
    work_on(run)
    return ["top", run.id, "--user", load_dataset(SAMPLE).users[0], "--json"], ["tries"]


def _experiment(tiny: Path):
    return ["experiment", "table6", "--dataset", SAMPLE, "--scale", "smoke", "--plm", str(tiny)], [
        "experiments", "runs", "indicators"
    ]  # fmt: skip


def _study(tiny: Path):
    from upsr_core.studies.study import create_study, plan_study
    from workshop.small_runs import with_training

    spec = plan_study(SAMPLE, ["title", "category", "brand"], 1, "smoke", str(tiny))
    few = {"tokens": 2_000, "batch_tokens": 512, "evaluations": 1}
    trials = tuple(
        with_training(trial, **few).model_copy(
            update={"validation_users": 2, "candidates": trial.candidates.model_copy(update={"users": 2})}
        )
        for trial in spec.trials
    )
    study = create_study(spec.model_copy(update={"trials": trials, "sample": 10, "domains": ()}))
    return ["study", "work", study.id], ["runs", f"studies/{study.id}", "indicators"]


WORKLOADS = {
    each.name: each
    for each in (
        Workload("import", _import, torch=False),
        Workload("indicators", _indicators),
        Workload("text-vectors", lambda tiny: _resume(unisrec_spec(tiny), "text-vectors", "candidates")),
        Workload("trie", _top),
        Workload("sasrec", lambda _: _resume(sasrec_spec())),
        Workload("upsr", lambda tiny: _resume(upsr_spec(tiny), "candidates")),
        Workload("evaluation", _evaluation),
        Workload("experiment", _experiment),
        Workload("study", _study),
    )
}
