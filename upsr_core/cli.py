"""`upsr`: the command line; every command makes the calls that the pages make."""

import sys

import typer
from pydantic import ValidationError

from upsr_core import (
    cli_bench,
    cli_compare,
    cli_data,
    cli_doctor,
    cli_experiment,
    cli_explain,
    cli_indicators,
    cli_plan,
    cli_plm,
    cli_runs,
    cli_study,
)
from upsr_core.errors import UpsrError
from upsr_core.logs import explained
from upsr_core.terminal import Terminal, printable

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)
cli_data.register(app)
cli_runs.register(app)
cli_plan.register(app)
cli_indicators.register(app)
cli_compare.register(app)
cli_experiment.register(app)
cli_explain.register(app)
cli_doctor.register(app)
app.add_typer(cli_plm.plm, name="plm")
app.add_typer(cli_bench.benchmarks, name="bench")
app.add_typer(cli_study.studies, name="study")


@app.callback()
def _upsr() -> None:
    """Design text representations of items for sequential recommendation as language."""


def main() -> None:
    """Run a command; an error of ours is one line on stderr and exit code 1, an interruption exit code 130."""
    try:
        app()
    except UpsrError as error:
        _say(error)
        sys.exit(1)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"])) or error.title
        print(printable(f"{place}: {first['msg']}. See `upsr --help`."), file=sys.stderr)
        sys.exit(1)
    except Exception as error:
        _say(explained(" ".join(["upsr", *command_of(sys.argv[1:])]), error))
        sys.exit(1)
    except KeyboardInterrupt:
        print("Stopped.", file=sys.stderr)
        sys.exit(130)


def _say(error: UpsrError) -> None:
    Terminal(stderr=True, soft_wrap=True, highlight=False).print(_one_line(error), style="red")


def command_of(arguments: list[str]) -> list[str]:
    """The name of the command that was given, without anything that a person wrote.

    >>> command_of(["rank", "1b2c", "--user", "A1"])
    ['rank']
    """
    known = typer.main.get_command(app)
    names = []
    for argument in arguments:
        known = getattr(known, "commands", {}).get(argument)
        if known is None:
            break
        names.append(argument)
    return names


def _one_line(error: UpsrError) -> str:
    return " ".join(str(error).split())


if __name__ == "__main__":
    main()
