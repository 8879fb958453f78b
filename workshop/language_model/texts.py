"""What the embedded language model is trained on and held to: corpora, and text that the project generates."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from workshop.language_model.corpus import Corpus, read_books, read_descriptions, read_glosses
from workshop.language_model.generated_listings import ListingWriter, book_vocabulary
from workshop.language_model.wordnet_goods import read_goods, read_qualities

LISTINGS = 15_000  # whose entries, each a paragraph of its own, are a corpus beside the others


@dataclass(frozen=True)
class Library:
    """Training corpora, held-out books, and the writer of listings."""

    corpora: list[Corpus]
    held_out: Corpus
    writer: ListingWriter


def read_library(books: Path, debian: Path, count: int = LISTINGS) -> Library:
    """The corpora from an archive of books and from the folder that workshop/language_model/debian-corpus.sh writes."""
    training, held_out = read_books(books)
    glosses = debian / "wordnet.txt"
    writer = ListingWriter(
        book_vocabulary(training.paragraphs), read_goods(glosses), read_qualities(glosses, training.paragraphs)
    )
    corpora = [training, *read_descriptions(debian / "descriptions.txt"), read_glosses(glosses)]
    return Library([*corpora, listings(writer, count)], held_out, writer)


def listings(writer: ListingWriter, count: int, seed: int = 0) -> Corpus:
    """The entries of generated listings, one by one."""
    rng = np.random.default_rng([seed, count])
    entries = [entry for _ in range(count) for entry in writer.write(rng)[1]]
    return Corpus("generated listings: made-up things as shops describe them", "our own", entries)
