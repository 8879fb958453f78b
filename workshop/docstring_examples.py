"""Examples in docstrings as blocks of code: Markdown would take `>>>` for quotations within quotations."""

from typing import Any

import griffe


class DocstringExamples(griffe.Extension):
    """An extension of griffe, which reads the sources for the reference of the documentation."""

    def on_object(self, *, obj: griffe.Object, **_: Any) -> None:
        if obj.docstring is not None and ">>>" in obj.docstring.value:
            obj.docstring.value = fenced(obj.docstring.value)


def fenced(text: str) -> str:
    """A docstring whose examples stand in fences; an example ends with its paragraph.

    >>> fenced("It adds.\\n\\n>>> 1 + 1\\n2\\n\\nMore.").replace("`", "~").splitlines()
    ['It adds.', '', '~~~pycon', '>>> 1 + 1', '2', '~~~', '', 'More.']
    """
    paragraphs = text.split("\n\n")
    return "\n\n".join(f"```pycon\n{part.rstrip()}\n```" if part.startswith(">>>") else part for part in paragraphs)
