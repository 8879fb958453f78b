"""Text of our own for the embedded language model: made-up listings of things that belong together.

Books alone never show a model a list of objects with attributes. A listing is such a list: every listing has a small
world of its own (kinds of thing, makers, style words, the habits of its titles), drawn at random, so nothing can be
learned by heart; what can be learned is to look at the rest of the list. Half of the listings hold real kinds of
things as WordNet orders them, the others words drawn without regard to sense. No real catalogue is used.
"""

from collections.abc import Sequence
from itertools import accumulate
from random import Random

import numpy as np

from workshop.language_model.generated_titles import TitleHabit, shop_title, work_title
from workshop.language_model.wordnet_goods import Good, frequent_words, roots_of

_SYLLABLES = ["ba", "co", "da", "el", "fi", "gra", "hu", "il", "jor", "ka", "lu", "mo", "na", "or", "pe", "qui", "ro"]
_SYLLABLES += ["sa", "te", "ul", "vi", "wen", "xa", "yo", "zy", "bri", "cra", "dor", "fen", "lin", "mar", "nex", "tron"]
_ENDINGS = ["", "", "x", "s", "n", "co", "ley", "ton", "ique", "ia", "er", "well", "ford", "ix"]
_NAMES = {
    "category": ["category", "category", "category", "kind", "section"],
    "brand": ["brand", "brand", "brand", "maker", "house"],
    "price": ["price"],
    "description": ["description", "about"],
}
_LEADS = ["", "", "A list of things: ", "These belong together: ", "From one shelf: "]
_ORDER = ["category", "title", "brand", "price", "description"]
World = list[tuple[str, list[tuple[str, str]]]]  # category, and its things with a definition or nothing


def book_vocabulary(paragraphs: list[str], size: int = 9000) -> list[str]:
    """The most frequent words, without the commonest two hundred."""
    return frequent_words(paragraphs)[200 : 200 + size]


class ListingWriter:
    """Writes listings. `write(rng)` returns the parts of one: a lead and the item texts in order."""

    def __init__(self, vocabulary: list[str], goods: Sequence[Good] = (), qualities: Sequence[str] = ()):
        self.words = [word.capitalize() for word in vocabulary]
        # Zipf-like choice, flat enough that rare words are seen.
        self.cumulative = list(accumulate(1 / np.sqrt(np.arange(1, len(self.words) + 1))))
        self.roots = roots_of(list(goods))
        self.qualities = [word.capitalize() for word in qualities] or self.words

    def write(self, rng: np.random.Generator) -> tuple[str, list[str]]:
        random = Random(int(rng.integers(2**63)))  # several times faster than numpy for one draw at a time
        world = self._real(random) if self.roots and random.random() < 0.5 else self._made_up(random)
        makers = [self._maker(random) for _ in range(random.randint(2, 4))]
        styles = [self._word(random) for _ in range(random.randint(2, 4))]
        habit = None if random.random() < 0.15 else TitleHabit.drawn(random)
        shape = self._shape(random)
        place, maker, style = random.choice(world), random.choice(makers), random.choice(styles)
        stay = [random.uniform(0.5, 0.95) for _ in range(3)]  # how firmly a listing holds to one kind, maker and style
        items = []
        for _ in range(random.randint(4, 11)):
            place = place if random.random() < stay[0] else random.choice(world)
            maker = maker if random.random() < stay[1] else random.choice(makers)
            style = style if random.random() < stay[2] else random.choice(styles)
            category, things = place
            thing, gloss = random.choice(things)
            quality, other = random.choice(self.qualities), random.choice(random.choice(world)[1])[0]
            values = {
                "title": shop_title(random, habit, maker, style, thing, quality, other)
                if habit
                else work_title(random, (thing, other, style), quality),
                "category": category,
                "brand": maker,
                "price": f"{random.randint(1, 89)}.{random.choice(['99', '95', '50', '00', '49'])}",
                "description": gloss or f"{self._words(random, 4, 9).lower()}.",
            }
            items.append(" ".join(f"({shown}: {values[name]})" if shown else values[name] for name, shown in shape))
        return random.choice(_LEADS), items

    def _word(self, random: Random) -> str:
        return random.choices(self.words, cum_weights=self.cumulative)[0]

    def _words(self, random: Random, low: int, high: int) -> str:
        return " ".join(self._word(random) for _ in range(random.randint(low, high)))

    def _maker(self, random: Random) -> str:
        if random.random() < 0.5:
            return self._words(random, 1, 2)
        syllables = "".join(random.choice(_SYLLABLES) for _ in range(random.randint(1, 3)))
        name = syllables + random.choice(_ENDINGS)
        return name.upper() if random.random() < 0.15 else name.capitalize()

    def _made_up(self, random: Random) -> World:
        root = self._words(random, 1, 2)
        branches = [self._words(random, 1, 2) for _ in range(random.randint(1, 3))]
        short = random.random() < 0.3
        world = []
        for _ in range(random.randint(2, 4)):
            leaf = self._words(random, 1, 2)
            things = [(self._words(random, 1, 2), "") for _ in range(random.randint(1, 2))]
            world.append((leaf if short else f"{root}, {random.choice(branches)}, {leaf}", things))
        return world

    def _real(self, random: Random) -> World:
        root = random.choice(self.roots)
        kinds = [good for good in (root, *root.below()) if good.children]
        world = []
        for kind in random.sample(kinds, min(len(kinds), random.randint(1, 4))):
            children = random.sample(kind.children, min(len(kind.children), 5))
            things = [(random.choice(good.names).title(), good.gloss) for good in children]
            world.append((", ".join(_plural(name).title() for name in kind.path(root)), things))
        return world

    @staticmethod
    def _shape(random: Random) -> list[tuple[str, str]]:
        """Which attributes a listing shows, in which order and under which names."""
        attributes = ["title", *[name for name in ("category", "brand") if random.random() < 0.8]]
        attributes += [name for name, share in (("price", 0.2), ("description", 0.15)) if random.random() < share]
        if random.random() < 0.5:
            attributes.sort(key=_ORDER.index)
        else:
            random.shuffle(attributes)
        return [(name, "" if name == "title" else random.choice(_NAMES[name])) for name in attributes]


def _plural(name: str) -> str:
    """The usual plural of an English noun; names of kinds need no better one.

    >>> [_plural(name) for name in ("lip balm", "berry", "brush", "toy")]
    ['lip balms', 'berries', 'brushes', 'toys']
    """
    if name.endswith("y") and name[-2:-1] not in "aeiou":
        return name[:-1] + "ies"
    return name + ("es" if name.endswith(("s", "x", "ch", "sh")) else "s")
