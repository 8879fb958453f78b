"""The commands about language models: how the embedded one is made, what its card says, what a model is worth."""

import json
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Literal

import typer
from rich.table import Table

from upsr_core.terminal import Terminal

console = Terminal()
plm = typer.Typer(no_args_is_help=True, help="Show, make and check language models.")


Books = Annotated[Path, typer.Option(help="A tar archive of public-domain books as .txt.")]
Debian = Annotated[Path, typer.Option(help="The folder that scripts/debian-corpus.sh wrote.")]
Work = Annotated[Path, typer.Option(help="Where vocabulary, tokens and checkpoints are kept, for resuming.")]


@plm.command("build")
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
    from upsr_core.plm.library import read_library
    from upsr_core.plm.pretraining import pretrain
    from upsr_core.plm.spec import SIZES

    title, spec = SIZES[size]
    if steps is not None:
        spec = spec.model_copy(update={"steps": steps})
    with _progress() as report:
        card = pretrain(read_library(books, debian), out, spec, work, report, title)
    console.print(f"The model is in {out}: {card['held_out']['bits_per_byte']:.3f} bits per byte on held-out books.")


@plm.command("tune")
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

    from upsr_core.experiments.behaviour import BehaviourSpec
    from upsr_core.experiments.behaviour import tune as make
    from upsr_core.plm.corpus import read_glosses
    from upsr_core.plm.shelves import book_vocabulary

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


@plm.command("search")
def search(
    books: Books,
    debian: Debian,
    work: Work,
    steps: Annotated[int, typer.Option(min=1, help="Steps of the default; the others get its arithmetic.")] = 600,
    card: Annotated[Path | None, typer.Option(help="A model folder on whose card the result is written.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="End with one JSON object on the last line.")] = False,
) -> None:
    """Compare sizes, vocabularies and mixes of objectives at equal compute, by bits per byte on held-out books."""
    from upsr_core.plm.library import read_library
    from upsr_core.plm.search import search as find
    from upsr_core.plm.search import write_on_card

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


@plm.command("show")
def show(name: Annotated[str, typer.Argument(help="embedded, a folder, or a hub id.")] = "embedded") -> None:
    """The card of a language model that we made, or what its folder says of a foreign one."""
    from upsr_core.plm.door import ENCODERS, card, locate

    config = json.loads((locate(name, ENCODERS) / "config.json").read_text())
    typer.echo(json.dumps(card(name) or config, indent=2))


@plm.command("check")
def check(
    data: Annotated[
        Path, typer.Option(help="A folder with the datasets movielens-100k-plots, amazon-beauty-2014 and steam.")
    ],
    name: Annotated[str, typer.Argument(metavar="MODEL", help="embedded, a folder, or a hub id.")] = "embedded",
    users: Annotated[int, typer.Option(min=2, help="Test users of a dataset in zero-shot ranking.")] = 500,
    as_json: Annotated[bool, typer.Option("--json", help="End with one JSON object on the last line.")] = False,
) -> None:
    """What a model's perplexity is worth: word order, kinds of text, speed, and zero-shot ranking on real data."""
    from upsr_core.experiments.plm_check import check as measure
    from upsr_core.plm.report import save_report

    with console.status("reading") as status:
        report = measure(name, data, users, lambda done, total, what: status.update(f"{what}: {done} of {total}"))
    save_report(name, report)
    for what in ("plot", "title"):
        share, count = report[f"{what}_over_shuffled"], report[f"{what}s"]
        console.print(f"{share:.1%} of {count:,} {what}s have a lower perplexity than their words shuffled.")
    for dataset, values in report["order_of_perplexity"].items():
        kinds = ", ".join(f"{kind} {value:.1f}" for kind, value in values.items() if kind != "ordered")
        verdict = "rising as it should" if values["ordered"] else "not in this order"
        console.print(f"Perplexity on {dataset}: {kinds} ({verdict}).")
    console.print(f"{report['texts_per_second']:.0f} item texts a second.")
    columns = ("random", "popularity", "user_dependence")
    table = Table("dataset", "score", "NDCG@10 (uni100)", "gap to random", "gap to popularity", "user dependence")
    for dataset, scores in report["zero_shot"].items():
        for score, values in scores.items():
            gaps = [f"{v['mean']:+.4f} [{v['low']:+.4f}, {v['high']:+.4f}]" for v in (values[c] for c in columns)]
            table.add_row(dataset, score, f"{values['NDCG@10 (uni100)']:.4f}", *gaps)
    console.print(table)
    if as_json:
        print(json.dumps(report))
