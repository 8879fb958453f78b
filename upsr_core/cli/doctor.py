"""`upsr doctor`: whether everything is well, and what to do where it is not."""

import json
from typing import Annotated

import typer

from upsr_core.cli.indicators import progress_bar

MARKS = {"broken": "✗", "interrupted": "⏸", "leftover": "·", "advice": "!"}


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command("doctor")(doctor)


def doctor(
    mend: Annotated[
        bool, typer.Option("--mend", help="Remove leftovers and damaged caches, nothing of yours.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="End with one JSON object on the last line.")] = False,
) -> None:
    """Versions, memory, disk, devices, what is stored and how large, and what is broken, with a way to mend each.

    Ends with exit code 1 where something is broken.
    """
    from upsr_core.doctor import examine
    from upsr_core.doctor import mend as sweep

    with progress_bar() as progress:
        report = examine(progress)
        swept = sweep(report) if mend else []
        if swept:
            report = examine(progress)
    _machine(report.machine)
    for kind, found in report.stored.items():
        typer.echo(f"{kind}: {found.count:,}, {_size(found.bytes)}")
    for finding in swept:
        typer.echo(f"removed: {finding.where}")
    for finding in report.findings:
        where = f" ({finding.where})" if finding.where and finding.where not in finding.what else ""
        typer.echo(f"{MARKS[finding.kind]} {finding.kind}: {finding.what.rstrip('.')}{where}. {finding.how}")
    if report.well:
        typer.echo("Nothing is broken.")
    if as_json:
        print(json.dumps({**report.record(), "mended": [finding.where for finding in swept]}))
    raise typer.Exit(0 if report.well else 1)


def _machine(machine: dict) -> None:
    packages = ", ".join(f"{name} {number}" for name, number in machine["packages"].items())
    typer.echo(f"Python {machine['python']} on {machine['platform']}; {packages}")
    threads = f"{machine['threads']} threads (OMP_NUM_THREADS {machine['omp_num_threads']})"
    memory = f"memory {machine['memory_free_gib']} of {machine['memory_gib']} GiB free"
    typer.echo(f"{machine['cores']} cores, {threads}; {memory}; device {', '.join(machine['devices'])}")
    typer.echo(f"Home folder {machine['home']}: {machine['disk_free_gib']} of {machine['disk_gib']} GiB free")
    typer.echo(f"Log {machine['log']}")


def _size(count: int) -> str:
    """
    >>> _size(999), _size(2_500_000)
    ('999 B', '2.5 MB')
    """
    for unit, least in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if count >= least:
            return f"{count / least:.1f} {unit}"
    return f"{count} B"
