"""Stored texts are those that are made anew, are made again when damaged, and go with their dataset."""

import os

import numpy as np
import pytest

from upsr_core.datasets.importing import import_dataset
from upsr_core.datasets.sample import sample_files
from upsr_core.datasets.store import delete_dataset, derived_folder
from upsr_core.errors import DesignError
from upsr_core.plm.loading import load_tokenizer
from upsr_core.text import text_cache
from upsr_core.text.design import ItemDesign
from upsr_core.text.render import FLAT, ItemTexts
from upsr_core.text.text_cache import texts_of

touched = os.utime
TOKENIZER = load_tokenizer("embedded")
DESIGNS = [
    ItemDesign.of("category,title,brand"),
    ItemDesign.of("brand", cap=3),  # some items have no text
    ItemDesign.of("title,price", template="{title} for {price}", attribute_caps=(("title", 4),)),
]


def folders(data):
    return sorted(path.name for path in (derived_folder(data.digest) / "texts").iterdir())


def assert_same(found, made):
    for name in ("ids", "owner", "offsets", "full_tokens", "empty"):
        ours, theirs = getattr(found, name), getattr(made, name)
        assert ours.dtype == theirs.dtype
        np.testing.assert_array_equal(ours, theirs)
    assert list(found.texts) == made.texts
    assert found.texts[3] == made.texts[3]
    assert found.texts[2:5] == made.texts[2:5]
    assert found.item(7).text == made.item(7).text
    assert len(found) == len(made)


@pytest.mark.parametrize("design", DESIGNS)
def test_stored_texts_are_those_made_anew(movies, monkeypatch, design):
    monkeypatch.setattr("upsr_core.text.render.ITEMS_AT_ONCE", 50)
    made = texts_of(movies, design, TOKENIZER)
    monkeypatch.setattr(text_cache, "tokenised", None)  # the second time nothing is rendered
    for found in (made, texts_of(movies, design, TOKENIZER)):
        assert_same(found, ItemTexts(design, movies.items, TOKENIZER))


@pytest.mark.parametrize("name", ["sums.json", "texts.arrow", *(f"{name}.bin" for name in FLAT)])
def test_damaged_texts_are_made_again_and_that_is_said(movies, name, caplog):
    texts_of(movies, DESIGNS[0], TOKENIZER)
    (folder,) = folders(movies)
    file = derived_folder(movies.digest) / "texts" / folder / name
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 1
    for damage in (bytes(data), bytes(data[:-9]), b""):
        file.write_bytes(damage)
        caplog.clear()
        assert_same(texts_of(movies, DESIGNS[0], TOKENIZER), ItemTexts(DESIGNS[0], movies.items, TOKENIZER))
        assert "made again" in caplog.text


def test_writing_to_the_arrays_changes_no_file(movies):
    texts_of(movies, DESIGNS[0], TOKENIZER).ids[:] = 0
    assert texts_of(movies, DESIGNS[0], TOKENIZER).ids.any()


def test_those_used_last_are_kept_and_go_with_the_dataset(movies, monkeypatch):
    import_dataset("other", *sample_files("books"))
    monkeypatch.setattr(text_cache, "KEPT", 2)
    for number, design in enumerate((DESIGNS[0], DESIGNS[1], DESIGNS[0], DESIGNS[2])):
        monkeypatch.setattr(text_cache.os, "utime", lambda path, *_, at=number, **__: touched(path, (at, at)))
        texts_of(movies, design, TOKENIZER)
    assert len(folders(movies)) == 2
    monkeypatch.setattr(text_cache, "tokenised", None)
    texts_of(movies, DESIGNS[0], TOKENIZER)
    delete_dataset("other")
    assert len(folders(movies)) == 2
    delete_dataset(movies.name)
    assert not derived_folder(movies.digest).exists()


def test_an_attribute_that_is_not_there(movies):
    with pytest.raises(DesignError, match="no attribute plot"):
        texts_of(movies, ItemDesign.of("title,plot"), TOKENIZER)
    assert not derived_folder(movies.digest).exists()
