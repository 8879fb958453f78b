"""The store keeps what it was given, lists it, replaces it whole, and says what is wrong with what it cannot read."""

import json

import numpy as np
import pandas as pd
import pytest

from upsr_core.datasets.importing import import_dataset
from upsr_core.datasets.spec import PreparationSpec
from upsr_core.datasets.store import delete_dataset, list_datasets, load_dataset
from upsr_core.errors import DataError
from upsr_core.schema import digest_of
from upsr_core.storage.atomic import write_json


@pytest.fixture
def stored(items_file, events_file):
    return import_dataset("sample:movies", items_file, events_file, synthetic=True)


def test_a_dataset_is_loaded_as_it_was_stored(stored, home):
    again = load_dataset("sample:movies")
    pd.testing.assert_frame_equal(again.items, stored.items)
    np.testing.assert_array_equal(again.sequence, stored.sequence)
    assert (again.digest, again.spec, again.report, again.synthetic) == (
        stored.spec.digest, stored.spec, stored.report, True,
    )  # fmt: skip
    assert again.folder == home / "datasets" / "sample%3Amovies"
    assert sorted(path.name for path in again.folder.iterdir()) == [
        "dataset.json", "events.parquet", "items.parquet", "users.parquet",
    ]  # fmt: skip


def test_list(stored, items_file, events_file):
    import_dataset("a/b", items_file, events_file)
    assert [(entry["name"], entry["synthetic"]) for entry in list_datasets()] == [
        ("a/b", False),
        ("sample:movies", True),
    ]
    entry = list_datasets()[1]
    assert (entry["users"], entry["items"], entry["interactions"], entry["digest"]) == (6, 6, 36, stored.digest)
    assert entry["sources"] == {"items": "items.jsonl", "events": "interactions.tsv"}


def test_import_over_a_name_replaces_it(stored, items_file, events_file):
    preparation = PreparationSpec(min_user=2, min_item=2)
    import_dataset("sample:movies", items_file, events_file, preparation=preparation)
    assert load_dataset("sample:movies").spec.preparation == preparation
    assert len(list_datasets()) == 1


def test_delete_and_missing(stored):
    delete_dataset("sample:movies")
    assert list_datasets() == []
    for action in (load_dataset, delete_dataset):
        with pytest.raises(DataError, match="`upsr data list`"):
            action("sample:movies")


def test_damaged_dataset_is_named_and_hides_no_other(stored, items_file, events_file):
    import_dataset("good", items_file, events_file)
    record = stored.folder / "dataset.json"
    newer = {key: value for key, value in json.loads(record.read_text()).items() if key != "seal"} | {"format": 99}
    write_json(record, {**newer, "seal": digest_of(newer)})
    with pytest.raises(DataError, match=r"newer version.*format 99"):
        load_dataset("sample:movies")
    record.write_text("{")
    with pytest.raises(DataError, match="Import it again"):
        load_dataset("sample:movies")
    good, bad = list_datasets()
    assert (good["name"], good["problem"]) == ("good", "")
    assert bad["problem"].startswith("cannot be read")
    (load_dataset("good").folder / "events.parquet").write_bytes(b"PAR1")
    with pytest.raises(DataError, match="'good' is damaged"):
        load_dataset("good")
