"""Writes the embedded sample: seven invented domains in the format of Amazon's 2018 files.

python -m workshop.sample.generator --out assets/sample --seed 7
"""

import argparse
import gzip
import json
from datetime import UTC, datetime
from pathlib import Path
from zlib import crc32

import numpy as np

from workshop.sample.behaviour import event_times, walk
from workshop.sample.catalogue import make_catalogue
from workshop.sample.recipe import DomainRecipe
from workshop.sample.rows import amazon_rows, identifiers
from workshop.sample.words import BOOKS, CLOTHING, MOVIES, SPORTS
from workshop.sample.words_new import ARTS, INSTRUMENTS, PANTRY

# users and items of every domain
SIZES = {
    BOOKS: (800, 420),
    CLOTHING: (800, 420),
    SPORTS: (800, 420),
    MOVIES: (800, 420),
    ARTS: (600, 340),
    INSTRUMENTS: (600, 340),
    PANTRY: (600, 340),
}
DOMAINS = tuple(SIZES)
POPULARITY_EXPONENT = 0.5
DUPLICATE_ROWS = 4
_SUMMARIES = {5: "Five Stars", 4: "Four Stars", 3: "Okay", 2: "Not for me", 1: "One Star"}


def generate(domain: DomainRecipe, users: int, items: int, seed: int) -> tuple[list[dict], list[dict]]:
    """Invent a domain.

    Args:
        domain: categories, words and habits; its `vocabulary_seed` decides the brands and the styles in fashion.
        users: how many; each has between `domain.events[0]` and `domain.events[1]` events, no item twice.
        items: how many different items; at least `domain.events[1]`. A few of their rows come twice.
        seed: decides everything else; the same arguments give the same rows.

    Returns:
        The rows of the metadata file and of the review file (ordered by time) with Amazon's 2018 field names.

    Raises:
        ValueError: fewer items than a user can have events.
    """
    rng = np.random.default_rng([seed, crc32(domain.name.encode())])
    catalogue = make_catalogue(domain, items, POPULARITY_EXPONENT, rng)
    paths = walk(catalogue, users, domain.events, rng)
    rows = amazon_rows(domain, catalogue, rng)
    return _repeat_some(rows, rng), _reviews(rows, paths, rng)


def _repeat_some(rows: list[dict], rng: np.random.Generator) -> list[dict]:
    """The rows in any order, a few of them a second time at the end, one of those without its price."""
    shuffled = [rows[i] for i in rng.permutation(len(rows))]
    repeated = [dict(row) for row in shuffled[:DUPLICATE_ROWS]]
    repeated[0]["price"] = ""
    return shuffled + repeated


def _reviews(rows: list[dict], paths: list[np.ndarray], rng: np.random.Generator) -> list[dict]:
    lengths = np.array([len(path) for path in paths])
    times = event_times(lengths, rng)
    names = np.repeat(identifiers(len(paths), "A", 13, rng), lengths)
    ratings = rng.choice([5, 4, 3, 2, 1], len(times), p=[0.58, 0.24, 0.1, 0.05, 0.03])
    chosen = np.concatenate(paths)
    order = np.argsort(times, kind="stable")  # events of one second keep a user's order
    return [
        {
            "overall": float(ratings[i]),
            "verified": True,
            "reviewTime": datetime.fromtimestamp(times[i], UTC).strftime("%m %d, %Y"),
            "reviewerID": str(names[i]),
            "asin": rows[chosen[i]]["asin"],
            "reviewerName": "",
            "reviewText": "",
            "summary": _SUMMARIES[int(ratings[i])],
            "unixReviewTime": int(times[i]),
        }
        for i in order
    ]


def write(out: Path, seed: int) -> None:
    """Write `meta_<domain>.json.gz` and `<domain>_5.json.gz` of every domain; the same seed writes the same bytes."""
    out.mkdir(parents=True, exist_ok=True)
    for domain, (users, items) in SIZES.items():
        write_domain(out, domain, users, items, seed)


def write_domain(out: Path, domain: DomainRecipe, users: int, items: int, seed: int) -> tuple[Path, Path]:
    """Write one domain; returns the metadata file and the review file."""
    rows, reviews = generate(domain, users, items, seed)
    files = out / f"meta_{domain.name}.json.gz", out / f"{domain.name}_5.json.gz"
    _write_lines(files[0], rows)
    _write_lines(files[1], reviews)
    return files


def _write_lines(path: Path, rows: list[dict]) -> None:
    """JSON lines, compressed without name and time so that the bytes depend on the rows alone."""
    text = "".join(json.dumps(row) + "\n" for row in rows)
    path.write_bytes(gzip.compress(text.encode(), compresslevel=9, mtime=0))


def main() -> None:
    parser = argparse.ArgumentParser(description="Write the embedded sample.")
    parser.add_argument("--out", type=Path, required=True, help="folder for the files")
    parser.add_argument("--seed", type=int, required=True, help="the shipped sample has seed 7")
    arguments = parser.parse_args()
    write(arguments.out, arguments.seed)


if __name__ == "__main__":
    main()
