"""The cost told before an import: rows by the file's first parts, None where they do not tell, refused without room."""

from collections import namedtuple

import pandas as pd
import pytest
from source_files import write_json_lines, write_table

from upsr_core.datasets import import_cost
from upsr_core.datasets.importing import import_dataset
from upsr_core.datasets.spec import PreparationSpec
from upsr_core.errors import DataError

ALL = PreparationSpec(min_user=1, min_item=1)
EVENTS = [(f"u{n % 900}", f"i{n % 300}", 1_500_000_000 + n) for n in range(20_000)]
ITEMS = [{"item_id": f"i{n}", "title": f"Title {n}", "brand": f"Brand {n % 7}"} for n in range(3_000)]


@pytest.fixture(autouse=True)
def small_parts(monkeypatch):
    monkeypatch.setattr(import_cost, "WORTH_IT", 0)
    monkeypatch.setattr(import_cost, "PARTS", (2_000, 20_000))


def costs_of(items, events):
    found = []
    dataset = import_dataset("d", items, events, preparation=ALL, on_cost=found.append)
    assert (len(dataset.sequence), dataset.n_items) == (len(EVENTS), 300)
    return found[0]


@pytest.mark.parametrize("suffix", ["", ".gz"])
def test_rows_are_told_by_the_first_parts(tmp_path, suffix):
    items = write_json_lines(tmp_path / f"i.jsonl{suffix}", ITEMS)
    found = costs_of(items, write_table(tmp_path / f"e.tsv{suffix}", EVENTS))
    # A compressed file is read a block ahead of the rows, so that a short one seems to have fewer.
    least = 0.9 if not suffix else 0.0
    assert least * len(EVENTS) < found.events < 1.1 * len(EVENTS)
    assert least * len(ITEMS) < found.items < 1.1 * len(ITEMS)
    assert 0 < found.seconds < 60
    assert found.disk > import_cost.DISK_PER_EVENT * found.events


def test_parquet_knows_its_rows(tmp_path):
    pd.DataFrame(EVENTS, columns=["user_id", "item_id", "timestamp"]).to_parquet(tmp_path / "e", row_group_size=500)
    pd.DataFrame(ITEMS).to_parquet(tmp_path / "i", row_group_size=100)
    found = costs_of(tmp_path / "i", tmp_path / "e")
    assert (found.events, found.items) == (len(EVENTS), len(ITEMS))


def test_a_first_part_that_does_not_tell_leaves_it_to_the_import(tmp_path):
    events = write_table(tmp_path / "e.tsv", [("u", "i0", "soon")] * 2_000 + EVENTS)
    found = []
    import_dataset("d", write_json_lines(tmp_path / "i.jsonl", ITEMS), events, preparation=ALL, on_cost=found.append)
    assert found == []


def test_a_disk_without_room_is_told_before_the_start(tmp_path, monkeypatch):
    usage = namedtuple("usage", "free")
    monkeypatch.setattr(import_cost.shutil, "disk_usage", lambda _: usage(10_000))
    with pytest.raises(DataError, match=r"needs about 0\.0 GB of the disk"):
        costs_of(write_json_lines(tmp_path / "i.jsonl", ITEMS), write_table(tmp_path / "e.tsv", EVENTS))
