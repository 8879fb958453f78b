"""`upsr models` and `upsr health`: what models there are, and whether the trained ones reach what is known of them."""

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from upsr_core.cli.terminal import Terminal
from upsr_core.errors import RunError

if TYPE_CHECKING:
    from upsr_core.evaluation.published_results import Band
    from upsr_core.runs.health import Health

console = Terminal()
Json = Annotated[bool, typer.Option("--json", help="End with one JSON object on the last line.")]


def register(app: typer.Typer) -> None:
    """Add the commands to the command line."""
    app.command("models")(models)
    app.command("health")(health)


def models(
    budget: Annotated[str, typer.Option(help="Whose trainings are held against the published ones.")] = "standard",
    as_json: Json = False,
) -> None:
    """The models that `upsr run --model` takes, what each cannot do, and where it is not as published."""
    from upsr_core.models.budgets import BUDGETS
    from upsr_core.models.registry import MODELS

    if budget not in BUDGETS:
        raise RunError(f"There is no budget {budget!r}", how=f"Choose among {', '.join(BUDGETS)}.")
    table = Table("model", "name", "what it does", "what it cannot do")
    for name, info in MODELS.items():
        table.add_row(name, info.title, info.note, info.limits)
    console.print(table)
    found = {name: info.differences(budget) if budget in info.budgets() else [] for name, info in MODELS.items()}
    for name, info in MODELS.items():
        if info.published_as():
            console.print(f"{name} beside {info.published_as()}, budget {budget}:", style="bold", soft_wrap=True)
        for each in found[name]:
            line = f"  {each.what}: published {each.published}; here {each.ours}. Effect: {each.effect}."
            console.print(line, soft_wrap=True, highlight=False)
    console.print("Data and trainings of the effects: docs/rivals.md.", soft_wrap=True)
    if as_json:
        records = [
            {
                "name": name, "title": info.title, "note": info.note, "limits": info.limits,
                "published": info.published_as(), "differences": [each.model_dump() for each in found[name]],
            }
            for name, info in MODELS.items()
        ]  # fmt: skip
        print(json.dumps({"budget": budget, "models": records}))


def health(
    model: Annotated[str | None, typer.Argument(metavar="[MODEL]", help="One model only, see `upsr models`.")] = None,
    dataset: Annotated[str, typer.Option(help="Name of a stored dataset.")] = ...,  # type: ignore[assignment]
    as_json: Json = False,
) -> None:
    """The finished runs on a dataset against published figures.

    Healthy, below, still improving, suspicious (better than anything known) or no reference.
    """
    from upsr_core.evaluation.published_results import MEASURES
    from upsr_core.runs.health import health as judged

    found = judged(dataset, model)
    if not found:
        console.print(f"No finished run on {dataset!r} yet; start one with `upsr run --mode full`.")
    for this in found:
        figures = [
            f"{name} {this.metrics[name]:.4f}" + (f" ({_expected(this.band, name)})" if this.band else "")
            for measures in MEASURES.values()
            for name in measures
            if name in this.metrics
        ]
        lines = [*figures, _training(this), this.reason]
        console.print(f"{this.title}: {this.verdict} ({this.run})", style="bold", soft_wrap=True)
        for line in filter(None, lines):
            console.print(f"  {line}", soft_wrap=True, highlight=False)
    if as_json:
        print(json.dumps({"runs": [asdict(this) for this in found]}))


def _expected(band: "Band", name: str) -> str:
    """Where a figure should be, and what is known of it, in words."""
    if name not in band.low:
        return "no reference of this kind"
    known = [
        f"{'ours' if each.ours else 'published'} {each.figures[name]:.4f}: {each.source}"
        for each in band.known
        if name in each.figures
    ]
    return f"healthy from {band.low[name]:.4f} to {band.high[name]:.4f}; {'; '.join(known)}"


def _training(health: "Health") -> str:
    """Budget, time and convergence of a run in words."""
    used, parts = health.training, []
    if used:
        parts.append(f"{used.used:,.0f} of at most {used.most:,.0f} {used.unit}")
        parts += [f"{health.seconds / 60:.0f} min"] if health.seconds else []
    if health.converged is not None:
        parts.append("converged" if health.converged else "still rising")
    return ", ".join(parts)
