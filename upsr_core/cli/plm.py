"""The commands about language models: what a model's card says, and what its perplexity is worth."""

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from upsr_core.cli.terminal import Terminal
from upsr_core.evaluation.verdicts import interval_text

console = Terminal()
plm = typer.Typer(no_args_is_help=True, help="Show and check language models.")


@plm.command("show")
def show(name: Annotated[str, typer.Argument(help="embedded, a folder, or a hub id.")] = "embedded") -> None:
    """The card of a language model that we made, or what its folder says of a foreign one."""
    from upsr_core.plm.loading import ENCODERS, card, locate

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
    from upsr_core.plm.quality_report import save_report
    from upsr_core.runs.plm_check import check as measure

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
            found = [values[column] for column in columns]
            gaps = [interval_text(each["mean"], each["low"], each["high"], each["why"], "+.4f") for each in found]
            table.add_row(dataset, score, f"{values['NDCG@10 (uni100)']:.4f}", *gaps)
    console.print(table)
    if as_json:
        print(json.dumps(report))
