"""`upsr study indicators`: whether the indicators predict quality; hidden `work`."""

import json
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from upsr_core.cli.terminal import Terminal

if TYPE_CHECKING:
    from upsr_core.studies.study import Study

console = Terminal()
studies = typer.Typer(no_args_is_help=True, help="Studies over many trials.")


@studies.callback()
def _studies() -> None:
    """Studies over many trials."""


@studies.command("indicators")
def indicators(
    dataset: Annotated[str, typer.Argument(help="Name of a stored dataset, see `upsr data list`.")],
    designs: Annotated[
        str | None,
        typer.Option(help="Designs with semicolons: 'title; category,title; brand,title'. A dozen of the attributes."),
    ] = None,
    seeds: Annotated[int, typer.Option(min=1, help="Trials of each design.")] = 2,
    budget: Annotated[str, typer.Option(help="Of a trial: smoke, first-look, quick, standard or zero-shot.")] = "quick",
    plm: Annotated[str, typer.Option(help="embedded, a folder, or a hub id.")] = "embedded",
    as_json: Annotated[bool, typer.Option("--json", help="End with one JSON object on the last line.")] = False,
) -> None:
    """Do the indicators predict quality? Their rank correlation with NDCG@10 over designs, from trials.

    The same command goes on where it was stopped; finished trials are not trained again.
    """
    from upsr_core.datasets.sample import ensure_sample
    from upsr_core.studies.results import notes, outcome, summary, verdict
    from upsr_core.studies.study import create_study, plan_study

    ensure_sample()
    chosen = None if designs is None else [text.strip() for text in designs.split(";") if text.strip()]
    study = create_study(plan_study(dataset, chosen, seeds, budget, plm))
    _finish_here(study)
    found = outcome(study, study.spec.setting())
    table = Table("indicator", "rho", "interval (95 %)", "by chance", "tau", "designs", "verdict", title=study.title)
    for name, each in found.correlations.items():
        shown = ["–" if value is None else f"{value:+.2f}" for value in (each.rho, each.tau)]
        interval = "–" if each.low is None else f"{each.low:+.2f} to {each.high:+.2f}"
        chance = "–" if each.p is None else f"{each.p:.1%}"
        table.add_row(name, shown[0], interval, chance, shown[1], str(each.n), verdict(name, each))
    console.print(table)
    for line in notes(found):
        console.print(line, markup=False)
    console.print(f"Figure: {study.folder / 'figure.html'}", soft_wrap=True)
    if as_json:
        print(json.dumps(summary(study, found)))


def _finish_here(study: "Study") -> None:
    """Say how long it will take, and work on a study in this process, with a progress bar."""
    from rich.markup import escape
    from rich.progress import BarColumn, Progress, TextColumn

    from upsr_core.errors import RunError
    from upsr_core.runs.queue import enqueue
    from upsr_core.studies.worker import forecast_study, work_on_study

    if study.status().active:
        raise RunError(f"Study {study.id} is already {study.status().state}", how="See the page Indicators.")
    expected = forecast_study(study.spec, study.spec.setting())
    console.print(
        f"Study {study.id}: {study.title}. {len(expected.trials)} of {len(study.spec.trials)} trials are to be done, "
        f"about {expected.seconds / 60:.0f} min ({expected.basis})."
    )
    enqueue(study)
    with Progress(TextColumn("{task.description}"), BarColumn(), TextColumn("{task.percentage:.0f} %"),
                  console=console) as bar:  # fmt: skip
        task = bar.add_task("starting", total=None)

        def show(done: float, total: float, _: str) -> None:
            left = study.status().seconds_left
            time = "" if left is None else f", {left / 60:.0f} min left"
            bar.update(task, completed=done, total=total or None, description=escape(study.status().message + time))

        if work_on_study(study, show) is None:
            raise RunError(f"Study {study.id} was cancelled", how="The same command goes on with it.")


@studies.command("work", hidden=True)
def work(study_id: str) -> None:
    """Work on a study (what the studio starts)."""
    from upsr_core.studies.study import load_study
    from upsr_core.studies.worker import work_on_study

    work_on_study(load_study(study_id))
