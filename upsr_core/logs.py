"""What happened, in a rotating file under the home folder: never item texts, never ids of users, no messages of errors.

Names of datasets, ids of runs, counts and times stand in it. Of an error its kind and the way through the code are
kept; its message is shown to the person alone, because it may quote their data.
"""

import logging
import re
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from itertools import chain
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import ParamSpec, TypeVar

from filelock import FileLock

from upsr_core.errors import UnexpectedError, UpsrError, system_error
from upsr_core.runtime import Cancelled, home

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")
FILE, LARGEST, KEPT = "upsr.log", 1_000_000, 5
_QUOTED = re.compile(r"'(?:\\.|[^'\\])*'|\"(?:\\.|[^\"\\])*\"")


def log_file() -> Path:
    """Where the log is."""
    return home() / "logs" / FILE


class _Silent(RotatingFileHandler):
    """Where the log cannot be written nothing is said: the work is not the log's."""

    def handleError(self, record: logging.LogRecord) -> None:
        return


class _HomeHandler(logging.Handler):
    """Appends to the log of the home folder as it is now. Processes write and rotate it in turns.

    Where it cannot be written, on a full disk say, work goes on without it.
    """

    def emit(self, record: logging.LogRecord) -> None:
        try:
            file = log_file()
            file.parent.mkdir(exist_ok=True)
            with FileLock(file.with_name(".lock"), timeout=2):
                handler = _Silent(file, maxBytes=LARGEST, backupCount=KEPT, encoding="utf-8", delay=True)
                handler.setFormatter(self.formatter)
                handler.emit(record)
                handler.close()
        except (OSError, UpsrError):
            return


def _logger() -> logging.Logger:
    logger = logging.getLogger("upsr")
    if not logger.handlers:
        handler = _HomeHandler()
        handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)-7s [%(process)d] %(message)s"))
        logger.addHandler(handler)
        logger.setLevel(logging.INFO)
        logger.propagate = False
    return logger


def note(what: str) -> None:
    """Write one line. Its author sees to it that no data of users is in it."""
    _logger().info("%s", _line(what))


def warn(what: str) -> None:
    """Write one line about something that is wrong, but does not stop the work."""
    _logger().warning("%s", _line(what))


def _line(text: str) -> str:
    """One line without control characters: what is named by a person forges no further line."""
    return "".join(letter if letter.isprintable() else "?" for letter in text)


def without_data(text: str) -> str:
    """A sentence of ours without what it quotes, and without what it tells after a colon.

    >>> without_data("The dataset 'shop' has no user 'A1B2': it's new")
    "The dataset '…' has no user '…'"
    """
    return _QUOTED.sub("'…'", text).split(": ")[0].splitlines()[0]


def trace(error: BaseException) -> str:
    """The way of an error through the code and its kinds, causes first, without the messages."""
    parts: list[str] = []
    seen: set[int] = set()
    cause: BaseException | None = error
    while cause is not None and id(cause) not in seen:
        seen.add(id(cause))
        frames = "".join(traceback.format_list(traceback.extract_tb(cause.__traceback__)))
        parts.append(f"{frames}{type(cause).__module__}.{type(cause).__qualname__}")
        cause = cause.__cause__ or (None if cause.__suppress_context__ else cause.__context__)
    return "\n  which came of this or while it was handled\n".join(reversed(parts))


def explained(what: str, error: Exception) -> UpsrError:
    """An error for people of one that came up in `what`; where nobody foresaw it, its way is kept in the log."""
    if isinstance(error, UpsrError):
        return error
    if (known := system_error(error)) is not None:
        return known
    _logger().error("%s: unexpected error\n%s", _line(what), trace(error))
    return UnexpectedError(
        f"This should not have happened: {type(error).__name__}",
        f"what led to it is in {log_file()}",
        "Do the same again; if it comes back, `upsr doctor` looks for damage, and the log is what a report needs.",
    )


@contextmanager
def logged(what: str) -> Iterator[None]:
    """Log the start of some work, and its end, cancellation or failure with the seconds it took."""
    begun = time.monotonic()
    note(f"{what}: started")
    try:
        yield
    except BaseException as error:
        seconds = f"after {time.monotonic() - begun:.1f} s"
        if isinstance(error, UpsrError):
            warn(f"{what}: failed {seconds}: {type(error).__name__}, {without_data(error.what)}")
        elif isinstance(error, Cancelled) or not isinstance(error, Exception):  # Stop was pressed, or Ctrl-C
            note(f"{what}: cancelled {seconds}")
        else:
            warn(f"{what}: failed {seconds}: {type(error).__name__}")
        raise
    note(f"{what}: done in {time.monotonic() - begun:.1f} s")


def logs_as(what: str) -> Callable[[Callable[Arguments, Result]], Callable[Arguments, Result]]:
    """Decorates work whose first argument names its subject: it is `logged` as `what` with that name."""

    def around(work: Callable[Arguments, Result]) -> Callable[Arguments, Result]:
        @wraps(work)
        def call(*arguments: Arguments.args, **options: Arguments.kwargs) -> Result:
            with logged(what.format(next(chain(arguments, options.values())))):
                return work(*arguments, **options)

        return call

    return around
