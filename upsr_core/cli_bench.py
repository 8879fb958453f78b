"""The benchmarks: `upsr bench likelihood`."""

import json
from typing import Annotated

import typer
from rich.console import Console

console = Console()
benchmarks = typer.Typer(no_args_is_help=True, help="Measure speed against named rivals, in one run.")


@benchmarks.callback()
def _benchmarks() -> None:
    """Measure speed against named rivals, in one run."""


@benchmarks.command("likelihood")
def likelihood(
    dataset: Annotated[str, typer.Option(help="Whose item texts are scored.")] = "sample:movies",
    design: Annotated[str, typer.Option(help="Attributes in order, which is timed.")] = "category,title,brand",
    also: Annotated[str, typer.Option(help="Another order, only checked for equality.")] = "title,category,brand",
    tokenizer: Annotated[str, typer.Option(help="Whose tokens: embedded, a folder, or a hub id.")] = "embedded",
    users: Annotated[int, typer.Option(min=2, help="Random histories, over three lengths.")] = 21,
    rounds: Annotated[int, typer.Option(min=1, help="Interleaved measurements of each.")] = 1,
    as_json: Annotated[bool, typer.Option("--json", help="End with one JSON object on the last line.")] = False,
) -> None:
    """Candidates scored over the prefix trie against transformers and CTranslate2.

    At T5-small's geometry with random weights: speed does not depend on what was learned. Takes about a minute a user.
    """
    from upsr_core.datasets.sample import ensure_sample
    from upsr_core.datasets.store import load_dataset
    from upsr_core.likelihood.bench import bench
    from upsr_core.plm.door import load_tokenizer
    from upsr_core.text.design import parse_design
    from upsr_core.text.render import ItemTexts
    from upsr_core.text.sequence import SequenceBuilder

    ensure_sample()
    items, tokens = load_dataset(dataset).items, load_tokenizer(tokenizer)
    designs = [parse_design(order) for order in (design, also)]
    builders = [SequenceBuilder(each, ItemTexts(each.finetune, items, tokens)) for each in designs]
    with console.status("measuring") as status:
        result = bench(
            builders, users, rounds, lambda done, total, what: status.update(f"{what}: {done} of {total} users")
        )
    for name, value in result.items():
        console.print(f"{name:>20}  {value:.4g}" if isinstance(value, float) else f"{name:>20}  {value}")
    if as_json:
        print(json.dumps(result))
