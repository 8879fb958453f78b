"""The bulk reader gives the dataset that the line reader gives, or leaves the file to it."""

import gzip
import json
import random

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from source_files import EVENTS, ITEMS, VALUES, write_json_lines, write_lines, write_table

from upsr_core.datasets import duckdb_reading, event_file, item_file
from upsr_core.datasets.importing import import_dataset
from upsr_core.datasets.spec import PreparationSpec
from upsr_core.errors import DataError

ATTRIBUTES = ("title", "category", "brand", "price", "also_buy", "also_view", "rank", "feature")
ALL = PreparationSpec(min_user=1, min_item=1)


def both_ways(items_path, events_path):
    """Import twice, in bulk and by line, and hold the two against each other; which files were read in bulk."""
    found, readers = [], set()
    for by_line in (False, True):
        with pytest.MonkeyPatch.context() as patch:
            if by_line:
                patch.setattr(duckdb_reading, "source", lambda *_, **__: None)
            else:
                for module, reader, what in ((event_file, "_by_line", "events"), (item_file, "_lines", "items")):
                    patch.setattr(module, reader, noted(getattr(module, reader), what, readers))
            found.append(import_dataset("d", items_path, events_path, preparation=ALL))
            found[-1].items  # noqa: B018  read before the second import replaces it
    fast, slow = found
    pd.testing.assert_frame_equal(fast.items, slow.items)
    pd.testing.assert_series_equal(fast.users, slow.users)
    assert fast.sequence.tolist() == slow.sequence.tolist()
    assert (fast.timestamps is None) == (slow.timestamps is None)
    assert fast.timestamps is None or fast.timestamps.tolist() == slow.timestamps.tolist()
    assert {**fast.report, "seconds": 0} == {**slow.report, "seconds": 0}
    assert fast.digest == slow.digest
    return {"events", "items"} - readers


def noted(reader, name, readers):
    def reads(*arguments):
        readers.add(name)
        return reader(*arguments)

    return reads


@pytest.mark.parametrize("name", ["e.jsonl", "e.jsonl.gz", "odd [1]*? 'name'.jsonl"])
def test_clean_lines(tmp_path, name):
    draw = random.Random(0)
    lines = []
    for _ in range(3000):
        row = {"item_id": f"i{draw.randrange(8)}", "user_id": f"é{draw.randrange(200)}", "x": [1, {"y": "z"}]}
        lines.append(json.dumps(row | {"timestamp": draw.choice([1_500_000_000, 1.6e9, "1500000001", None, ""])}))
    rows = [row | {"description": ["<b>One</b>", "two &amp; three"], "price": "$1,234.50"} for row in ITEMS]
    catalogue = write_json_lines(tmp_path / "items.jsonl", rows)
    assert both_ways(catalogue, write_lines(tmp_path / name, lines)) == {"events", "items"}


@settings(max_examples=3, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.dictionaries(st.sampled_from(ATTRIBUTES), VALUES), min_size=1, max_size=12))
def test_any_values_of_items(tmp_path, rows):
    first = {"asin": "i0", "main_cat": "x", "title": "t", "also_buy": []}
    rows = [{"asin": f"i{place % 7}", **row} for place, row in enumerate(rows)]
    catalogue = write_json_lines(tmp_path / "items.jsonl", [first, *rows])
    assert both_ways(catalogue, write_table(tmp_path / "e.tsv", EVENTS)) >= {"items"}


@pytest.mark.parametrize(
    "line",
    [
        '{"user_id": "u", "item_id": "i0", "timestamp": ',
        '{"user_id": "u", "timestamp": 1}',
        '{"user_id": "", "item_id": "i0", "timestamp": 1}',
        '{"user_id": " u ", "item_id": "i0", "timestamp": 1}',
        '{"user_id": 12.0, "item_id": 1e3, "timestamp": 1}',
        '{"user_id": true, "item_id": ["i0"], "timestamp": 1}',
        '{"user_id": "nan", "item_id": NaN, "timestamp": 1}',
        '{"user_id": "\\ud83d", "item_id": "i0", "timestamp": 1}',
        "[1, 2]",
        "nonsense",
    ],
)
def test_one_line_that_is_not_clean_leaves_the_file_to_the_line_reader(tmp_path, items_file, line):
    good = json.dumps({"user_id": "u", "item_id": "i0", "timestamp": 1_500_000_000})
    path = write_lines(tmp_path / "e.jsonl", [good, line, good])
    assert both_ways(items_file, path) == {"items"}


CELLS = st.text(st.sampled_from("ab 1'\"<&|é"), max_size=6) | st.sampled_from(["nan", "", '"a"', "1.50", " x", "a\tb"])


@settings(max_examples=5, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(CELLS, CELLS), min_size=1, max_size=6), st.sampled_from("\t,;|"), st.booleans())
def test_any_cells(tmp_path, cells, delimiter, quoted):
    def written(cell):
        return '"' + cell.replace('"', '""') + '"' if quoted else cell

    rows = [(f"i{place % 7}", *map(written, pair)) for place, pair in enumerate([("t", "b"), *cells])]
    catalogue = write_table(tmp_path / "items.csv", rows, ("item_id", "title", "brand"), delimiter)
    log = [(*event, "n" if place < 9 else written(cells[0][0])) for place, event in enumerate(EVENTS)]
    both_ways(catalogue, write_table(tmp_path / "e.csv", log, ("user_id", "item_id", "timestamp", "note"), delimiter))


@pytest.mark.parametrize("delimiter", ["\t", ",", ";", "|"])
@pytest.mark.parametrize("suffix", ["", ".gz"])
def test_clean_tables(tmp_path, delimiter, suffix):
    rows = [(row["item_id"], row["title"], "A <b>B</b>", "") for row in ITEMS]
    catalogue = write_table(tmp_path / f"i{suffix}", rows, ("item_id", "title", "brand", "description"), delimiter)
    assert both_ways(catalogue, write_table(tmp_path / f"e{suffix}", EVENTS, delimiter=delimiter)) == {
        "events",
        "items",
    }


def test_atomic_files(tmp_path):
    names = ("item_id:token", "title:token_seq", "categories:token_seq")
    items_path = write_table(tmp_path / "d.item", [(row["item_id"], "A B", "X Y") for row in ITEMS], names)
    names = ("user_id:token", "item_id:token", "timestamp:float")
    assert both_ways(items_path, write_table(tmp_path / "d.inter", EVENTS, names)) == {"events"}


def test_parquet(tmp_path):
    rows = [row | {"year": int(row["year"])} for row in ITEMS]
    pd.DataFrame(rows).to_parquet(tmp_path / "i.parquet")
    log = pd.DataFrame(EVENTS, columns=["user_id", "item_id", "timestamp"])
    log.to_parquet(tmp_path / "e.parquet")
    assert both_ways(tmp_path / "i.parquet", tmp_path / "e.parquet") == {"events", "items"}
    log.assign(timestamp=pd.to_datetime(log.timestamp, unit="s")).to_parquet(tmp_path / "e.parquet")
    assert both_ways(tmp_path / "i.parquet", tmp_path / "e.parquet") == {"items"}


@pytest.mark.parametrize("line", ['{"item_id": "i7", "tit', "[1]", '{"item_id": null, "title": "x"}', '{"title": "x"}'])
def test_one_item_that_is_none_leaves_the_items_to_the_line_reader(tmp_path, items_file, events_file, line):
    path = write_lines(tmp_path / "i.jsonl", [*items_file.read_text().splitlines(), line])
    assert "items" not in both_ways(path, events_file)


def test_names_that_differ_in_case_are_left_to_the_line_reader(tmp_path, events_file):
    rows = [(row["item_id"], f"Not {row['title']}", row["title"]) for row in ITEMS]
    names = ("item_id", "Title", "title")
    pd.DataFrame(rows, columns=names).to_parquet(tmp_path / "i.parquet")
    for path in (write_table(tmp_path / "i.csv", rows, names), tmp_path / "i.parquet"):
        assert "items" not in both_ways(path, events_file)


def test_invalid_utf8_and_damage_are_left_to_the_line_reader(tmp_path, items_file):
    path = tmp_path / "e.jsonl"
    path.write_bytes(b'{"user_id": "u\xff", "item_id": "i0", "timestamp": 1}\n')
    assert both_ways(items_file, path) == {"items"}
    whole = gzip.compress(b'{"user_id": "u", "item_id": "i0", "timestamp": 1}\n' * 1000)
    for damaged in (whole[:-9], whole[:-8] + b"\0\0\0\0" + whole[-4:]):  # cut short, wrong check sum
        path.write_bytes(damaged)
        with pytest.raises(DataError, match="damaged or incomplete"):
            import_dataset("d", items_file, path, preparation=ALL)
