"""Kinds of things that are made, eaten or grown, as WordNet orders them: what generated listings are filled with."""

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from workshop.language_model.corpus import gloss_lines

KINDS = {"06", "13", "20", "27"}  # lexicographer files: artifact, food, plant, substance
FEWEST, MOST = 6, 400  # kinds below the root of a listing


@dataclass
class Good:
    """A kind of thing: its names, its definition, the kind it belongs to and the kinds that belong to it."""

    names: list[str]
    gloss: str
    parent: "Good | None" = None
    children: list["Good"] = field(default_factory=list)

    def path(self, root: "Good") -> list[str]:
        """First names from `root` down to this kind, both included. Raises ValueError where it is not below `root`."""
        if self is root:
            return [self.names[0]]
        if self.parent is None:
            raise ValueError(f"{self.names[0]!r} is not below {root.names[0]!r}")
        return [*self.parent.path(root), self.names[0]]

    def below(self) -> list["Good"]:
        """All kinds of this kind."""
        return [good for child in self.children for good in (child, *child.below())]


def read_goods(file: Path) -> list[Good]:
    """The kinds of things in WordNet's noun file; names of more than three words or with other signs are left out."""
    goods, parents = {}, {}
    for fields, gloss in gloss_lines(file):
        if fields[2] != "n" or fields[1] not in KINDS:
            continue
        count = int(fields[3], 16)
        names = [word.replace("_", " ") for word in fields[4 : 4 + 2 * count : 2]]
        names = [name for name in names if name.replace(" ", "").replace("-", "").isalpha() and name.count(" ") < 3]
        if not names:
            continue
        goods[fields[0]] = Good(names, gloss.split(";")[0].strip())
        pointers = fields[5 + 2 * count :]
        parents[fields[0]] = next((pointers[i + 1] for i, sign in enumerate(pointers) if sign == "@"), None)
    for offset, parent in parents.items():
        if parent in goods:
            goods[offset].parent = goods[parent]
            goods[parent].children.append(goods[offset])
    return list(goods.values())


def roots_of(goods: list[Good]) -> list[Good]:
    """Kinds that a listing can be about: neither nearly everything nor nearly nothing belongs to them."""
    return [good for good in goods if FEWEST <= len(good.below()) <= MOST]


def read_qualities(file: Path, paragraphs: list[str], size: int = 4000) -> list[str]:
    """WordNet's adjectives that are frequent in a text, the most frequent first."""
    words = {fields[4].split("(")[0] for fields, _ in gloss_lines(file) if fields[2] in ("a", "s")}
    frequent = (word for word in frequent_words(paragraphs) if word in words)
    return [word for word, _ in zip(frequent, range(size), strict=False)]


def frequent_words(paragraphs: list[str]) -> list[str]:
    """Lower-case words of at least three letters, the most frequent first."""
    counts = Counter(
        word for text in paragraphs for word in text.split() if len(word) > 2 and word.isalpha() and word.islower()
    )
    return [word for word, _ in counts.most_common()]
