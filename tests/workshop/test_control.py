"""Histories that tell nothing, and the trials that are made of them."""

import numpy as np
import pytest

from upsr_core.datasets.store import list_datasets, load_dataset
from upsr_core.errors import DataError
from upsr_core.evaluation.candidates import MODES
from upsr_core.runs.run import list_runs
from upsr_core.runs.spec import plan_run
from workshop.benchmarks.control import bench, dealt


def popularity(name: str, seed: int, mode: str):
    return plan_run(name, model="popularity", mode=mode)


def test_dealt_histories_are_as_long_and_items_as_popular_as_before(movies):
    made = dealt(movies, "made", 1)
    assert sorted(np.diff(made.offsets)) == sorted(np.diff(movies.offsets))
    names = [data.items.item_id.to_numpy()[data.sequence] for data in (movies, made)]
    assert sorted(names[0]) == sorted(names[1]) and made.attributes == movies.attributes
    before, after = ({user: data.history(row) for row, user in enumerate(data.users)} for data in (movies, made))
    kept = [len(set(before[user]) & set(after[user])) / len(before[user]) for user in before]
    assert np.mean(kept) < 0.1  # of their own items users keep about as many as anybody has


def test_a_stored_dataset_is_not_replaced(movies):
    mine = dealt(movies, "sample:movies-dealt-1", 7)
    with pytest.raises(DataError, match="sample:movies-dealt-1"):
        bench("sample:movies", popularity, 2, lambda *_: None)
    assert load_dataset(mine.name).digest == mine.digest


def test_the_control_leaves_nothing_behind(movies):
    found = bench("sample:movies", popularity, 1, lambda *_: None)
    assert [row["histories"] for row in found["table"]] == ["as it is"] * 3 + ["dealt"] * 3 and found["seeds"] == 1
    assert [row["mode"] for row in found["table"]] == list(MODES) * 2
    assert all(row["users"] > 0 and row["mean"] == 0 and row["uses_history"] != "yes" for row in found["table"])
    nobody = dict.fromkeys(MODES, 0.0)
    assert found["share_dealt"] == nobody and found["share_real"] == nobody
    assert not list_runs() and [entry["name"] for entry in list_datasets()] == ["sample:movies"]
