"""Small source files of known content, see source_files."""

import sys
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parent))  # importlib mode leaves it out; the tests import source_files from here
from source_files import EVENTS, ITEMS, write_json_lines, write_table


@pytest.fixture
def items_file(tmp_path):
    return write_json_lines(tmp_path / "items.jsonl", ITEMS)


@pytest.fixture
def events_file(tmp_path):
    return write_table(tmp_path / "interactions.tsv", EVENTS)
