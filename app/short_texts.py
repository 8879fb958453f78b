"""Texts of the data made fit for one line of a page or a label of a figure."""

import html
import re

# Marks without width and those that change the direction of writing; not the two joiners.
_UNSEEN = re.compile("[\u00ad\u061c\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff]")


def visible(text: str, most: int | None = None) -> str:
    """Text on one line in which marks without width can be seen and nothing turns the writing round.

    Characters that join (emoji of several parts, Persian) stay. `most` cuts it, with an ellipsis.

    >>> visible("a\u200bb\u202ec"), visible("abcdef", 4)
    ('a⟨200B⟩b⟨202E⟩c', 'abc…')
    """
    text = _UNSEEN.sub(lambda match: f"⟨{ord(match[0]):04X}⟩", " ".join(text.split()))
    return text if most is None or len(text) <= most else text[: most - 1] + "…"


def label(text: str, most: int = 48) -> str:
    """Text of the data as a label of a figure: no markup, one line, its own direction of writing.

    >>> label("<b>Red & blue</b>")
    '\\u2068&lt;b&gt;Red &amp; blue&lt;/b&gt;\\u2069'
    """
    return f"\u2068{html.escape(visible(text, most), quote=False)}\u2069"
