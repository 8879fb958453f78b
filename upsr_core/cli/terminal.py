"""What the command line prints on: texts of data are text, whatever they look like to a terminal."""

import re
from typing import TYPE_CHECKING

from rich.console import Console
from rich.text import Text

if TYPE_CHECKING:
    from upsr_core.runs.text_cuts import TextCuts

# C0 and C1 controls but tab and line end: an id or a file name could otherwise drive the terminal.
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f]")


def printable(text: str) -> str:
    """
    >>> printable("a\\x1b[31mb\\u0085")
    'a�[31mb�'
    """
    return _CONTROL.sub("\ufffd", text)


class Terminal(Console):
    """A console that reads no markup in strings and passes no control character on."""

    def __init__(self, **options):
        super().__init__(markup=False, **options)

    def render_str(self, text: str, **options) -> Text:
        return super().render_str(printable(text), **options)


def say_cuts(cuts: "TextCuts") -> None:
    """A line for each text that a run reads, in yellow where the caps hide much of it."""
    for line, cut in cuts.lines:
        Terminal().print(line, style="yellow" if cut.hides else None, highlight=False, soft_wrap=True)
