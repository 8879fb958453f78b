"""The commands that a clone of the repository has and an installed package has not: benchmarks, making of models."""

import sys
from importlib import import_module
from pathlib import Path

import typer

import upsr_core
from upsr_core.errors import UpsrError

CLONE = Path(upsr_core.__file__).resolve().parents[1]


def register(app: typer.Typer, plm: typer.Typer) -> None:
    """Add them from `workshop/` beside this package; where there is none, each says where it can be had."""
    if (CLONE / "workshop" / "commands.py").is_file():
        sys.path.append(str(CLONE))
        import_module("workshop.commands").register(app, plm)
        return
    _missing(app, "bench", "Benchmarks come")
    for name in ("build", "tune", "search"):
        _missing(plm, name, "The commands that make language models come")


def _missing(app: typer.Typer, name: str, what: str) -> None:
    # Whatever follows the name is taken, so that no complaint about an option comes before the sentence.
    @app.command(
        name, hidden=True, add_help_option=False,
        context_settings={"allow_extra_args": True, "ignore_unknown_options": True},
    )  # fmt: skip
    def say() -> None:
        raise UpsrError(
            f"{what} with a clone of the repository and are no part of the installed package",
            how="Clone it, and run `make app` there.",
        )
