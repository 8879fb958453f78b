"""Makes the behaviour of invented users, who follow category, brand and style from one item to the next."""

import numpy as np

from workshop.sample.catalogue import Catalogue

# Chances that the next event keeps to the last one; the category moves on to what goes with it before it jumps.
SAME_LEAF, NEXT_LEAF, SAME_BRAND, SAME_STYLE, NEXT_VOLUME = 0.75, 0.17, 0.7, 0.6, 0.6
# How hard a wish binds, in nats: high enough that a wish is met whenever an unseen item can meet it.
LEAF_PULL, BRAND_PULL, STYLE_PULL = 8.0, 6.0, 4.0
_CELLS = 1_000_000  # users x items scored at once; bounds the memory


def walk(catalogue: Catalogue, users: int, events: tuple[int, int], rng: np.random.Generator) -> list[np.ndarray]:
    """The item indices of every user in order, no item twice; between `events[0]` and `events[1]` of them.

    Every user has a taste: two items that share their category or style. A wish for a category, a brand and a style
    comes from the last event, sometimes from the taste, seldom from anywhere; the item that answers it is drawn by
    popularity.
    """
    least, most = events
    if most > len(catalogue.leaf):
        raise ValueError(f"{most} different events of a user need at least as many items, got {len(catalogue.leaf)}")
    lengths = rng.integers(least, most + 1, users)
    block = max(1, _CELLS // len(catalogue.leaf))
    paths = [_walk_block(catalogue, min(block, users - start), int(most), rng) for start in range(0, users, block)]
    return [path[:length] for path, length in zip(np.concatenate(paths), lengths, strict=True)]


def _walk_block(catalogue: Catalogue, users: int, steps: int, rng: np.random.Generator) -> np.ndarray:
    """(users, steps) item indices."""
    log_popularity = np.log(catalogue.popularity)
    everyone = np.arange(users)
    seen = np.zeros((users, len(log_popularity)), dtype=bool)
    first = rng.choice(len(log_popularity), users, p=catalogue.popularity)
    kin = (catalogue.leaf == catalogue.leaf[first][:, None]) | (catalogue.style == catalogue.style[first][:, None])
    second = _draw(np.where(kin, log_popularity, -np.inf), rng)
    path = np.empty((users, steps), dtype=np.int32)
    path[:, 0] = first
    seen[everyone, first] = True
    for step in range(1, steps):
        last = path[:, step - 1]
        taste = np.where(rng.random(users) < 0.5, first, second)
        anything = rng.integers(0, len(log_popularity), users)
        leaf, brand, style = _wishes(catalogue, last, taste, anything, rng)
        scores = LEAF_PULL * (catalogue.leaf == leaf[:, None])
        scores += BRAND_PULL * (catalogue.brand == brand[:, None])
        scores += STYLE_PULL * (catalogue.style == style[:, None])
        scores += log_popularity
        scores[seen] = -np.inf
        chosen = _draw(scores, rng)
        volume = catalogue.next_volume[last]
        follows = (volume >= 0) & ~seen[everyone, volume] & (rng.random(users) < NEXT_VOLUME)
        path[:, step] = np.where(follows, volume, chosen)
        seen[everyone, path[:, step]] = True
    return path


def _wishes(catalogue: Catalogue, last, taste, anything, rng) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The category, brand and style every user wishes next; each (users,)."""
    chance = rng.random((3, len(last)))
    jump = np.where(rng.random((3, len(last))) < 0.6, taste, anything)
    leaf = np.select(
        [chance[0] < SAME_LEAF, chance[0] < SAME_LEAF + NEXT_LEAF],
        [catalogue.leaf[last], catalogue.next_leaf[catalogue.leaf[last]]],
        catalogue.leaf[jump[0]],
    )
    brand = np.where(chance[1] < SAME_BRAND, catalogue.brand[last], catalogue.brand[jump[1]])
    style = np.where(chance[2] < SAME_STYLE, catalogue.style[last], catalogue.style[jump[2]])
    return leaf, brand, style


def _draw(scores: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """One column per row, with probability softmax(scores) (Gumbel-max)."""
    return np.argmax(scores + rng.gumbel(size=scores.shape), axis=1)


def event_times(lengths: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Unix seconds of all events, user after user; they grow, but three in a hundred repeat the second before."""
    total, day = int(lengths.sum()), 86400
    gaps = 1 + (rng.lognormal(np.log(12 * day), 1.2, total)).astype(np.int64)
    gaps[rng.random(total) < 0.03] = 0
    starts = np.cumsum(lengths) - lengths
    gaps[starts] = rng.integers(1_356_998_400, 1_483_228_800, len(lengths))  # years 2013 to 2016
    times = np.cumsum(gaps)
    offset = times[starts] - gaps[starts]
    return times - np.repeat(offset, lengths)
