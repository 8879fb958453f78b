"""`upsr plm build`, `tune`, `search`: the embedded language models made again; of a clone of the repository only."""

import json
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Literal

import typer
from rich.table import Table

from upsr_core.cli.terminal import Terminal

console = Terminal()

Books = Annotated[Path, typer.Option(help="A tar archive of public-domain books as .txt.")]
Debian = Annotated[Path, typer.Option(help="The folder that workshop/language_model/debian-corpus.sh wrote.")]
Work = Annotated[Path, typer.Option(help="Where vocabulary, tokens and checkpoints are kept, for resuming.")]


def build(
    books: Books,
    debian: Debian,
    work: Work,
    out: Annotated[Path, typer.Option(help="The folder of the finished model.")],
    steps: Annotated[int | None, typer.Option(min=1, help="Optimiser steps.")] = None,
    size: Annotated[
        Literal["embedded", "small"], typer.Option(help="The embedded model, or its sibling.")
    ] = "embedded",
) -> None:
    """Make the embedded language model or its small sibling again; started again with the same folders, it resumes."""
    from workshop.language_model.pretraining import pretrain
    from workshop.language_model.spec import SIZES
    from workshop.language_model.texts import read_library

    title, spec = SIZES[size]
    if steps is not None:
        spec = spec.model_copy(update={"steps": steps})
    with _progress() as report:
        card = pretrain(read_library(books, debian), out, spec, work, report, title)
    console.print(f"The model is in {out}: {card['held_out']['bits_per_byte']:.3f} bits per byte on held-out books.")


def tune(
    debian: Debian,
    work: Work,
    out: Annotated[Path, typer.Option(help="The folder of the finished model.")],
    model: Annotated[str, typer.Option("--plm", help="What is tuned.")] = "embedded",
    domains: Annotated[int | None, typer.Option(min=1, help="Invented domains.")] = None,
    tokens: Annotated[int | None, typer.Option(min=1, help="Real encoder tokens.")] = None,
) -> None:
    """Make the behaviour-tuned model: UPSR pre-training on many invented domains; resumes like `build`."""
    import os

    from workshop.language_model.behaviour_tuning import BehaviourSpec
    from workshop.language_model.behaviour_tuning import tune as make
    from workshop.language_model.corpus import read_glosses
    from workshop.language_model.generated_listings import book_vocabulary

    spec = BehaviourSpec(plm=model)
    if tokens is not None:
        spec = spec.model_copy(update={"training": spec.training.model_copy(update={"tokens": tokens})})
    if domains is not None:
        spec = spec.model_copy(update={"domains": domains})
    words = book_vocabulary(read_glosses(debian / "wordnet.txt").paragraphs)
    os.environ["UPSR_HOME"] = str(work / "home")  # the invented domains are datasets there, not among the user's own
    with _progress() as report:
        make(spec, words, out, work, report)
    console.print(f"The model is in {out}.")


def search(
    books: Books,
    debian: Debian,
    work: Work,
    steps: Annotated[int, typer.Option(min=1, help="Steps of the default; the others get its arithmetic.")] = 600,
    card: Annotated[Path | None, typer.Option(help="A model folder on whose card the result is written.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="End with one JSON object on the last line.")] = False,
) -> None:
    """Compare sizes, vocabularies and mixes of objectives at equal compute, by bits per byte on held-out books."""
    from workshop.language_model.configuration_search import search as find
    from workshop.language_model.configuration_search import write_on_card
    from workshop.language_model.texts import read_library

    with _progress() as report:
        found = find(read_library(books, debian), steps, work, report)
    if card:
        write_on_card(card, found)
    table = Table("configuration", "steps", "parameters", "bits per byte")
    for entry in found:
        size = f"{entry['parameters'] / 1e6:.1f} M"
        table.add_row(entry["name"], f"{entry['steps']:,}", size, f"{entry['bits_per_byte']:.3f}")
    console.print(table)
    if as_json:
        print(json.dumps({"search": found}))


@contextmanager
def _progress():
    """A progress callback that draws a bar with the time left."""
    from rich.markup import escape
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.percentage:.0f} %"))
    with Progress(*columns, TimeRemainingColumn(), console=console) as bar:
        task = bar.add_task("reading", total=None)
        yield lambda done, total, what: bar.update(task, completed=done, total=total, description=escape(what))
