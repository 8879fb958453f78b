"""What a clone adds to the command `upsr`: benchmarks, and the making of language models."""

import typer

from workshop import bench, bench_checks  # noqa: F401  its commands join those of `bench`
from workshop.language_model import commands as making


def register(app: typer.Typer, plm: typer.Typer) -> None:
    """Add `upsr bench`, and to `upsr plm` what makes models."""
    app.add_typer(bench.benchmarks, name="bench")
    for name in ("build", "tune", "search"):
        plm.command(name)(getattr(making, name))
