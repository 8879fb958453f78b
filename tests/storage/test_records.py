"""Records of earlier formats are migrated, newer ones say so, and no damage passes for what was stored."""

import json
from itertools import pairwise

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from upsr_core.datasets.importing import import_dataset
from upsr_core.datasets.sample import sample_files
from upsr_core.datasets.spec import PreparationSpec
from upsr_core.datasets.store import list_datasets, load_dataset
from upsr_core.errors import DataError, DesignError
from upsr_core.schema import digest_of
from upsr_core.storage import tables
from upsr_core.storage.arrays import arrays_problem, keep_arrays, kept_arrays
from upsr_core.storage.atomic import leftover_of, replacing, write_json
from upsr_core.storage.folders import filling, new_sealed_folder
from upsr_core.storage.records import (
    FORMATS,
    Damaged,
    Newer,
    check_file,
    check_folder,
    check_folder_once,
    newest,
    read_record,
    seal_folder,
    write_record,
)
from upsr_core.storage.tables import keep_parts, keep_table, outline, read_table
from upsr_core.text import saved_designs
from upsr_core.text.design import parse_design


@pytest.fixture
def pantry(home):
    return import_dataset("pantry", *sample_files("pantry"), preparation=PreparationSpec.new_domain())


def resealed(file, **changes):
    """Write a record with changed fields and a seal that is right; what is changed to None goes."""
    record = json.loads(file.read_text()) | changes
    record = {key: value for key, value in record.items() if key != "seal" and value is not None}
    write_json(file, {**record, "seal": digest_of(record)})


def flipped(content: bytes, place: int, bit: int) -> bytes:
    return content[:place] + bytes([content[place] ^ (1 << bit)]) + content[place + 1 :]


@pytest.mark.parametrize("kind", FORMATS)
def test_a_record_of_every_kind_is_read_as_it_was_written(tmp_path, kind):
    file = tmp_path / "record.json"
    (tmp_path / "beside").write_bytes(b"1")
    write_record(file, kind, {"any": 1.5}, ["beside"])
    record = read_record(file, kind)
    assert record.keys() == {"any", "files"} and record["any"] == 1.5
    assert check_file(record, tmp_path / "beside") == tmp_path / "beside"
    with pytest.raises(Damaged, match="another kind"):
        read_record(file, next(other for other in FORMATS if other != kind))
    resealed(file, format=newest(kind) + 1)
    with pytest.raises(Newer, match="made by a newer version"):
        read_record(file, kind)


def test_a_record_of_an_earlier_format_is_migrated_step_by_step(tmp_path, monkeypatch):
    first, second = tmp_path / "first.json", tmp_path / "second.json"
    monkeypatch.setitem(FORMATS, "shelf", ())
    write_record(first, "shelf", {"books": "a, b"})
    monkeypatch.setitem(FORMATS, "shelf", (lambda record: record | {"books": record["books"].split(", ")},))
    write_record(second, "shelf", {"books": ["a", "b"]})
    assert read_record(first, "shelf") == read_record(second, "shelf") == {"books": ["a", "b"], "files": {}}

    def counted(record):
        return record | {"count": len(record["books"])}

    monkeypatch.setitem(FORMATS, "shelf", (*FORMATS["shelf"], counted))
    for file in (first, second):
        assert read_record(file, "shelf") == {"books": ["a", "b"], "count": 2, "files": {}}
    monkeypatch.setitem(FORMATS, "shelf", ())
    read_record(first, "shelf")
    with pytest.raises(Newer, match=r"second.json has format 2.* reads up to 1"):
        read_record(second, "shelf")


@pytest.mark.parametrize("lost", ["record", "format", "seal"])
def test_what_was_stored_before_the_first_release_is_told_what_to_do_about(pantry, lost):
    file = pantry.folder / "dataset.json"
    if lost == "seal":
        write_json(file, {key: value for key, value in json.loads(file.read_text()).items() if key != lost})
    else:
        resealed(file, **{lost: None})
    with pytest.raises(DataError, match="made before the first release: import the data again"):
        load_dataset("pantry")
    assert "before the first release" in list_datasets()[0]["problem"]


def test_a_dataset_of_a_newer_version_says_so(pantry):
    resealed(pantry.folder / "dataset.json", format=2)
    with pytest.raises(DataError, match="newer version"):
        load_dataset("pantry")
    assert "newer version" in list_datasets()[0]["problem"]


def test_no_file_is_read_without_its_sum(tmp_path):
    file, table = tmp_path / "a.parquet", pd.DataFrame({"x": [1, 2]})
    keep_table(file, table)
    record = tmp_path / "record.json"
    write_record(record, "result", {}, [file.name])
    pd.testing.assert_frame_equal(read_table(file, read_record(record, "result")), table)
    assert outline(file) == (2, ("x",))
    write_record(record, "result", {})
    with pytest.raises(Damaged, match="no sum of it"):
        read_table(file, read_record(record, "result"))


def test_no_flipped_bit_of_a_dataset_passes(pantry):
    rng = np.random.default_rng(7)
    for file in sorted(pantry.folder.iterdir()):
        whole = file.read_bytes()
        for place in rng.integers(len(whole), size=8):
            file.write_bytes(flipped(whole, int(place), int(rng.integers(8))))
            try:
                again = load_dataset("pantry")
                assert len(again.items) == pantry.n_items
            except DataError as error:
                assert "damaged" in str(error) and file.name in str(error) and "Import it again" in error.how
            else:  # only white space between two values of a record may differ
                assert file.suffix == ".json" and again.spec == pantry.spec and again.report == pantry.report
        file.write_bytes(whole[: len(whole) // 2])
        with pytest.raises(DataError, match="damaged"):
            _ = load_dataset("pantry").items
        file.unlink()
        with pytest.raises(DataError, match="damaged"):
            _ = load_dataset("pantry").items
        file.write_bytes(whole)
    assert load_dataset("pantry").report == pantry.report


def test_a_damaged_design_is_named(home):
    saved_designs.save_design("mine", parse_design("category,title"))
    [file] = (home / "designs").iterdir()
    file.write_text(file.read_text().replace("category", "cabegory"))
    with pytest.raises(DesignError, match="seal"):
        saved_designs.load_design("mine")


def test_damaged_arrays_are_made_again(tmp_path):
    file, numbers = tmp_path / "made" / "a.npz", np.arange(1000)
    keep_arrays(file, numbers=numbers)
    np.testing.assert_array_equal(kept_arrays(file, "numbers")["numbers"], numbers)
    whole, rng = file.read_bytes(), np.random.default_rng(3)
    for place in rng.integers(len(whole), size=60):
        file.write_bytes(flipped(whole, int(place), int(rng.integers(8))))
        found = kept_arrays(file, "numbers")
        assert found is None or (found["numbers"] == numbers).all()
    file.write_bytes(whole[:-200])
    assert kept_arrays(file, "numbers") is None and "damaged" in arrays_problem(file)
    file.unlink()
    assert kept_arrays(file, "numbers") is None


def test_a_sealed_folder_is_whole_or_not(tmp_path):
    with pytest.raises(FileNotFoundError):
        check_folder(tmp_path / "nowhere")
    (tmp_path / "weights").write_bytes(b"1" * 100)
    with pytest.raises(Damaged, match="not finished"):
        check_folder(tmp_path)
    seal_folder(tmp_path)
    check_folder(tmp_path)
    (tmp_path / "weights").write_bytes(b"1" * 99 + b"2")
    with pytest.raises(Damaged, match="weights"):
        check_folder(tmp_path)


def test_replacing_leaves_the_old_file_or_the_new_one(tmp_path):
    file = tmp_path / "a.json"
    file.write_text("old")
    with pytest.raises(RuntimeError), replacing(file) as temporary:
        temporary.write_text("half")
        assert leftover_of(temporary.name) is not None
        raise RuntimeError
    assert file.read_text() == "old" and list(tmp_path.iterdir()) == [file]


def test_a_folder_looked_at_once_is_read_again_when_it_changed(tmp_path, monkeypatch):
    (tmp_path / "weights").write_bytes(b"1" * 100)
    seal_folder(tmp_path)
    check_folder_once(tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr("upsr_core.storage.records.sum_of", None)  # reading would fail
        check_folder_once(tmp_path)
    (tmp_path / "weights").write_bytes(b"1" * 99 + b"2")
    for _ in range(2):
        with pytest.raises(Damaged, match="weights"):
            check_folder_once(tmp_path)


def test_a_filled_folder_takes_its_place_whole_and_a_failed_one_leaves_nothing(tmp_path):
    place = tmp_path / "there" / "place"
    with pytest.raises(RuntimeError), filling(place) as temporary:
        (temporary / "a").write_text("half")
        raise RuntimeError
    assert not list(place.parent.iterdir())
    for content in ("first", "second"):  # what is there stays: it is the same
        with filling(place) as temporary:
            (temporary / "a").write_text(content)
    assert (place / "a").read_text() == "first" and list(place.parent.iterdir()) == [place]


def test_a_table_in_parts_is_the_table(tmp_path, monkeypatch):
    monkeypatch.setattr(tables, "ROWS_PER_GROUP", 10)
    whole, told = pa.table({"x": list(range(25)), "text": [str(n) for n in range(25)]}), []
    cuts = [0, 0, 4, 9, 21, 25]
    parts = [whole.slice(start, end - start) for start, end in pairwise(cuts)]
    file = tmp_path / "a.parquet"
    assert keep_parts(file, parts, lambda _, __, what: told.append(what)) == 25
    pd.testing.assert_frame_equal(pd.read_parquet(file), whole.to_pandas())
    assert told == ["Storing: 21 rows", "Storing: 25 rows"]


def test_a_sealed_folder_takes_the_place_of_another_and_sweeps_what_a_kill_left(tmp_path):
    place, left = tmp_path / "model", tmp_path / ".model.4194303.0123abcd~"  # of a process that cannot be
    left.mkdir()
    for content in ("first", "second"):
        with new_sealed_folder(place) as temporary:
            (temporary / "weights").write_text(content)
    check_folder(place)
    with pytest.raises(RuntimeError), new_sealed_folder(place) as temporary:
        (temporary / "weights").write_text("half")
        raise RuntimeError
    assert (place / "weights").read_text() == "second" and list(tmp_path.iterdir()) == [place]
