"""The commands about language models: how the embedded one is made, and what its card says."""

import json
from pathlib import Path
from typing import Annotated

import typer

plm = typer.Typer(no_args_is_help=True, help="Show and make language models.")


@plm.command("build")
def build(
    books: Annotated[Path, typer.Option(help="A tar archive of public-domain books as .txt.")],
    work: Annotated[Path, typer.Option(help="Where vocabulary, tokens and checkpoints are kept, for resuming.")],
    out: Annotated[Path, typer.Option(help="The folder of the finished model.")],
    steps: Annotated[int | None, typer.Option(min=1, help="Optimiser steps.")] = None,
) -> None:
    """Make the embedded language model again; started again with the same folders, it resumes."""
    from upsr_core.plm.pretraining import PretrainingSpec, pretrain

    spec = PretrainingSpec() if steps is None else PretrainingSpec(steps=steps)
    pretrain(books, out, spec, work)
    typer.echo(f"The model is in {out}.")


@plm.command("show")
def show(name: Annotated[str, typer.Argument(help="embedded, a folder, or a hub id.")] = "embedded") -> None:
    """The card of a language model that we made, or what its folder says of a foreign one."""
    from upsr_core.plm.door import card, locate

    config = json.loads((locate(name) / "config.json").read_text())
    typer.echo(json.dumps(card(name) or config, indent=2))
