"""`upsr studio`: opens the studio in the browser."""

import sys
from importlib.util import find_spec
from pathlib import Path
from runpy import run_module

import typer

from upsr_core.errors import UpsrError


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    passes_on = {"allow_extra_args": True, "ignore_unknown_options": True}
    app.command("studio", context_settings=passes_on)(studio)


def studio(context: typer.Context) -> None:
    """Open the studio in the browser; options of `streamlit run` may follow, such as --server.port 8600."""
    place = find_spec("upsr_studio.app")
    if place is None or place.origin is None or find_spec("streamlit") is None:
        raise UpsrError("The studio is not installed", how="Run `pip install 'upsr-studio[studio]'`.")
    # Its folders are called `app` and `pages`, too general for names of packages that everybody could import.
    sys.path.insert(0, str(Path(place.origin).parents[1]))
    sys.argv = ["upsr studio", *context.args]
    run_module("app", run_name="__main__", alter_sys=True)
