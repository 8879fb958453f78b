"""`upsr indicators`: what the page Indicators shows, on the command line."""

import json
from contextlib import contextmanager
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

console = Console()


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command("indicators")(indicators)


def indicators(
    dataset: Annotated[str, typer.Argument(help="Name of a stored dataset, see `upsr data list`.")],
    design: Annotated[str, typer.Option(help="Attributes in order, such as category,title,brand.")] = "category,title",
    cap: Annotated[int, typer.Option(min=1, max=512, help="Tokens kept of an item.")] = 40,
    tokenizer: Annotated[
        str | None, typer.Option(help="Whose tokens the cheap indicators count: a folder or hub id; the model's.")
    ] = None,
    plm: Annotated[str, typer.Option(help="embedded, a folder, or a hub id.")] = "embedded",
    domains: Annotated[str, typer.Option(help="Further datasets, with commas, for domain consistency.")] = "",
    only: Annotated[str | None, typer.Option(help="Some indicators, with commas, such as informativeness.")] = None,
    sample: Annotated[int, typer.Option(min=0, help="Items that the model reads at most; 0: all.")] = 1000,
    naturalness: Annotated[str, typer.Option(help="likelihood or masked-spans.")] = "likelihood",
    seed: Annotated[int, typer.Option(help="Seed of the samples.")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="End with one JSON object on the last line.")] = False,
) -> None:
    """The indicators of an item design: naturalness, consistency, informativeness, noise, length, alignment."""
    from upsr_core.datasets.sample import ensure_sample
    from upsr_core.datasets.store import load_dataset
    from upsr_core.errors import DesignError
    from upsr_core.indicators.profile import Setting, check_names, profile
    from upsr_core.text.design import ItemDesign

    if naturalness not in ("likelihood", "masked-spans"):
        raise DesignError(
            f"Naturalness cannot be measured by {naturalness!r}", how="Choose likelihood or masked-spans."
        )
    names = check_names(_names(only) if only is not None else None)
    ensure_sample()
    others = tuple(load_dataset(name) for name in _names(domains) if name != dataset)
    setting = Setting(load_dataset(dataset), plm, tokenizer, others, sample, seed, naturalness)
    with progress_bar() as progress:
        readings = profile(setting, ItemDesign.of(design, cap=cap), progress, names)
    table = Table("indicator", "value", "interval (95 %)", "unit", "note", title=f"{design} on {dataset}")
    for name, reading in readings.items():
        shown = "–" if reading.value is None else f"{reading.value:.4g}"
        interval = "" if reading.low is None else f"{reading.low:.4g} to {reading.high:.4g}"
        table.add_row(name, shown, interval, reading.unit, reading.reason or reading.note)
    console.print(table)
    if "informativeness" in readings and readings["informativeness"].value is not None:
        for step in readings["informativeness"].facts["steps"]:
            console.print(
                f"  + {step['added']}: {step['bits']:.2f} bits ({step['gain']:+.2f}), "
                f"{step['distinguishable']:.1%} of the items told apart"
            )
    if as_json:
        print(json.dumps({name: reading.summary() for name, reading in readings.items()}))


def _names(text: str) -> list[str]:
    return [name.strip() for name in text.split(",") if name.strip()]


@contextmanager
def progress_bar():
    """A progress callback that draws a bar on stderr, nothing where that is no terminal."""
    from rich.progress import Progress

    errors = Console(stderr=True)
    with Progress(console=errors, transient=True, disable=not errors.is_terminal) as bar:
        task = bar.add_task("reading", total=None)
        yield lambda done, total, what: bar.update(task, completed=done, total=total, description=what)
