"""JSON texts are cleaned to what the same values are cleaned to, whichever of them Python never looks at."""

import json

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from source_files import VALUES

from upsr_core.datasets.item_file import _cleaned
from upsr_core.datasets.parallel_items import Plan, clean_part
from upsr_core.parallel import Workers, run_shards

NAMES = ("title", "category", "price", "related", "salesrank", "description")
PLAN = Plan((("title", (1,)), ("category", (2,)), ("price", (3,)), ("related", (4, 5)), ("salesrank", (6,))))


def both(rows, plan):
    columns = [
        pa.array([None if v is None else json.dumps(v, ensure_ascii=False, separators=(",", ":")) for v in column])
        for column in zip(*rows, strict=True)
    ]
    columns = [column.cast(pa.string()) for column in columns]
    table = pa.Table.from_arrays(columns, [f"c{place}" for place in range(len(columns))])
    return clean_part(table, plan), clean_part(rows, plan)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(["a", "B-1", 7, " é "]), *[VALUES] * 6), min_size=1, max_size=8))
def test_any_values(rows):
    fast, slow = both(rows, PLAN)
    assert fast.rows.to_pylist() == slow.rows.to_pylist()
    assert {name: +counts for name, counts in fast.mends.items()} == slow.mends
    assert fast.used == slow.used


@pytest.mark.parametrize(
    "text", ["getTime()", "nan", "x" * 20_001, "a\u3000b", "a\u200bb", "é ü 字", "a]", '","', "[x"]
)
def test_texts_that_look_clean(text):
    plan = Plan(tuple((name, (place,)) for place, name in enumerate(NAMES, 1)))
    for value in (text, [text], [text, "b"], ["b", text]):
        fast, slow = both([("i", *[value] * len(NAMES))], plan)
        assert fast.rows.to_pylist() == slow.rows.to_pylist()
        assert {name: +counts for name, counts in fast.mends.items()} == slow.mends


@pytest.mark.parametrize("odd", [None, "", " ", "nan"])
def test_a_row_without_an_id_leaves_the_part_to_the_line_reader(odd):
    assert both([("a", 1), (odd, 2)], Plan((("title", (1,)),)))[0] is None


def test_processes_clean_as_one_does_and_leave_the_shards_of_an_evaluation_their_own():
    plan, parts = Plan((("title", (1,)),)), [[(f"i{part}", f"A {part}")] for part in range(3)]
    together = [shard.rows.to_pylist() for shard in _cleaned(iter(parts), plan, 2)]
    assert together == [shard.rows.to_pylist() for shard in _cleaned(iter(parts), plan, 1)]
    assert run_shards(abs, [-1, 2], Workers("loky", count=2)) == [1, 2]
