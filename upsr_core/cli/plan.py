"""The command `upsr plan`: time, memory and disk of a run before it starts, here and on a described cluster."""

import json
from typing import Annotated, Any

import typer

from upsr_core.cli.terminal import Terminal, say_cuts

console = Terminal()


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command("plan")(plan)


def plan(
    dataset: Annotated[str, typer.Option(help="Name of a stored dataset, see `upsr data list`.")],
    design: Annotated[str, typer.Option(help="Attributes in order, such as category,title; of models of texts.")] = "",
    model: Annotated[str, typer.Option(help="upsr, or a rival: see `upsr models`.")] = "upsr",
    pretrain_on: Annotated[str, typer.Option(help="Datasets to pre-train on first, with commas.")] = "",
    plm: Annotated[str, typer.Option(help="embedded, a folder, or a hub id; UniSRec: BERT-like too.")] = "embedded",
    budget: Annotated[str, typer.Option(help="smoke, first-look, quick, standard or zero-shot.")] = "quick",
    mode: Annotated[str, typer.Option(help="uni100, pop100 or full.")] = "uni100",
    recipe: Annotated[str, typer.Option(help="Of UPSR's training: personal, paper or paper-short.")] = "",
    dtype: Annotated[str, typer.Option(help="Of the training of UPSR: float32 or bfloat16.")] = "float32",
    measure: Annotated[bool, typer.Option(help="Take some seconds to measure steps and users of UPSR first.")] = True,
    machines: Annotated[int, typer.Option(min=1, help="Machines of a cluster, each like this one or as --gflops.")] = 1,
    gflops: Annotated[float | None, typer.Option(min=1, help="Matrix rate of one of them; without it, ours.")] = None,
    gbit: Annotated[float, typer.Option(min=0.01, help="Network between them, Gbit/s.")] = 10.0,
    as_json: Annotated[bool, typer.Option("--json", help="End with one JSON object on the last line.")] = False,
) -> None:
    """How long a run will take, how much memory and disk, on this machine; and how long on a cluster."""
    from upsr_core.datasets.sample import ensure_sample
    from upsr_core.runs.calibration import calibrate, calibrated
    from upsr_core.runs.forecast import disk_mib, elsewhere, forecast
    from upsr_core.runs.spec import plan_run
    from upsr_core.runs.text_cuts import text_cuts
    from upsr_core.text.design import parse_design

    ensure_sample()
    others = tuple(name.strip() for name in pretrain_on.split(",") if name.strip())
    chosen = parse_design(design) if design else None
    spec = plan_run(
        dataset, chosen, plm, budget, mode=mode, pretrain_on=others, model=model, dtype=dtype, recipe=recipe
    )
    if measure and spec.kind.calibrates and calibrated(spec) is None:
        with console.status("measuring a few steps and users"):
            calibrate(spec)
    found = forecast(spec)
    result: dict[str, Any] = {
        "seconds": found.seconds, "training_seconds": found.training_seconds,
        "evaluation_seconds": found.evaluation_seconds, "memory_mib": found.memory_mib, "basis": found.basis,
    }  # fmt: skip
    if cuts := text_cuts(spec):
        result["cuts"] = cuts.model_dump()
        say_cuts(cuts)
    left, peak = disk_mib(spec)
    if peak:
        result |= {"disk_mib": left, "peak_disk_mib": peak}
    console.print(f"On this machine about {_minutes(found.seconds)}: {_minutes(found.training_seconds)} training, "
                  f"{_minutes(found.evaluation_seconds)} evaluation ({found.basis}).")  # fmt: skip
    if found.memory_mib:
        console.print(f"Memory: {found.memory_mib:,.0f} MiB.")
    if peak:
        console.print(f"Disk: {left:,.0f} MiB, on the way up to {peak:,.0f} MiB.")
    if machines > 1 or gflops:
        there = elsewhere(spec, found, machines, gflops, gbit)
        result["cluster_seconds"] = there.seconds
        console.print(f"On {machines} such machines about {_minutes(there.seconds)} ({there.basis}).")
    if as_json:
        print(json.dumps(result))


def _minutes(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"
