"""The texts of a dataset's items, rendered and tokenised once per design and tokenizer, then read from the disk.

The files are memory-mapped: a catalogue of any size costs the memory of the items that are looked at. They go with the
dataset, and of one dataset the few that were used last are kept.
"""

import json
import logging
import os
import shutil
import zlib
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

import numpy as np

from upsr_core.datasets.store import Dataset, derived_folder
from upsr_core.schema import digest_of
from upsr_core.storage.atomic import new_folder, write_json
from upsr_core.text.design import ItemDesign
from upsr_core.text.render import ItemTexts, tokenised
from upsr_core.text.tokenizer import TextTokenizer

KEPT = 8  # designs of one dataset
CHUNK = 1 << 22  # bytes
_ARRAYS = {"ids": np.int32, "owner": np.int8, "lengths": np.int32, "full_tokens": np.int32}
_TEXTS = "texts.arrow"
_LOG = logging.getLogger(__name__)


class StoredTexts(ItemTexts):
    """ItemTexts whose arrays and texts lie in the files of a folder; writing to an array changes no file."""

    def __init__(self, design: ItemDesign, tokenizer: TextTokenizer, folder: Path):
        arrays = (_mapped(folder / f"{name}.bin", dtype) for name, dtype in _ARRAYS.items())
        self._hold(design, tokenizer, _ArrowTexts(folder / _TEXTS), *arrays)


def _mapped(file: Path, dtype: type) -> np.ndarray:
    if not file.stat().st_size:
        return np.zeros(0, dtype)
    return np.asarray(np.memmap(file, dtype, mode="c"))


class _ArrowTexts(Sequence):
    """Texts in a memory-mapped Arrow file."""

    def __init__(self, file: Path):
        import pyarrow as pa

        self._column = pa.ipc.open_file(pa.memory_map(str(file))).read_all().column(0)

    def __len__(self) -> int:
        return len(self._column)

    def __getitem__(self, number):
        if isinstance(number, slice):
            return [self[place] for place in range(len(self))[number]]
        return self._column[int(number)].as_py()

    def __iter__(self) -> Iterator[str]:
        return (text for chunk in self._column.chunks for text in chunk.to_pylist())


def texts_of(dataset: Dataset, design: ItemDesign, tokenizer: TextTokenizer) -> ItemTexts:
    """All items of a dataset under a design; made and stored when first asked for, or when the files are damaged.

    Raises DesignError where the dataset lacks an attribute of the design.
    """
    design.check(dataset.attributes, dataset.name)
    folder = derived_folder(dataset.digest) / "texts" / digest_of([design.digest, tokenizer.digest])
    if not _is_whole(folder, dataset.n_items):
        _make(folder, dataset, design, tokenizer)
    with suppress(OSError):
        os.utime(folder)
    return StoredTexts(design, tokenizer, folder)


def _is_whole(folder: Path, items: int) -> bool:
    """Whether the texts are stored and have the check sums they were stored with."""
    if not folder.exists():
        return False
    try:
        record = json.loads((folder / "texts.json").read_text(encoding="utf-8"))
        whole = record["items"] == items and all(_sum(folder / name) == sum_ for name, sum_ in record["sums"].items())
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        whole = False
    if not whole:
        _LOG.warning("The stored texts in %s are damaged and are made again.", folder)
        shutil.rmtree(folder, ignore_errors=True)
    return whole


def _make(folder: Path, dataset: Dataset, design: ItemDesign, tokenizer: TextTokenizer) -> None:
    import pyarrow as pa

    folder.parent.mkdir(parents=True, exist_ok=True)
    temporary = new_folder(folder)
    try:
        schema = pa.schema([("text", pa.large_string())])
        with pa.ipc.new_file(temporary / _TEXTS, schema) as texts:
            for part in tokenised(design, dataset.items, tokenizer):
                texts.write(pa.record_batch([pa.array(part.texts, pa.large_string())], schema=schema))
                for name in _ARRAYS:
                    with (temporary / f"{name}.bin").open("ab") as file:
                        getattr(part, name).tofile(file)
        files = [_TEXTS, *(f"{name}.bin" for name in _ARRAYS)]
        record = {"items": dataset.n_items, "sums": {name: _sum(temporary / name) for name in files}}
        write_json(temporary / "texts.json", record)
        with suppress(OSError):  # another process has stored the same meanwhile
            temporary.rename(folder)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    _forget_old(folder.parent)


def _forget_old(parent: Path) -> None:
    stored = []
    for folder in parent.iterdir():
        with suppress(FileNotFoundError):  # another process has removed it meanwhile
            if folder.name[0] != ".":
                stored.append((folder.stat().st_mtime, folder))
    for _, folder in sorted(stored)[:-KEPT]:
        shutil.rmtree(folder, ignore_errors=True)


def _sum(file: Path) -> int:
    total = 0
    with file.open("rb") as data:
        while chunk := data.read(CHUNK):
            total = zlib.crc32(chunk, total)
    return total
