"""`upsr`: the command line; every command makes the calls that the pages make."""

import sys

import typer
from pydantic import ValidationError

from upsr_core.cli import (
    clone_only,
    compare,
    data,
    doctor,
    experiment,
    explain,
    indicators,
    models,
    plan,
    plm,
    runs,
    studio,
    study,
)
from upsr_core.cli.terminal import Terminal, printable
from upsr_core.errors import UpsrError
from upsr_core.logs import explained

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)
for commands in (studio, data, runs, models, plan, indicators, compare, experiment, explain, doctor):
    commands.register(app)
app.add_typer(plm.plm, name="plm")
app.add_typer(study.studies, name="study")
clone_only.register(app, plm.plm)


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
    commands = getattr(typer.main.get_command(app), "commands", {})
    names = []
    for argument in arguments:
        if argument not in commands:
            break
        names.append(argument)
        commands = getattr(commands[argument], "commands", {})
    return names


def _one_line(error: UpsrError) -> str:
    return " ".join(str(error).split())


if __name__ == "__main__":
    main()
