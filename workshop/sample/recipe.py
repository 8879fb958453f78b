"""What a made-up domain consists of: its categories, its words, its titles and the habits of its customers."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Leaf:
    """One leaf category: the typical price in dollars and the kinds of thing that stand there."""

    section: str
    name: str
    price: float
    nouns: tuple[str, ...]
    materials: tuple[str, ...]
    details: tuple[str, ...]
    uses: tuple[str, ...]


@dataclass(frozen=True)
class DomainRecipe:
    """Everything `generate` needs to know about a domain.

    `categories` is text: `= section | materials` and below it `~ details | uses` open a section, a line
    `leaf @ price: noun, noun` adds a leaf category to it. Inside a section the order of the leaves is the order in
    which people buy (guitar, strings, picks). Title and sentence templates may use {style}, {mark} (the brand, its
    product line or nothing), {material}, {noun}, {detail}, {use} and the adjectives {a}, {b}, {c}.
    `events` is the least and the greatest number of events of a user. `vocabulary_seed` decides the invented brands,
    their product lines and which styles are in fashion; two seeds give two worlds on the same categories.
    """

    name: str
    root: str
    categories: str
    styles: str
    adjectives: str
    titles: tuple[str, ...]
    openings: tuple[str, ...]
    sentences: tuple[str, ...]
    brand_endings: tuple[str, ...] = ("",)
    brand_is_person: bool = False
    series: str = ""
    series_share: float = 0.0
    remake_share: float = 0.0
    events: tuple[int, int] = (6, 14)
    vocabulary_seed: int = 0

    def leaves(self) -> list[Leaf]:
        """The leaf categories in the order of `categories`."""
        leaves: list[Leaf] = []
        section = ""
        lists: list[tuple[str, ...]] = [(), (), ()]
        for line in self.categories.strip().replace("\n~", "|").splitlines():
            if line.startswith("="):
                section, *rest = (part.strip() for part in line[1:].split("|"))
                lists = [split_words(part) for part in rest]
            else:
                head, nouns = line.split(":")
                name, price = head.split("@")
                leaves.append(Leaf(section, name.strip(), float(price), split_words(nouns), *lists))
        return leaves


def split_words(text: str) -> tuple[str, ...]:
    """The words or phrases of a list written with commas.

    >>> split_words("Navy, Forest Green")
    ('Navy', 'Forest Green')
    """
    return tuple(word.strip() for word in text.split(","))
