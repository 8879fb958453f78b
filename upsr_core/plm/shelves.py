"""Text of our own for the embedded language model: made-up shelves of things that belong together.

Books alone never show a model a list of objects with attributes. A shelf is such a list: every shelf has a small
world of its own (categories, makers, style words, kinds of thing) drawn at random from the vocabulary of the books,
so nothing can be learned by heart; what can be learned is to look at the rest of the list. No real catalogue is used.
"""

from collections import Counter

import numpy as np

_SYLLABLES = ["ba", "co", "da", "el", "fi", "gra", "hu", "il", "jor", "ka", "lu", "mo", "na", "or", "pe", "qui", "ro"]
_SYLLABLES += ["sa", "te", "ul", "vi", "wen", "xa", "yo", "zy", "bri", "cra", "dor", "fen", "lin", "mar", "nex", "tron"]
_ENDINGS = ["", "", "x", "s", "n", "co", "ley", "ton", "ique", "ia", "er", "well", "ford", "ix"]
_NAMES = {
    "category": ["category", "category", "category", "kind", "section"],
    "brand": ["brand", "brand", "brand", "maker", "house"],
    "price": ["price"],
    "description": ["description", "about"],
}


def book_vocabulary(text: str, size: int = 9000) -> list[str]:
    """The most frequent lower-case words of at least three letters, without the commonest two hundred."""
    counts = Counter(word for word in text.split() if len(word) > 2 and word.isalpha() and word.islower())
    return [word for word, _ in counts.most_common(size + 200)[200:]]


class ShelfWriter:
    """Writes shelves. `write(rng)` returns the parts of one: a lead and the item texts in order."""

    def __init__(self, vocabulary: list[str]):
        self.words = np.array(vocabulary)
        # Zipf-like choice, flat enough that rare words are seen.
        weights = 1.0 / np.sqrt(np.arange(1, len(self.words) + 1))
        self.cumulative = np.cumsum(weights / weights.sum())

    def _word(self, rng) -> str:
        return str(self.words[min(np.searchsorted(self.cumulative, rng.random()), len(self.words) - 1)]).capitalize()

    def _words(self, rng, low: int, high: int) -> str:
        return " ".join(self._word(rng) for _ in range(rng.integers(low, high + 1)))

    def _maker(self, rng) -> str:
        if rng.random() < 0.5:
            return self._words(rng, 1, 2)
        syllables = "".join(rng.choice(_SYLLABLES) for _ in range(rng.integers(1, 4)))
        return (syllables + rng.choice(_ENDINGS)).capitalize()

    def write(self, rng: np.random.Generator) -> tuple[str, list[str]]:
        root = self._words(rng, 1, 2)
        branches = [self._words(rng, 1, 2) for _ in range(rng.integers(1, 4))]
        leaves = [f"{root}, {rng.choice(branches)}, {self._words(rng, 1, 2)}" for _ in range(rng.integers(2, 5))]
        if rng.random() < 0.3:
            leaves = [self._words(rng, 1, 2) for _ in leaves]
        makers = [self._maker(rng) for _ in range(rng.integers(2, 5))]
        styles = [self._word(rng) for _ in range(rng.integers(2, 5))]
        things = {leaf: [self._words(rng, 1, 2) for _ in range(rng.integers(1, 3))] for leaf in leaves}
        shape = self._shape(rng)
        leaf, maker, style = rng.choice(leaves), rng.choice(makers), rng.choice(styles)
        stay = rng.uniform(0.5, 0.95, size=3)  # how strongly the shelf holds to one leaf, maker and style
        items = []
        for number in range(rng.integers(4, 12)):
            leaf = leaf if rng.random() < stay[0] else rng.choice(leaves)
            maker = maker if rng.random() < stay[1] else rng.choice(makers)
            style = style if rng.random() < stay[2] else rng.choice(styles)
            parts = [style, str(rng.choice(things[leaf]))]
            if rng.random() < 0.3:
                parts.insert(0, maker)
            if rng.random() < 0.5:
                parts.insert(int(rng.integers(0, len(parts) + 1)), self._word(rng))
            if rng.random() < 0.15:
                parts.append(f"Volume {number + 1}")
            price = f"{rng.integers(1, 90)}.{rng.choice(['99', '95', '50', '00', '49'])}"
            values = {
                "title": " ".join(parts),
                "category": leaf,
                "brand": maker,
                "price": price,
                "description": f"{self._words(rng, 4, 9).lower()}.",
            }
            items.append(self._render(shape, values))
        leads = ["", "", "A list of things: ", "These belong together: ", f"From the {root} shelf: "]
        return str(rng.choice(leads)), items

    @staticmethod
    def _shape(rng) -> list[tuple[str, str]]:
        """Which attributes a shelf shows, in which order and under which names."""
        attributes = ["title", *[name for name in ("category", "brand") if rng.random() < 0.8]]
        attributes += [name for name, share in (("price", 0.2), ("description", 0.15)) if rng.random() < share]
        if rng.random() < 0.5:
            order = ["category", "title", "brand", "price", "description"]
            attributes.sort(key=order.index)
        else:
            rng.shuffle(attributes)
        return [(name, "" if name == "title" else str(rng.choice(_NAMES[name]))) for name in attributes]

    @staticmethod
    def _render(shape, values) -> str:
        return " ".join(f"({shown}: {values[name]})" if shown else values[name] for name, shown in shape)
