"""Invents the items of a domain: brands with a house style, series, remakes, titles and popularity."""

from dataclasses import dataclass
from typing import NamedTuple
from zlib import crc32

import numpy as np

from workshop.sample.recipe import DomainRecipe, Leaf, split_words

_STARTS = split_words(
    "Zyqo, Adi, Vo, Kel, Mero, Qui, Tor, Lu, Bra, Xan, Or, Fen, Dal, Hy, Pe, Rov, Silo, Gar, Tev, Jen, Wex"
)
_MIDDLES = split_words("qo, i, ra, ne, lo, vi, da, xu, mo, te, ri, sa")
_ENDS = split_words("vex, dora, mar, rix, quil, zen, bor, wyn, pax, lume, nox, vis")
_FIRST = split_words(
    "Odrin, Maela, Tobin, Sefa, Corwen, Ilsa, Perrin, Junia, Aldo, Brisa, Kester, Noemi, Rufus, Tamsin"
)
_LINES = split_words(
    "Stratford, Ashcombe, Wexley, Marlow, Kingsbrook, Lindale, Fairmont, Redwick, Hollins, Camber, Oakridge, "
    "Penrose, Tarrant, Brightwell, Esmond, Larkfield, Whitmore, Dunmere, Caldwell, Rowan, Selby, Thornbury, "
    "Avenel, Harrow, Ellery, Winslow, Corbin, Pemberton, Glenmore, Ravenna, Halden, Orchard, Sutton, Briar, "
    "Mayfield, Kestrel"
)
_SERIES = split_words("Chronicles, Saga, Cycle, Mysteries, Quartet, Tales, Files, Letters")
STYLES_IN_FASHION = 14
ITEMS_PER_BRAND = 13
MOST_BRANDS = 1000  # far below what the syllables can name


class Brand(NamedTuple):
    name: str
    line: str
    leaves: np.ndarray
    styles: np.ndarray


class Item(NamedTuple):
    title: str
    words: dict[str, str]
    leaf: int
    brand: int
    style: int
    next_volume: bool


@dataclass(frozen=True)
class Catalogue:
    """What stands in the shop and what lies behind it; every array has one entry per item unless said otherwise.

    `next_volume` is the index of the following volume of a series or -1; `next_leaf` has one entry per leaf, the leaf
    people turn to next; `rank` is 1 for the most popular item; `popularity` sums to 1.
    """

    leaves: list[Leaf]
    brands: list[Brand]
    items: list[Item]
    leaf: np.ndarray
    brand: np.ndarray
    style: np.ndarray
    next_volume: np.ndarray
    next_leaf: np.ndarray
    rank: np.ndarray
    popularity: np.ndarray


def make_catalogue(recipe: DomainRecipe, items: int, popularity_exponent: float, rng: np.random.Generator) -> Catalogue:
    """`items` invented items of a domain; brands and styles in fashion depend on `recipe.vocabulary_seed` alone."""
    words = np.random.default_rng([recipe.vocabulary_seed, crc32(recipe.name.encode())])
    leaves = recipe.leaves()
    next_leaf = _next_leaf(leaves)
    names = split_words(recipe.styles)
    styles = [names[i] for i in words.permutation(len(names))[:STYLES_IN_FASHION]]
    brands = _make_brands(recipe, min(max(2, items // ITEMS_PER_BRAND), MOST_BRANDS), next_leaf, len(styles), words)
    made = _Shop(recipe, leaves, styles, brands, rng).items(items)
    leaf, brand, style = (np.array([getattr(item, name) for item in made]) for name in ("leaf", "brand", "style"))
    next_volume = np.where([item.next_volume for item in made], np.arange(len(made)) + 1, -1)
    rank = rng.permutation(len(made)) + 1
    popularity = rank**-popularity_exponent / (rank**-popularity_exponent).sum()
    return Catalogue(leaves, brands, made, leaf, brand, style, next_volume, next_leaf, rank, popularity)


def _next_leaf(leaves: list[Leaf]) -> np.ndarray:
    """For every leaf the one after it in its section, the first after the last."""
    order = np.arange(len(leaves))
    for section in dict.fromkeys(leaf.section for leaf in leaves):
        members = [i for i, leaf in enumerate(leaves) if leaf.section == section]
        order[members] = members[1:] + members[:1]
    return order


def _make_brands(
    recipe: DomainRecipe, count: int, next_leaf: np.ndarray, styles: int, rng: np.random.Generator
) -> list[Brand]:
    """A brand sells two or three neighbouring leaves and loves three styles."""
    names: dict[str, None] = {}
    while len(names) < count:
        # Short names: two mentions of a long one would fill the paper's 40 tokens before the last attribute.
        middle = rng.choice(_MIDDLES) if rng.random() < 0.25 and not recipe.brand_is_person else ""
        invented = rng.choice(_STARTS) + middle + rng.choice(_ENDS)
        if recipe.brand_is_person:
            invented = f"{rng.choice(_FIRST)} {invented}"
        names[invented + rng.choice(recipe.brand_endings)] = None
    lines = np.resize(rng.permutation(_LINES), count)
    rivals = np.zeros(len(next_leaf))  # brands on every leaf so far, so that no leaf stays empty
    brands = []
    for name, line in zip(names, lines, strict=True):
        first = int(np.argmin(rivals + rivals[next_leaf] + rng.random(len(rivals))))
        sold = [first, next_leaf[first]] + ([next_leaf[next_leaf[first]]] if rng.random() < 0.4 else [])
        rivals[sold] += 1 / len(sold)
        brands.append(Brand(name, str(line), np.array(sold), rng.permutation(styles)[:3]))
    return brands


class _Shop:
    """Makes items brand by brand."""

    def __init__(self, recipe, leaves, styles, brands, rng):
        self.recipe, self.leaves, self.styles, self.brands, self.rng = recipe, leaves, styles, brands, rng
        self.titles: set[str] = set()
        self.stock = np.zeros(len(leaves))  # items per leaf so far; the emptier leaf of a brand is filled first
        self.adjectives = split_words(recipe.adjectives)
        self.short = [title for title in recipe.titles if "{detail}" not in title]  # a volume says enough without

    def items(self, count: int) -> list[Item]:
        made: list[Item] = []
        shares = np.full(len(self.brands), count // len(self.brands))
        shares[: count % len(self.brands)] += 1
        for number, share in enumerate(shares):
            end = len(made) + share
            while len(made) < end:
                placed = self._next_items(number, int(end - len(made)), made)
                self.stock[placed[0].leaf] += len(placed)
                made += placed
        return made

    def _next_items(self, number: int, room: int, made: list[Item]) -> list[Item]:
        """One item, a remake of an earlier one, or the volumes of a series."""
        rng, recipe, brand = self.rng, self.recipe, self.brands[number]
        crowd = self.stock[brand.leaves] + rng.random(len(brand.leaves))
        leaf = int(brand.leaves[np.argmin(crowd)])
        style = int(rng.choice(brand.styles) if rng.random() < 0.8 else rng.integers(len(self.styles)))
        if room > 1 and rng.random() < recipe.series_share:
            volumes = min(room, int(rng.integers(2, 5)))
            name = f"{self.styles[style]} {rng.choice(_SERIES)}"
            return [
                Item(*self._title(leaf, brand, style, name, volume + 1), leaf, number, style, volume + 1 < volumes)
                for volume in range(volumes)
            ]
        if made and rng.random() < recipe.remake_share:
            original = made[rng.integers(len(made))]
            if original.leaf != leaf and original.brand != number:
                return [original._replace(leaf=leaf, brand=number, next_volume=False)]
        return [Item(*self._title(leaf, brand, style), leaf, number, style, False)]

    def _title(self, leaf: int, brand: Brand, style: int, series: str = "", number: int = 0) -> tuple[str, dict]:
        """A title that no other item has, unless the words run out (real catalogues repeat themselves too)."""
        for _ in range(20):
            words = draw_words(self.leaves[leaf], brand, self.styles[style], self.adjectives, self.rng)
            title = " ".join(str(self.rng.choice(self.short if number else self.recipe.titles)).format(**words).split())
            if number:
                title = self.recipe.series.format(title=title, series=series, number=number)
            if title not in self.titles:
                break
        self.titles.add(title)
        return title, words


def draw_words(
    leaf: Leaf, brand: Brand, style: str, adjectives: tuple[str, ...], rng: np.random.Generator
) -> dict[str, str]:
    """One random value for every field of a title or sentence template."""
    a, b, c = (adjectives[i] for i in rng.permutation(len(adjectives))[:3])
    mark = (brand.name, brand.line, "")[rng.choice(3, p=[0.4, 0.3, 0.3])]
    pick = {name: rng.choice(getattr(leaf, name + "s")) for name in ("material", "noun", "detail", "use")}
    return {"a": a, "b": b, "c": c, "mark": mark, "style": style} | {name: str(word) for name, word in pick.items()}
