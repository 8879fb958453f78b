"""The corpus of the embedded language model: public-domain books as one array of tokens, cached as a file."""

import tarfile
from pathlib import Path

import numpy as np

from upsr_core.errors import DataError


def read_books(archive: Path) -> list[str]:
    """The text of every `.txt` in a tar archive, in name order, hard line breaks joined within paragraphs."""
    if not archive.is_file():
        raise DataError("The corpus of books was not found", str(archive), "Give the path of a tar of .txt files.")
    with tarfile.open(archive) as tar:
        members = sorted((m for m in tar.getmembers() if m.isfile() and m.name.endswith(".txt")), key=lambda m: m.name)
        texts = [tar.extractfile(member).read().decode("utf-8", "replace") for member in members]
    return ["\n".join(" ".join(part.split()) for part in text.split("\n\n") if part.strip()) for text in texts]


def tokens_of(texts: list[str], tokenizer, cache: Path) -> np.ndarray:
    """All texts as one array (n_tokens,) of uint16 ids, each book closed by id 1; stored at `cache` (.npy)."""
    if not cache.exists():
        ids: list[np.ndarray] = []
        for text in texts:
            for encoding in tokenizer.encode_batch(text.split("\n"), add_special_tokens=False):
                ids.append(np.array(encoding.ids, dtype=np.uint16))
            ids.append(np.array([1], dtype=np.uint16))
        np.save(cache, np.concatenate(ids))
    return np.load(cache, mmap_mode="r")
