"""The commands about datasets: `upsr data import`, `list`, `show`, `delete`."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from upsr_core.cli.terminal import Terminal
from upsr_core.errors import DataError
from upsr_core.runtime import Progress, memory_bytes

data = typer.Typer(no_args_is_help=True, help="Import, list, show and delete datasets.")
Json = Annotated[bool, typer.Option("--json", help="End with one JSON object on the last line.")]


def register(app: typer.Typer) -> None:
    """Add the commands to the command line."""
    app.add_typer(data, name="data")


@data.command("import")
def import_(
    name: Annotated[str, typer.Argument(help="The name to store the dataset under.")],
    items: Annotated[Path, typer.Option(help="The item file.")],
    events: Annotated[Path, typer.Option(help="The event file (interactions, reviews).")],
    kind: Annotated[
        str, typer.Option(help="amazon-2014, amazon-2018, amazon-2023, atomic or table; auto recognises it.")
    ] = "auto",
    map_item: Annotated[
        list[str] | None, typer.Option(help="FIELD=COLUMN of the item file, e.g. title=name; an empty column drops.")
    ] = None,
    map_event: Annotated[
        list[str] | None, typer.Option(help="FIELD=COLUMN of the event file, e.g. user_id=reviewer.")
    ] = None,
    min_user: Annotated[int | None, typer.Option(min=1, help="Drop users with fewer events (5).")] = None,
    min_item: Annotated[int | None, typer.Option(min=1, help="Drop items with fewer events (5).")] = None,
    new_domain: Annotated[
        bool,
        typer.Option("--new-domain", help="The paper's rule for new domains: users with 4 events or more, every item."),
    ] = False,
    memory: Annotated[str | None, typer.Option(help="What the import may use, e.g. 2GB; half of what is free.")] = None,
    as_json: Json = False,
) -> None:
    """Import an item file and an event file as a dataset."""
    from upsr_core.datasets.importing import import_dataset, without_behaviour
    from upsr_core.datasets.recognition import guess
    from upsr_core.datasets.spec import PreparationSpec
    from upsr_core.datasets.store import list_datasets

    kind_or_none = None if kind == "auto" else kind
    limit = memory_bytes(memory) if memory else None
    given = {"min_user": min_user, "min_item": min_item}
    default = PreparationSpec.new_domain() if new_domain else PreparationSpec()
    preparation = default.model_copy(update={key: value for key, value in given.items() if value is not None})
    item_mapping = event_mapping = None
    if map_event:
        event_mapping = guess(events, kind_or_none, "events").mapping.changed(_pairs(map_event, "--map-event"))
        if event_mapping.attributes:
            name = event_mapping.attributes[0][0]
            raise DataError(f"--map-event has no field {name!r}", how="Its fields: user_id, item_id and timestamp.")
    if map_item:
        item_mapping = guess(items, kind_or_none, "items").mapping
        if items == events:
            item_mapping = without_behaviour(
                item_mapping, event_mapping or guess(events, kind_or_none, "events").mapping
            )
        item_mapping = item_mapping.changed(_pairs(map_item, "--map-item"))
    if name in {entry["name"] for entry in list_datasets()}:
        _print(f"There is a dataset named {name}; it is replaced once the import has succeeded.")
    with _progress_bar() as progress:
        dataset = import_dataset(
            name,
            items,
            events,
            item_mapping=item_mapping,
            event_mapping=event_mapping,
            kind=kind_or_none,
            preparation=preparation,
            memory=limit,
            on_cost=lambda cost: _print(str(cost)),
            progress=progress,
        )
    _print(f"Item file: {_mapping(dataset.spec.items.mapping)}.")
    _print(f"Event file: {_mapping(dataset.spec.events.mapping)}.")
    _print_dataset(dataset, as_json)


def _mapping(mapping) -> str:
    """Which column was taken as what, so that a wrong guess is seen."""
    fields = [(name, getattr(mapping, name)) for name in ("user_id", "item_id", "timestamp")]
    return ", ".join(f"{name}={column}" for name, column in [*fields, *mapping.attributes] if column)


@data.command("list")
def list_(as_json: Json = False) -> None:
    """List the stored datasets."""
    from upsr_core.datasets.store import list_datasets

    found = list_datasets()
    table = _table("dataset", "users", "items", "interactions", "digest", "", text=(0, 4, 5))
    for entry in found:
        note = entry["problem"] or ("synthetic" if entry["synthetic"] else "")
        counts = [f"{entry[key]:,}" for key in ("users", "items", "interactions")]
        table.add_row(entry["name"], *counts, entry["digest"], note)
    _print(table if found else "No dataset is stored. `upsr data import` imports one.")
    if as_json:
        print(json.dumps({"datasets": found}))


@data.command("show")
def show(name: str, as_json: Json = False) -> None:
    """Show what a dataset holds and what preparation did."""
    from upsr_core.datasets.store import load_dataset

    _print_dataset(load_dataset(name), as_json)


@data.command("delete")
def delete(name: str) -> None:
    """Remove a stored dataset."""
    from upsr_core.datasets.store import delete_dataset

    delete_dataset(name)
    _print(f"Removed {name}.")


@contextmanager
def _progress_bar() -> Iterator[Progress]:
    """A Progress callback that draws one line on stderr, nothing where that is no terminal."""
    from rich.markup import escape
    from rich.progress import Progress as Bars

    console = Terminal(stderr=True)
    with Bars(console=console, transient=True, disable=not console.is_terminal) as bars:
        task = bars.add_task("", total=None)
        yield lambda done, total, what: bars.update(task, completed=done, total=total, description=escape(what))


def _pairs(options: list[str], option: str) -> list[tuple[str, str]]:
    found = []
    for text in options:
        field, sign, column = text.partition("=")
        if not sign:
            raise DataError(f"{option} {text!r} is not FIELD=COLUMN", how=f"Write for example {option} title=name.")
        found.append((field.strip(), column.strip()))
    return found


def _print(what) -> None:
    Terminal(highlight=False).print(what, soft_wrap=isinstance(what, str))


def _table(*columns: str, text: tuple[int, ...] = (0,)):
    table = Table()
    for place, column in enumerate(columns):
        table.add_column(column, justify="left" if place in text else "right", overflow="fold")
    return table


def _print_dataset(dataset, as_json: bool) -> None:
    steps = _table("step", "users", "items", "interactions", "dropped", "note", text=(0, 5))
    for step in dataset.report["steps"]:
        counts = [f"{step[key]:,}" for key in ("users", "items", "interactions", "dropped")]
        steps.add_row(step["name"], *counts, Text(step["note"]))
    mends = _table("attribute", "coverage %", "mends (values)", text=(0, 2))
    for attribute in dataset.attributes:
        made = dataset.report["mends"].get(attribute, {})
        coverage = dataset.report["coverage"][attribute]
        mends.add_row(attribute, f"{coverage:.1f}", ", ".join(f"{kind} {count:,}" for kind, count in made.items()))
    size = f"{len(dataset.users):,} users, {dataset.n_items:,} items, {len(dataset.sequence):,} interactions"
    synthetic = ", synthetic" if dataset.synthetic else ""
    _print(f"{dataset.name}: {size}{synthetic}. Digest {dataset.digest}.")
    _print(steps)
    _print(mends)
    if as_json:
        print(json.dumps(_summary(dataset)))


def _summary(dataset) -> dict:
    """What --json tells of a dataset."""
    return {
        "name": dataset.name,
        "digest": dataset.digest,
        "users": len(dataset.users),
        "items": dataset.n_items,
        "interactions": len(dataset.sequence),
        "synthetic": dataset.synthetic,
        "attributes": list(dataset.attributes),
        "report": dataset.report,
    }
