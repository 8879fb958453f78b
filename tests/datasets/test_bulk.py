"""The bulk reader gives what the line reader gives, or leaves the file to it."""

import gzip
import json
import random

import numpy as np
import pytest
from source_files import write_lines

from upsr_core.datasets import bulk
from upsr_core.datasets.events import read_events
from upsr_core.datasets.sniff import guess


def both_ways(path, monkeypatch):
    source = guess(path, role="events")
    fast = read_events(source, source.mapping)
    monkeypatch.setattr(bulk, "json_events", lambda *_: None)
    return fast, read_events(source, source.mapping)


def assert_equal(fast, slow):
    assert (fast.users, fast.items, fast.untimed, fast.note) == (slow.users, slow.items, slow.untimed, slow.note)
    for name in ("user", "item", "time"):
        np.testing.assert_array_equal(getattr(fast, name), getattr(slow, name))
    assert fast.reading.note == slow.reading.note


@pytest.mark.parametrize("name", ["e.jsonl", "e.jsonl.gz", "odd [1]*? 'name'.jsonl"])
def test_clean_lines(tmp_path, monkeypatch, name):
    draw = random.Random(0)
    lines = []
    for _ in range(3000):
        row = {"item_id": f"é{draw.randrange(50)}", "user_id": f"u{draw.randrange(200)}", "x": [1, {"y": "z"}]}
        lines.append(json.dumps(row | {"timestamp": draw.choice([1_500_000_000, 1.6e9, "1500000001", None, ""])}))
    path = write_lines(tmp_path / name, lines)
    found = bulk.json_events(path, ("user_id", "item_id", "timestamp"), None)
    assert len(found[2]) == 3000
    assert_equal(*both_ways(path, monkeypatch))


@pytest.mark.parametrize(
    "line",
    [
        '{"user_id": "u", "item_id": "i", "timestamp": ',
        '{"user_id": "u", "timestamp": 1}',
        '{"user_id": " u ", "item_id": "i", "timestamp": 1}',
        '{"user_id": 12.0, "item_id": 1e3, "timestamp": 1}',
        '{"user_id": true, "item_id": ["i"], "timestamp": 1}',
        '{"user_id": "nan", "item_id": NaN, "timestamp": 1}',
        '{"user_id": "\\ud83d", "item_id": "i", "timestamp": 1}',
        "[1, 2]",
        "nonsense",
    ],
)
def test_one_line_that_is_not_clean_leaves_the_file_to_the_line_reader(tmp_path, monkeypatch, line):
    good = json.dumps({"user_id": "u", "item_id": "i", "timestamp": 1_500_000_000})
    path = write_lines(tmp_path / "e.jsonl", [good, line, good])
    assert bulk.json_events(path, ("user_id", "item_id", "timestamp"), None) is None
    assert_equal(*both_ways(path, monkeypatch))


def test_invalid_utf8_and_damage_are_left_to_the_line_reader(tmp_path):
    path = tmp_path / "e.jsonl"
    path.write_bytes(b'{"user_id": "u\xff", "item_id": "i", "timestamp": 1}\n')
    assert bulk.json_events(path, ("user_id", "item_id", "timestamp"), None) is None
    whole = gzip.compress(b'{"user_id": "u", "item_id": "i", "timestamp": 1}\n' * 1000)
    for damaged in (whole[:-9], whole[:-8] + b"\0\0\0\0" + whole[-4:]):  # cut short, wrong check sum
        path.write_bytes(damaged)
        assert bulk.json_events(path, ("user_id", "item_id", "timestamp"), None) is None
