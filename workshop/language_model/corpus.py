"""The corpora of the embedded language model as paragraphs, and paragraphs as one array of tokens, cached as a file."""

import re
import tarfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from string import capwords

import numpy as np

from upsr_core.errors import DataError
from upsr_core.storage.arrays import keep_arrays, kept_arrays

HELD_OUT_BOOKS = 4  # the last books in name order are never trained on


@dataclass(frozen=True)
class Corpus:
    """Paragraphs in their order, where they come from and under which licence."""

    name: str
    licence: str
    paragraphs: list[str]


def read_books(archive: Path) -> tuple[Corpus, Corpus]:
    """(training books, held-out books) from the `.txt` files of a tar archive; hard line breaks are joined."""
    if not archive.is_file():
        raise DataError("The corpus of books was not found", str(archive), "Give the path of a tar of .txt files.")
    with tarfile.open(archive) as tar:
        members = sorted((m for m in tar.getmembers() if m.isfile() and m.name.endswith(".txt")), key=lambda m: m.name)
        files = [file for member in members if (file := tar.extractfile(member))]
        texts = [file.read().decode("utf-8", "replace") for file in files]
    books = [[" ".join(part.split()) for part in text.split("\n\n") if part.strip()] for text in texts]
    return _of_books(books[:-HELD_OUT_BOOKS]), _of_books(books[-HELD_OUT_BOOKS:])


def _of_books(books: list[list[str]]) -> Corpus:
    return Corpus(f"{len(books)} English books", "public domain", [line for book in books for line in book])


def read_descriptions(file: Path) -> tuple[Corpus, Corpus]:
    """(the long descriptions of Debian's packages, each distinct paragraph once; their titles in a shop's case)."""
    paragraphs: dict[str, None] = {}
    titles: dict[str, None] = {}
    for stanza in _read(file).split("\n\n"):
        found = re.search(r"^Package: (\S+).*?^Description-en: (.*)", stanza, re.MULTILINE | re.DOTALL)
        if not found:
            continue
        title, *lines = found[2].split("\n")
        titles[capwords(f"{found[1].replace('-', ' ')} {title}")] = None
        body = "\n".join(line[1:] for line in lines)  # a lone dot stands for an empty line
        for number, part in enumerate(re.split(r"^\.$", body, flags=re.MULTILINE)):
            text = " ".join(re.sub(r"^\s*[*-]\s", " ", part, flags=re.MULTILINE).split())
            if text:
                paragraphs[f"{title}. {text}" if number == 0 else text] = None
    licence = "each package's own free licence"
    return (
        Corpus("descriptions of the packages of Debian 12", licence, list(paragraphs)),
        Corpus("names and titles of the packages of Debian 12, every word capitalised", licence, list(titles)),
    )


def read_glosses(file: Path) -> Corpus:
    """WordNet's entries as `word, word: definition`, in the order of the file."""
    paragraphs = []
    for fields, gloss in gloss_lines(file):
        words = (word.split("(")[0].replace("_", " ") for word in fields[4 : 4 + 2 * int(fields[3], 16) : 2])
        paragraphs.append(f"{', '.join(words)}: {gloss}")
    return Corpus("definitions of WordNet 3.0", "WordNet licence", paragraphs)


def gloss_lines(file: Path) -> Iterator[tuple[list[str], str]]:
    """(fields, definition) of every entry, as wndb(5WN) describes them."""
    for line in _read(file).split("\n"):
        if line[:1].isdigit():
            head, gloss = line.split(" | ", 1)
            yield head.split(), gloss.strip()


def _read(file: Path) -> str:
    if not file.is_file():
        how = "workshop/language_model/debian-corpus.sh FOLDER writes it."
        raise DataError("A corpus was not found", str(file), how)
    return file.read_text(encoding="utf-8", errors="replace")


@dataclass(frozen=True)
class Stream:
    """Paragraphs as one array of tokens `ids` (n_tokens,) uint16; paragraph `i` begins at `starts[i]`."""

    ids: np.ndarray
    starts: np.ndarray


def stream_of(paragraphs: Iterable[str], tokenizer, cache: Path) -> Stream:
    """Tokenise paragraphs; stored at `cache` (.npz) and read from there the next time."""
    kept = kept_arrays(cache, "ids", "starts")
    if kept is None:
        encodings = tokenizer.encode_batch(list(paragraphs), add_special_tokens=False)
        lengths = np.array([len(encoding.ids) for encoding in encodings])
        ids = np.concatenate([np.array(encoding.ids, dtype=np.uint16) for encoding in encodings])
        kept = {"ids": ids, "starts": np.cumsum(lengths) - lengths}
        keep_arrays(cache, **kept)
    return Stream(**kept)
