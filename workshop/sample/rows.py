"""Writes invented items down as Amazon's 2018 metadata rows, with what is missing, marked up and related in them."""

import html
import re

import numpy as np

from workshop.sample.catalogue import Brand, Catalogue, Item
from workshop.sample.recipe import DomainRecipe


def amazon_rows(recipe: DomainRecipe, catalogue: Catalogue, rng: np.random.Generator) -> list[dict]:
    """One metadata row per item with Amazon's 2018 field names."""
    rows = _plain_rows(recipe, catalogue, rng)
    _relate(rows, catalogue, rng)
    _add_ranks(rows, catalogue.rank, recipe.root, rng)
    return rows


def _plain_rows(recipe: DomainRecipe, catalogue: Catalogue, rng: np.random.Generator) -> list[dict]:
    """The rows without `also_buy`, `also_view` and `rank`."""
    keys = identifiers(len(catalogue.items), "B0", 8, rng)
    rows = []
    for key, item in zip(keys, catalogue.items, strict=True):
        leaf, brand = catalogue.leaves[item.leaf], catalogue.brands[item.brand]
        price = leaf.price * rng.lognormal(0, 0.25)
        chance = rng.random(4)
        title = item.title + (" (New & Improved)" if chance[0] < 0.04 else "")
        rows.append(
            {
                "category": [recipe.root, leaf.section, leaf.name],
                "tech1": "",
                "description": _description(recipe, item, brand, rng),
                "fit": "",
                "title": html.escape(title, quote=False) if chance[0] < 0.5 else title,
                "also_buy": [],
                "tech2": "",
                "brand": brand.name if chance[1] > 0.06 else "",
                "feature": [],
                "rank": [],
                "also_view": [],
                "details": {},
                "main_cat": html.escape(recipe.root),
                "similar_item": "",
                "date": "",
                "price": f"${max(1, round(price)) - 0.01:,.2f}" if chance[2] > 0.15 else "",
                "asin": key,
                "imageURL": [],
                "imageURLHighRes": [],
            }
        )
    return rows


def _description(recipe: DomainRecipe, item: Item, brand: Brand, rng: np.random.Generator) -> list[str]:
    """None, or one to three sentences; a few carry the HTML that real catalogues carry."""
    if rng.random() < 0.12:
        return []
    prose = {key: word.lower() for key, word in item.words.items()} | {"mark": brand.name}
    chosen = [rng.choice(recipe.openings), *rng.permutation(recipe.sentences)[: rng.integers(0, 3)]]
    text = [str(sentence).format(**prose) for sentence in chosen]
    text = [re.sub(r"\b([Aa]) (?=[aeiou])", r"\1n ", sentence[0].upper() + sentence[1:]) for sentence in text]
    mark_up = rng.random()
    if mark_up < 0.04:
        return ["<p>" + "<br />".join(text) + "</p>"]
    if mark_up < 0.08:
        return [f"<b>{item.words['style']}</b> &amp; &quot;{prose['a']}&quot;: " + " ".join(text)]
    return text if mark_up < 0.2 else [" ".join(text)]


def _relate(rows: list[dict], catalogue: Catalogue, rng: np.random.Generator) -> None:
    """Fill `also_buy` (what goes with an item) and `also_view` (what resembles it); a few have neither.

    Both come from what lies behind the catalogue, never from the behaviour, so that no test target leaks into a text.
    """
    keys = np.array([row["asin"] for row in rows])
    leaf, brand, style, next_leaf = catalogue.leaf, catalogue.brand, catalogue.style, catalogue.next_leaf
    for i, row in enumerate(rows):
        likeness = (style == style[i]) + 1.5 * (brand == brand[i])
        bought = likeness + 1.5 * (leaf == next_leaf[leaf[i]]) + rng.random(len(rows))
        viewed = likeness + 3.0 * (leaf == leaf[i]) + rng.random(len(rows))
        for name, score, most in (("also_buy", bought, 6), ("also_view", viewed, 4)):
            score[i] = -1.0
            row[name] = keys[np.argsort(-score)[: rng.integers(0, most + 1)]].tolist()


def _add_ranks(rows: list[dict], rank: np.ndarray, root: str, rng: np.random.Generator) -> None:
    """`rank` as Amazon writes it: mostly text with an open bracket, sometimes a list, sometimes nothing."""
    places = (rank * 170 * rng.lognormal(0, 0.15, len(rows))).astype(int) + 1
    for row, place, form in zip(rows, places, rng.random(len(rows)), strict=True):
        if form < 0.8:
            row["rank"] = f"{place:,} in {root} ("
        elif form < 0.9:
            row["rank"] = [f">#{place:,} in {root} (See Top 100 in {root})"]


def identifiers(count: int, prefix: str, length: int, rng: np.random.Generator) -> list[str]:
    """Different identifiers of capital letters and digits."""
    letters = np.array(list("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"))
    found: dict[str, None] = {}
    while len(found) < count:
        for row in letters[rng.integers(0, 36, (count, length))]:
            found[prefix + "".join(row)] = None
    return list(found)[:count]
