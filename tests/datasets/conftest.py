"""Small source files of known content, see source_files."""

import pytest
from source_files import EVENTS, ITEMS, write_json_lines, write_table


@pytest.fixture
def items_file(tmp_path):
    return write_json_lines(tmp_path / "items.jsonl", ITEMS)


@pytest.fixture
def events_file(tmp_path):
    return write_table(tmp_path / "interactions.tsv", EVENTS)
