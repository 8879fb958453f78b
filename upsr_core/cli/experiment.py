"""`upsr experiment`: the paper's tables and figures on one's own data, on the command line."""

import json
from typing import Annotated

import typer
from rich.table import Table

from upsr_core.cli import running
from upsr_core.cli.indicators import progress_bar
from upsr_core.cli.terminal import Terminal
from upsr_core.evaluation.verdicts import interval_text
from upsr_core.parallel import Workers

console = Terminal()


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command("experiment")(experiment)


def experiment(
    name: Annotated[
        str | None, typer.Argument(metavar="[NAME]", help="Such as table5; without it all are named.")
    ] = None,
    dataset: Annotated[str, typer.Option(help="Stored datasets, with commas.")] = "sample:movies",
    scale: Annotated[str, typer.Option(help="smoke, quick or standard.")] = "quick",
    plm: Annotated[str, typer.Option(help="embedded, a folder, or a hub id; two with a comma.")] = "embedded",
    pretrain_on: Annotated[
        str, typer.Option(help="Datasets to pre-train on first, with commas; of the sample's, two others if need be.")
    ] = "",
    recipe: Annotated[str, typer.Option(help="Of UPSR's trainings: paper, paper-short or personal.")] = "paper",
    backend: running.Backend = "threads",
    address: running.Address = None,
    workers: running.Count = None,
    as_json: Annotated[bool, typer.Option("--json", help="End with one JSON object on the last line.")] = False,
) -> None:
    """A table or figure of the paper on your data: its runs, a table with the paper's values beside, a figure.

    Started again it goes on where it was: no run is made twice, and failed ones are tried again.
    """
    from upsr_core.datasets.sample import ensure_sample
    from upsr_core.indicators.result import plain
    from upsr_core.paper.registry import EXPERIMENTS
    from upsr_core.paper.runner import study, usual_domains

    if name is None:
        table = Table("name", "experiment", "question")
        for each in EXPERIMENTS.values():
            table.add_row(each.name, each.title, each.question)
        console.print(table)
        return
    by = Workers(backend, address, workers)
    ensure_sample()
    first = _names(pretrain_on)
    if not first and name in EXPERIMENTS and (first := usual_domains(name, _names(dataset))):
        console.print(f"Pre-trains on {' and '.join(first)}; --pretrain-on names others.")
    this = study(name, _names(dataset), scale, plm, first, recipe)
    before = this.forecast()
    if before.to_do:
        memory = "memory unknown until a first run" if before.memory_mib is None else f"{before.memory_mib:,.0f} MiB"
        console.print(f"{before.to_do} of {before.cells} runs to do, about {before.seconds / 60:.0f} min, {memory}.")
    with progress_bar() as progress:
        outcome = this.run(progress, by)
    _show(outcome.beside, this.experiment.title)
    if len(outcome.claims):
        _claims(outcome.claims)
    for note in outcome.notes:
        console.print(note)
    console.print(f"Table, figure, specifications, versions: {this.folder}")
    if as_json:
        record = {part: getattr(outcome, part).to_dict("records") for part in ("table", "beside", "claims")}
        print(
            json.dumps(plain(record | {"notes": outcome.notes, "folder": str(this.folder), "spec": this.spec.digest}))
        )


def _names(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())


def _claims(claims) -> None:
    table = Table("dataset", "claim", "here", "percentage points, 95 %", "p (Holm)")
    for row in claims.itertuples():
        interval = interval_text(row.difference, row.low, row.high, row.why, "+.2f")
        table.add_row(row.dataset, f"{row.claim} ({row.paper})", row.verdict, interval, f"{row.p:.3f}")
    console.print(table)


def _show(frame, title: str) -> None:
    table = Table(*map(str, frame.columns), title=title)
    for row in frame.itertuples(index=False):
        table.add_row(
            *(("–" if cell != cell else f"{cell:.4g}") if isinstance(cell, float) else str(cell) for cell in row)
        )
    console.print(table)
