"""Records of older formats open, newer ones say so, and no damage passes for what was stored."""

import json

import numpy as np
import pytest

from upsr_core.datasets.importing import import_dataset
from upsr_core.datasets.sample import sample_files
from upsr_core.datasets.spec import PreparationSpec
from upsr_core.datasets.store import list_datasets, load_dataset
from upsr_core.errors import DataError, DesignError
from upsr_core.schema import digest_of
from upsr_core.storage.arrays import arrays_problem, keep_arrays, kept_arrays
from upsr_core.storage.atomic import leftover_of, replacing, write_json
from upsr_core.storage.records import (
    FORMATS,
    Damaged,
    Newer,
    check_folder,
    newest,
    read_record,
    seal_folder,
    write_record,
)
from upsr_core.text import saved_designs
from upsr_core.text.design import parse_design


@pytest.fixture
def pantry(home):
    return import_dataset("pantry", *sample_files("pantry"), preparation=PreparationSpec.new_domain())


def age(file, number, bare=None):
    """Rewrite a record as an earlier format wrote it: without seal and sums, `bare` for a value that was all of it."""
    record = json.loads(file.read_text())
    value = record[bare] if bare else {k: v for k, v in record.items() if k not in ("format", "seal", "files")}
    write_json(file, value if number == 0 else {"format": number, **value})


def flipped(content: bytes, place: int, bit: int) -> bytes:
    return content[:place] + bytes([content[place] ^ (1 << bit)]) + content[place + 1 :]


def test_every_kind_reads_its_older_formats_and_refuses_newer_ones(tmp_path):
    for kind, steps in FORMATS.items():
        file = tmp_path / f"{kind}.json"
        for number in steps:
            value = {"any": "value"}
            write_json(file, value if number == 0 else {"format": number, **value})
            record = read_record(file, kind)
            assert record["files"] == {} and "format" not in record
            assert value in (record, {"any": record.get("any")}, *record.values()) or kind == "folder"
        write_record(file, kind, {"any": 1.5})
        assert read_record(file, kind) == {"any": 1.5, "files": {}}
        newer = {"format": newest(kind) + 1, "any": 1}
        write_json(file, {**newer, "seal": digest_of(newer)})
        with pytest.raises(Newer, match="made by a newer version"):
            read_record(file, kind)


def test_a_dataset_of_the_format_before_opens_and_one_of_a_newer_version_says_so(pantry):
    record = pantry.folder / "dataset.json"
    age(record, 1)
    again = load_dataset("pantry")
    assert (again.digest, again.spec, again.report) == (pantry.digest, pantry.spec, pantry.report)
    np.testing.assert_array_equal(again.sequence, pantry.sequence)
    assert [entry["problem"] for entry in list_datasets()] == [""]
    newer = {**json.loads(record.read_text()), "format": 3}
    write_json(record, {**newer, "seal": digest_of(newer)})
    with pytest.raises(DataError, match="newer version"):
        load_dataset("pantry")
    assert "newer version" in list_datasets()[0]["problem"]


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


def test_designs_of_the_format_before_open_and_damaged_ones_are_named(home):
    saved_designs.save_design("mine", parse_design("category,title"))
    [file] = (home / "designs").iterdir()
    age(file, 0, "design")
    assert saved_designs.load_design("mine") == parse_design("category,title")
    saved_designs.save_design("mine", parse_design("category,title"))
    file.write_text(file.read_text().replace("category", "cabegory"))
    with pytest.raises(DesignError, match="seal"):
        saved_designs.load_design("mine")


def test_damaged_arrays_are_made_again_and_older_ones_are_read(tmp_path):
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
    np.save(file.with_suffix(".npy"), numbers)  # as before there were checksums
    np.testing.assert_array_equal(kept_arrays(file, "numbers")["numbers"], numbers)


def test_a_sealed_folder_is_whole_or_not(tmp_path):
    (tmp_path / "weights").write_bytes(b"1" * 100)
    with pytest.raises(FileNotFoundError):
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
