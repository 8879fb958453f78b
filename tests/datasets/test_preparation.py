"""Preparation drops and orders as it says, and its counts add up."""

from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from source_files import ITEMS, write_json_lines, write_table

from upsr_core.datasets import event_order
from upsr_core.datasets.importing import import_dataset
from upsr_core.datasets.k_core import k_core
from upsr_core.datasets.spec import PreparationSpec

ALL = PreparationSpec(min_user=1, min_item=1)


def step(dataset, name):
    return next(step for step in dataset.report["steps"] if step["name"] == name)


def plain_core(events, min_user, min_item):
    """The definition, one event at a time."""
    while True:
        users, items = [user for user, _ in events], [item for _, item in events]
        kept = [e for e in events if users.count(e[0]) >= min_user and items.count(e[1]) >= min_item]
        if kept == events:
            return kept
        events = kept


@given(st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6)), max_size=60), st.integers(1, 4), st.integers(1, 4))
def test_core_is_the_plain_definition(events, min_user, min_item):
    events = sorted(events, key=lambda event: event[0])
    with TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(event_order, "EVENTS_AT_ONCE", 7)
        found = event_order.Sequences(Path(folder) / "events.bin", users=7, items=7, timed=False)
        found.write([np.array(events, found.dtype)])
        by_user, by_item, _ = k_core(found, min_user, min_item)
        found.keep(lambda part: (by_user[part["user"]] > 0) & (by_item[part["item"]] > 0))
        kept = [tuple(event) for part in found.parts() for event in part.tolist()]
    assert kept == plain_core(events, min_user, min_item)
    assert (by_user.sum(), by_item.sum()) == (len(kept), len(kept))


def test_one_pass_is_not_a_core(tmp_path, items_file):
    # i2 is too rare; without it u1 is too short; without u1 the item i1 is too rare; then u2 is too short.
    events = [
        ("u0", "i0"),
        ("u0", "i3"),
        ("u1", "i1"),
        ("u1", "i2"),
        ("u2", "i1"),
        ("u2", "i3"),
        ("u3", "i0"),
        ("u3", "i3"),
    ]
    path = write_table(tmp_path / "e.tsv", events, ("user_id", "item_id"))
    dataset = import_dataset("d", items_file, path, preparation=PreparationSpec(min_user=2, min_item=2))
    assert dataset.report["core_iterations"] == 4
    assert dataset.users.tolist() == ["u0", "u3"]
    assert dataset.items.item_id.tolist() == ["i0", "i3"]
    assert step(dataset, "rare users and items")["dropped"] == 4


def test_new_domain_drops_users_only(tmp_path, items_file):
    events = [("a", f"i{n}") for n in range(4)] + [("b", f"i{n}") for n in range(3)]
    path = write_table(tmp_path / "e.tsv", events, ("user_id", "item_id"))
    dataset = import_dataset("d", items_file, path, preparation=PreparationSpec.new_domain())
    assert (dataset.users.tolist(), len(dataset.items)) == (["a"], 4)


def test_order_is_by_time_and_ties_keep_the_rows(tmp_path, items_file):
    rows = [("a", "i3", 30), ("b", "i5", 10), ("a", "i1", 20), ("a", "i0", 20), ("a", "i2", 10), ("b", "i4", 10)]
    dataset = import_dataset("d", items_file, write_table(tmp_path / "e.tsv", rows), preparation=ALL)
    assert dataset.users.tolist() == ["a", "b"]
    assert [dataset.history(user).tolist() for user in (0, 1)] == [[2, 1, 0, 3], [5, 4]]
    assert dataset.timestamps.tolist() == [10, 20, 20, 30, 10, 10]
    assert dataset.report["ties"] == 2


def test_duplicates_need_a_time_to_be_duplicates(tmp_path, items_file):
    rows = [("a", "i0", 10), ("a", "i0", 10), ("a", "i0", 11), ("b", "i0", 10)]
    timed = import_dataset("timed", items_file, write_table(tmp_path / "t.tsv", rows), preparation=ALL)
    assert timed.history(0).tolist() == [0, 0]
    assert (step(timed, "duplicate events")["dropped"], timed.report["repeats"]) == (1, 1)
    untimed = write_table(tmp_path / "u.tsv", [(user, item, "") for user, item, _ in rows])
    ordered = import_dataset("ordered", items_file, untimed, preparation=ALL)
    assert ordered.history(0).tolist() == [0, 0, 0]
    assert (ordered.timestamps, ordered.report["repeats"]) == (None, 2)
    assert "2 repeats" in step(ordered, "duplicate events")["note"]


def test_duplicate_items_and_unknown_items(tmp_path, events_file):
    rows = [{**ITEMS[0], "title": "First"}, *ITEMS[:4], {"item_id": "i4"}]
    items = write_json_lines(tmp_path / "i.jsonl", rows)
    dataset = import_dataset("d", items, events_file, preparation=ALL)
    assert dataset.items.title.tolist() == ["First", "Title 1", "Title 2", "Title 3", ""]
    assert dataset.report["duplicate_item_rows"] == 1
    assert step(dataset, "items without text")["note"] == "1 items have no text at all; they were kept."
    assert (
        "Items of the events that are not among the items: 1 (i5)" in step(dataset, "events of unknown items")["note"]
    )
    assert dataset.report["coverage"] == {"title": 80.0, "category": 80.0, "brand": 80.0, "year": 80.0}


def test_the_counts_of_the_steps_add_up(tmp_path, items_file):
    random = np.random.default_rng(0)
    drawn = random.integers(0, (40, 9, 50), (300, 3)).tolist()
    rows = [(user, f"i{item}", time) for user, item, time in drawn]
    dataset = import_dataset("d", items_file, write_table(tmp_path / "e.tsv", rows))
    steps = dataset.report["steps"]
    left = steps[0]["interactions"]
    for each in steps[4:]:
        assert each["interactions"] == left - each["dropped"]
        left = each["interactions"]
    assert left == len(dataset.sequence) == dataset.offsets[-1]
    assert min(np.bincount(dataset.sequence)) >= 5 <= min(np.diff(dataset.offsets))


@pytest.mark.parametrize(
    ("value", "seconds"),
    [("1500000000", 1_500_000_000), ("1500000000.0", 1_500_000_000), ("1500000000123", 1_500_000_000),
     ("2017-07-14", 1_499_990_400), ("2017-07-14 02:40:00", 1_500_000_000), ("7/14/2017 2:40", 1_500_000_000)],
)  # fmt: skip
def test_times_in_every_common_form(tmp_path, items_file, value, seconds):
    events = write_table(tmp_path / "e.tsv", [("a", "i0", value)])
    assert import_dataset("d", items_file, events, preparation=ALL).timestamps.tolist() == [seconds]
