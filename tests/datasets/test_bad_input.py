"""A bad file is mended and counted, or gives one clear error; what was stored stays as it was."""

import gzip
import json
import os
import random

import pytest
from source_files import EVENTS, ITEMS, write_json_lines, write_lines, write_table

from upsr_core.datasets import importing, store
from upsr_core.datasets.importing import import_dataset
from upsr_core.datasets.recognition import guess
from upsr_core.datasets.spec import ColumnMapping, PreparationSpec
from upsr_core.datasets.store import list_datasets, load_dataset
from upsr_core.errors import DataError, StorageError
from upsr_core.runtime import Cancelled
from upsr_core.storage.folders import REPLACED

ALL = PreparationSpec(min_user=1, min_item=1)


@pytest.fixture
def stored(items_file, events_file):
    """A dataset "d" that no failed import may touch."""
    return import_dataset("d", items_file, events_file)


def refused(stored, what, items, events, **options):
    """The error of an import that must fail without leaving a trace."""
    before = {path.name: path.read_bytes() for path in stored.folder.iterdir()}
    with pytest.raises(DataError, match=what) as caught:
        import_dataset("d", items, events, **options)
    assert {path.name: path.read_bytes() for path in stored.folder.iterdir()} == before
    assert sorted(path.name for path in stored.folder.parent.iterdir()) == [".lock", "d"]
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_damaged_gz(stored, tmp_path, items_file):
    noise = random.Random(0)
    events = [(user, item, time, noise.random()) for user, item, time in EVENTS * 500]
    path = write_table(tmp_path / "e.tsv.gz", events, ("user_id", "item_id", "timestamp", "noise"))
    whole = path.read_bytes()
    for damaged in (whole[: len(whole) // 2], whole[:-4] + b"\0\0\0\0", whole[:2000] + b"\xff" * 50 + whole[2050:]):
        path.write_bytes(damaged)
        message = refused(stored, "damaged or incomplete", items_file, path)
        assert "e.tsv.gz, after line" in message
        assert "Download" in message


def test_wrong_column(stored, items_file, events_file):
    wrong = ColumnMapping(user_id="reviewer", item_id="item_id")
    message = refused(stored, "no column 'reviewer'", items_file, events_file, event_mapping=wrong)
    assert "user_id, item_id, timestamp" in message
    wrong = ColumnMapping(item_id="item_id", attributes=(("title", "name"),))
    message = refused(stored, "'name'", items_file, events_file, item_mapping=wrong)
    assert "title, category, brand, year" in message


@pytest.mark.parametrize(
    "content", [b"", b"\n\n \n", gzip.compress(b"", mtime=0), b"user_id\titem_id\ttimestamp\n", b'{"a": \n']
)
def test_nothing_to_read(stored, tmp_path, items_file, content):
    path = tmp_path / "empty.tsv"
    path.write_bytes(content)
    refused(stored, "empty|blank|no text|no rows|No line", items_file, path)
    refused(stored, "empty|blank|no text|no rows|No line", path, items_file)


def test_one_user_only(stored, items_file, tmp_path):
    events = write_table(tmp_path / "one.tsv", [row for row in EVENTS if row[0] == "u0"])
    message = refused(stored, "Nothing is left", items_file, events)
    assert "--min-item" in message
    assert "the most frequent item 1" in message
    assert len(import_dataset("one", items_file, events, preparation=ALL).users) == 1


def test_field_of_20_megabytes(tmp_path, events_file):
    long = "word <!-- " * 2_000_000
    rows = [{**row, "description": long if row["item_id"] == "i0" else "short"} for row in ITEMS]
    dataset = import_dataset("json", write_json_lines(tmp_path / "items.jsonl", rows), events_file)
    assert dataset.report["mends"]["description"]["cut"] == 1
    assert len(dataset.items.description[0]) < 25_000
    rows = [(row["item_id"], "x" * 20_000_000 if row["item_id"] == "i0" else "short") for row in ITEMS]
    dataset = import_dataset("csv", write_table(tmp_path / "i.csv", rows, ("item_id", "title"), ","), events_file)
    assert dataset.report["mends"]["title"] == {"cut": 1}
    assert len(dataset.items.title[0]) == 20_000


def test_invalid_utf8_is_replaced_and_counted(tmp_path, items_file, events_file):
    lines = items_file.read_bytes().splitlines(keepends=True)
    lines[3] = lines[3].replace(b"Title 3", "Bébé ".encode() + b"Caf\xe9")
    items_file.write_bytes(b"".join(lines))
    dataset = import_dataset("d", items_file, events_file)
    assert dataset.items.title[3] == "Bébé Caf\ufffd"
    assert "1 lines with invalid UTF-8, the bad bytes replaced (lines 4)" in dataset.report["steps"][1]["note"]


def test_a_table_in_the_code_page_of_a_spreadsheet_is_read_as_such(tmp_path, events_file):
    """Saved by a spreadsheet in western Europe: header and texts in Windows-1252."""
    rows = [(row["item_id"], f"Façade nº {row['item_id']} €") for row in ITEMS]
    file = write_table(tmp_path / "produits.csv", rows, ("item_id", "libellé"), ";")
    file.write_bytes(file.read_text(encoding="utf-8").encode("cp1252"))
    guessed = guess(file)
    assert "libellé" in guessed.columns and "not UTF-8, read as Windows-1252" in guessed.note
    mapping = guessed.mapping.changed([("title", "libellé")])
    dataset = import_dataset("d", file, events_file, item_mapping=mapping)
    assert dataset.items.title[0] == "Façade nº i0 €"
    assert "read as Windows-1252" in dataset.report["steps"][1]["note"]


def test_half_a_surrogate_pair_in_json(tmp_path, items_file, events_file):
    write_json_lines(items_file, [{**row, "title": "broken \ud83d emoji"} for row in ITEMS])
    assert import_dataset("d", items_file, events_file).items.title[0] == "broken emoji"


@pytest.mark.parametrize(
    ("start", "name"),
    [(b"\x7fELF\x00\x01", "binary"), (b"PK\x03\x04", "zip archive or an Excel"), (b"\xff\xfeu\x00", "UTF-16")],
)
def test_binary_files(stored, tmp_path, items_file, start, name):
    path = tmp_path / "b.csv"
    for content in (start + bytes(range(256)), gzip.compress(start + bytes(range(256)))):
        path.write_bytes(content)
        refused(stored, name, items_file, path)


def test_damaged_parquet(stored, tmp_path, items_file):
    path = tmp_path / "e.parquet"
    path.write_bytes(b"PAR1 is how a Parquet file begins")
    refused(stored, "Parquet file is damaged", items_file, path)


def test_items_and_events_swapped(stored, items_file, events_file):
    message = refused(stored, "swapped", events_file, items_file)
    assert "interactions.tsv holds events, items.jsonl holds items" in message


def test_files_that_do_not_belong_together(stored, tmp_path, items_file):
    events = write_table(tmp_path / "e.tsv", [(user, f"x{item}", time) for user, item, time in EVENTS])
    message = refused(stored, "No event names an item", items_file, events)
    assert "xi0" in message
    assert "i0, i1, i2" in message


def test_missing_file_and_folder(stored, tmp_path, items_file):
    assert "nowhere.tsv" in refused(stored, "no such file", items_file, tmp_path / "nowhere.tsv")
    refused(stored, "folder was given", items_file, tmp_path)
    refused(stored, "cannot be read|no such file", items_file, items_file / "below-a-file")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_file_without_permission(stored, items_file, events_file):
    events_file.chmod(0)
    refused(stored, "cannot be read", items_file, events_file)


def test_home_that_cannot_be_written(tmp_path, monkeypatch, items_file, events_file):
    (tmp_path / "file").write_text("not a folder")
    monkeypatch.setenv("UPSR_HOME", str(tmp_path / "file" / "home"))
    with pytest.raises(StorageError, match=r"not a directory.*UPSR_HOME"):
        import_dataset("d", items_file, events_file)


def test_one_json_list_instead_of_lines(stored, tmp_path, events_file):
    path = tmp_path / "items.json"
    path.write_text(json.dumps(ITEMS))
    assert "one JSON object per line" in refused(stored, "one JSON list", path, events_file)


def test_bad_lines_are_counted_and_named(tmp_path, items_file, events_file):
    lines = events_file.read_text().splitlines()
    events = write_lines(tmp_path / "e.tsv", [*lines[:5], "u0\ti0", "u9\t\t1500000000", *lines[5:], "u0\ti0\t1\t2"])
    dataset = import_dataset("d", items_file, events)
    assert "3 unreadable lines (lines 6, 7, 40)" in dataset.report["steps"][0]["note"]
    assert dataset.report["unreadable_event_lines"] == 3
    items = write_lines(tmp_path / "i.jsonl", [*items_file.read_text().splitlines(), '{"item_id": "i7", "tit', "[1]"])
    assert import_dataset("d", items, events_file).report["unreadable_item_lines"] == 2


def test_quotation_mark_that_is_never_closed(stored, tmp_path, items_file):
    rows = [*EVENTS, ('"u0', "i0", 1), *EVENTS * 50]
    events = write_table(tmp_path / "e.csv", rows, delimiter=",")
    assert "e.csv, line 38" in refused(stored, "not closed within 1,000 lines", items_file, events)


def test_quoted_fields_may_span_lines(tmp_path, events_file):
    rows = [(f"i{n}", f'"Title\n{n}, ""quoted"""') for n in range(6)]
    items = write_table(tmp_path / "i.csv", rows, ("item_id", "title"), ",")
    assert import_dataset("d", items, events_file).items.title[5] == 'Title 5, "quoted"'


def test_times_that_are_none(stored, tmp_path, items_file):
    events = write_table(tmp_path / "e.tsv", [(user, item, "soon") for user, item, _ in EVENTS])
    message = refused(stored, "'soon' is not a time", items_file, events)
    assert "timestamp" in message


def test_events_without_a_time_among_others_are_dropped_and_counted(tmp_path, items_file):
    events = write_table(tmp_path / "e.tsv", [*EVENTS, ("u0", "i0", ""), ("u0", "i1", "soon")])
    dataset = import_dataset("d", items_file, events)
    assert len(dataset.sequence) == 36
    assert dataset.report["steps"][0]["dropped"] == 2


@pytest.mark.parametrize(("number", "lost"), [("0", 1), ("0", 5)])
def test_a_number_among_dates_makes_no_numbers_of_them(tmp_path, items_file, number, lost):
    dates = [(user, item, f"2017-07-14 00:{(time - 1_500_000_000) // 60:02d}:00") for user, item, time in EVENTS]
    events = write_table(tmp_path / "e.tsv", [*dates, *[("u0", "i0", number)] * lost])
    dataset = import_dataset("d", items_file, events)
    assert len(dataset.sequence) == 36 and dataset.report["steps"][0]["dropped"] == lost


def test_a_word_among_numbers_makes_no_dates_of_them(tmp_path, items_file):
    events = write_table(tmp_path / "e.tsv", [*EVENTS, ("u0", "i0", "2017-07-14")])
    dataset = import_dataset("d", items_file, events)
    assert len(dataset.sequence) == 36 and dataset.report["steps"][0]["dropped"] == 1


@pytest.mark.parametrize("name", ["", " ", ".", "..", ".hidden", "a" * 81, "two\nlines", "a,b"])
def test_names_that_no_folder_can_bear(items_file, events_file, name):
    with pytest.raises(DataError, match="cannot be named"):
        import_dataset(name, items_file, events_file)


def test_unknown_kind(stored, items_file, events_file):
    assert "amazon-2018" in refused(stored, "no kind of file 'amazon'", items_file, events_file, kind="amazon")


def test_cancel_leaves_no_trace(stored, items_file, events_file):
    def stop(done, total, what):
        raise Cancelled

    with pytest.raises(Cancelled):
        import_dataset("d", items_file, events_file, preparation=ALL, progress=stop)
    assert load_dataset("d").digest == stored.digest


def test_full_disk_leaves_no_trace(stored, items_file, events_file, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(store, "write_record", full)
    message = refused(stored, "cannot be stored: the disk is full", items_file, events_file, preparation=ALL)
    assert "Free some space" in message


def test_kill_at_any_moment_of_the_replacement(stored, items_file, events_file, monkeypatch):
    """SIGKILL between the two renames, or while writing: the old dataset is there, the rest is swept away."""
    old = stored.folder.with_name(REPLACED + stored.folder.name)
    stored.folder.rename(old)
    half = stored.folder.with_name(".d.999999999.0123abcd~")
    half.mkdir()
    assert load_dataset("d").digest == stored.digest
    assert [entry["name"] for entry in list_datasets()] == ["d"]
    importing.import_dataset("d", items_file, events_file, preparation=ALL)
    assert sorted(path.name for path in stored.folder.parent.iterdir()) == [".lock", "d"]
