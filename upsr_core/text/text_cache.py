"""The texts of a dataset's items, rendered and tokenised once per design and tokenizer, then read from the disk.

The files are memory-mapped: a catalogue of any size costs the memory of the items that are looked at. They go with the
dataset, and of one dataset the few that were used last are kept.
"""

import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import overload

import numpy as np

from upsr_core.datasets.store import Dataset, derived_folder
from upsr_core.logs import warn
from upsr_core.schema import digest_of
from upsr_core.storage.folders import filling
from upsr_core.storage.records import check_folder_once, seal_folder
from upsr_core.text.design import ItemDesign
from upsr_core.text.render import ItemTexts, tokenised
from upsr_core.text.tokenizer import TextTokenizer

KEPT = 8  # designs of one dataset
# By name, in the order of `render.FLAT`.
_ARRAYS = {
    "ids": np.int32, "owner": np.int8, "of_value": np.bool_, "lengths": np.int32, "full_tokens": np.int32,
    "value_tokens": np.int32,
}  # fmt: skip
_TEXTS = "texts.arrow"


class StoredTexts(ItemTexts):
    """ItemTexts whose arrays and texts lie in the files of a folder; writing to an array changes no file."""

    def __init__(self, design: ItemDesign, tokenizer: TextTokenizer, folder: Path):
        arrays = (_mapped(folder / f"{name}.bin", dtype) for name, dtype in _ARRAYS.items())
        self._hold(design, tokenizer, _ArrowTexts(folder / _TEXTS), *arrays)


def _mapped(file: Path, dtype: type) -> np.ndarray:
    if not file.stat().st_size:
        return np.zeros(0, dtype)
    return np.asarray(np.memmap(file, dtype, mode="c"))


class _ArrowTexts(Sequence[str]):
    """Texts in a memory-mapped Arrow file."""

    def __init__(self, file: Path):
        import pyarrow as pa

        self._column = pa.ipc.open_file(pa.memory_map(str(file))).read_all().column(0)

    def __len__(self) -> int:
        return len(self._column)

    @overload
    def __getitem__(self, number: int) -> str: ...

    @overload
    def __getitem__(self, number: slice) -> list[str]: ...

    def __getitem__(self, number: int | slice) -> str | list[str]:
        if isinstance(number, slice):
            return [self[place] for place in range(len(self))[number]]
        return self._column[int(number)].as_py()

    def __iter__(self) -> Iterator[str]:
        return (text for chunk in self._column.chunks for text in chunk.to_pylist())


def texts_of(dataset: Dataset, design: ItemDesign, tokenizer: TextTokenizer) -> ItemTexts:
    """All items of a dataset under a design; made and stored when first asked for, or when the files are damaged.

    Returns
    -------
    ItemTexts
        Its arrays are mapped from the disk; writing to them changes no file.

    Raises
    ------
    DesignError
        The dataset lacks an attribute of the design.
    """
    design.check(dataset.attributes, dataset.name)
    folder = derived_folder(dataset.digest) / "texts" / digest_of([design.digest, tokenizer.digest, *_ARRAYS])
    if not _is_whole(folder):
        _make(folder, dataset, design, tokenizer)
    with suppress(OSError):
        os.utime(folder)
    return StoredTexts(design, tokenizer, folder)


def _is_whole(folder: Path) -> bool:
    """Whether the texts are stored as they were made; what is left of damaged ones is removed."""
    try:
        check_folder_once(folder)
    except FileNotFoundError:
        return False
    except (OSError, ValueError) as error:
        warn(f"texts of items {folder.name}: {error}; made again")
        shutil.rmtree(folder, ignore_errors=True)
        return False
    return True


def _make(folder: Path, dataset: Dataset, design: ItemDesign, tokenizer: TextTokenizer) -> None:
    import pyarrow as pa

    with filling(folder) as temporary:
        schema = pa.schema([("text", pa.large_string())])
        with pa.ipc.new_file(temporary / _TEXTS, schema) as texts:
            for part in tokenised(design, dataset.items, tokenizer):
                texts.write(pa.record_batch([pa.array(part.texts, pa.large_string())], schema=schema))
                for name in _ARRAYS:
                    with (temporary / f"{name}.bin").open("ab") as file:
                        getattr(part, name).tofile(file)
        seal_folder(temporary)
    _forget_old(folder.parent)


def _forget_old(parent: Path) -> None:
    stored = []
    for folder in parent.iterdir():
        with suppress(FileNotFoundError):  # another process has removed it meanwhile
            if folder.name[0] != ".":
                stored.append((folder.stat().st_mtime, folder))
    for _, folder in sorted(stored)[:-KEPT]:
        shutil.rmtree(folder, ignore_errors=True)
