"""Errors that say what happened, where, and how to mend it. Every page and command shows them as they are."""

LONGEST = 700  # characters of a part; what was given may be quoted in it, and may be megabytes


class UpsrError(Exception):
    """What happened, where (file, line, field) and a way out; each part one plain sentence or phrase."""

    def __init__(self, what: str, where: str = "", how: str = ""):
        self.what, self.where, self.how = map(_shown, (what, where, how))
        super().__init__(self.what)

    def __str__(self) -> str:
        place = f" ({self.where})" if self.where else ""
        way_out = f" {self.how}" if self.how else ""
        return f"{self.what}{place}.{way_out}"


def _shown(text: str) -> str:
    """Text that every terminal and page can show: halves of surrogate pairs are written out, the middle is cut."""
    text = text.encode("utf-8", "backslashreplace").decode()
    return text if len(text) <= LONGEST else f"{text[: LONGEST * 2 // 3]} … {text[-LONGEST // 3 :]}"


class DataError(UpsrError):
    """A file, a column or a stored dataset is not what it should be."""


class DesignError(UpsrError):
    """An item design, a template or a prompt cannot be used."""


class ModelError(UpsrError):
    """A language model cannot be found, read or used."""


class RunError(UpsrError):
    """A run cannot be started, resumed, read or compared."""
