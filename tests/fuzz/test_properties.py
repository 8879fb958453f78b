"""What holds of any input: a result or one clear error, and nothing of the input is ever run or read as markup."""

import csv
import io
import json
import string
import tempfile
from pathlib import Path

import pandas as pd
import pytest
from broken_files import EVENTS, ROLES, table
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from app import state
from app.components import plain
from upsr_core.cli.terminal import printable
from upsr_core.datasets import folders
from upsr_core.datasets.cleaning import LONGEST, clean, identifier
from upsr_core.datasets.importing import import_dataset
from upsr_core.datasets.recognition import attribute_name, guess
from upsr_core.datasets.spec import ColumnMapping, PreparationSpec
from upsr_core.errors import DataError, DesignError, UpsrError
from upsr_core.export.csv_export import csv_text
from upsr_core.schema import ATTRIBUTE_NAME, ATTRIBUTES
from upsr_core.text.design import Design, ItemDesign, parse_design, template_fields
from upsr_core.text.render import render

ALL = PreparationSpec(min_user=1, min_item=1)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=30),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
TABLES = st.text(alphabet='ab01,;\t|:"\n\r {}[]item_duser', max_size=200).map(str.encode) | st.binary(max_size=200)
BRACES = st.text(alphabet="{}{}titlebrand0.!:[]_% ", max_size=40)
LINES = st.text(alphabet=st.characters(blacklist_categories=("Cs", "Cc", "Cn", "Co", "Zl", "Zp")), max_size=60)


@pytest.fixture(autouse=True, scope="module")
def folder():
    with tempfile.TemporaryDirectory() as name, pytest.MonkeyPatch.context() as patch:
        patch.setenv("UPSR_HOME", f"{name}/home")
        yield Path(name)


@pytest.fixture(autouse=True)
def home(folder, monkeypatch):
    """One home folder for all examples."""
    monkeypatch.setenv("UPSR_HOME", str(folder / "home"))
    return folder / "home"


def clear(error: UpsrError) -> None:
    assert error.what and error.how and "\n" not in error.what and "Traceback" not in str(error)
    str(error).encode()


@given(role=st.sampled_from(sorted(ROLES)), content=TABLES)
def test_any_bytes_are_a_dataset_or_one_clear_error(folder, role, content):
    paths = {each: folder / f"{each}.csv" for each in ROLES}
    for each, rows in ROLES.items():
        paths[each].write_bytes(content if each == role else table(rows))
    try:
        data = import_dataset("d", paths["items"], paths["events"], preparation=ALL)
        assert len(data.users) and len(data.items) and len(data.sequence) == data.offsets[-1]
    except DataError as error:
        clear(error)


@given(rows=st.lists(st.fixed_dictionaries({"item_id": JSON, "title": JSON, "price": JSON, "more": JSON}), max_size=5))
def test_any_json_is_an_item_file_or_one_clear_error(folder, rows):
    (folder / "events.csv").write_bytes(table(EVENTS))
    (folder / "items.jsonl").write_text("".join(json.dumps(row) + "\n" for row in [*rows, *ROLES["items"]]))
    try:
        items = import_dataset("d", folder / "items.jsonl", folder / "events.csv", preparation=ALL).items
        assert {f"i{n}" for n in range(6)} <= set(items.item_id)
        assert all(type(value) is str for value in items.to_numpy().ravel())
    except DataError as error:
        clear(error)


@given(titles=st.lists(LINES, min_size=2, max_size=5), delimiter=st.sampled_from(",;"))
def test_a_table_with_quotation_marks_reads_as_it_was_written(folder, titles, delimiter):
    with (folder / "quoted.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, delimiter=delimiter, quoting=csv.QUOTE_ALL)
        writer.writerows([("item_id", "title"), *((f"i{n}", title) for n, title in enumerate(titles))])
    found = guess(folder / "quoted.csv")
    assert [row["title"] for row in found.preview] == titles


@given(times=st.lists(JSON | st.datetimes().map(str) | st.integers().map(str), min_size=1, max_size=6))
def test_any_values_are_times_or_one_clear_error(folder, times):
    (folder / "items.csv").write_bytes(table(ROLES["items"]))
    rows = [{**row, "timestamp": times[n % len(times)]} for n, row in enumerate(EVENTS)]
    (folder / "events.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    try:
        data = import_dataset("d", folder / "items.csv", folder / "events.jsonl", preparation=ALL)
        assert len(data.sequence) and (data.timestamps is None or len(data.timestamps) == len(data.sequence))
    except DataError as error:
        clear(error)


@given(attribute=st.sampled_from(ATTRIBUTES), value=JSON)
def test_a_cleaned_value_is_one_short_line_without_control_characters(attribute, value):
    text = clean(attribute, value, set())
    assert type(text) is str and len(text) <= LONGEST and text == " ".join(text.split()) and printable(text) == text
    identifier(value).encode()


@given(text=st.text(max_size=60) | st.text(alphabet="title,brand ", max_size=30))
def test_any_text_is_a_design_or_one_clear_error(text):
    try:
        design = parse_design(text)
    except DesignError as error:
        clear(error)
    else:
        assert parse_design(design.finetune.label) == design == Design.model_validate_json(design.model_dump_json())


@given(template=BRACES | st.text(max_size=40), values=st.lists(st.text(max_size=20), min_size=4, max_size=4))
def test_any_template_is_filled_with_values_alone_or_one_clear_error(template, values):
    try:
        names = template_fields(template, "The template")
        design = ItemDesign(attributes=tuple(names), template=template)
    except DesignError as error:
        clear(error)
    except ValueError as error:  # no attribute at all
        assert "at least 1" in str(error)
    else:
        known = dict(zip(names, values, strict=False))
        text, pieces = render(design, known)
        assert "".join(text[piece.start : piece.end] for piece in pieces) == text
        assert all(known[piece.attribute] in text[piece.start : piece.end] for piece in pieces)
        allowed = set(template) | set("".join(values))
        assert set(text) <= allowed, "a character that is neither in the template nor in a value"


@given(pairs=st.lists(st.tuples(st.text(max_size=12), st.text(max_size=12)), max_size=4))
def test_any_pairs_are_a_mapping_or_one_clear_error(pairs):
    try:
        ColumnMapping(item_id="id").changed(pairs)
    except DataError as error:
        clear(error)


@given(column=st.text(max_size=30))
def test_a_guessed_attribute_can_be_named_by_a_design(column):
    name = attribute_name(column)
    assert not name or ATTRIBUTE_NAME.fullmatch(name)


@given(name=st.text(max_size=100) | st.text(alphabet="./\\~:%a", max_size=20))
def test_a_dataset_lies_in_its_folder_whatever_its_name(home, name):
    try:
        place = folders.folder_of(name)
    except DataError as error:
        clear(error)
    else:
        assert place.parent == home / "datasets" and place.resolve().parent == (home / "datasets").resolve()


@given(written=st.text(max_size=60) | JSON.map(json.dumps) | BRACES.map(lambda text: json.dumps({"prompt": text})))
def test_any_design_in_an_address_is_a_design_or_a_warning(written):
    warned = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(state.st, "warning", warned.append)
        assert isinstance(state._design_of_address(written), Design)
    assert warned or Design.model_validate_json(written)


@given(wanted=st.text(max_size=200))
def test_any_value_in_an_address_is_an_option_or_a_warning(wanted):
    warned = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(state.st, "query_params", {"metric": wanted})
        patch.setattr(state.st, "warning", warned.append)
        assert state.asked("Metric", "metric", ("HR@1", "NDCG@10"), "NDCG@10") in ("HR@1", "NDCG@10")
    assert warned or wanted in ("HR@1", "NDCG@10")


@given(text=LINES | st.text(alphabet="*_[]()#<>`!&;-=+.:1 \n|~$\\aw/", max_size=40))
def test_text_of_the_data_is_never_read_as_markdown(text):
    shown = MarkdownIt("commonmark").enable(["table", "strikethrough"]).render(plain(text))
    expected = " ".join(text.split())
    for mark, entity in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ('"', "&quot;")):
        expected = expected.replace(mark, entity)
    assert shown == (f"<p>{expected}</p>\n" if expected else "")


@given(cells=st.lists(st.text(alphabet="=+-@\t\r1a,\"'", max_size=12), min_size=1, max_size=4))
def test_no_exported_cell_is_a_formula(cells):
    rows = list(csv.reader(io.StringIO(csv_text(pd.DataFrame({"=a": cells, "b": 1.5})), newline="")))
    for found, cell in zip([row[0] for row in rows], ["=a", *cells], strict=True):
        number = cell.strip(string.digits + "+-.") == "" and any(letter.isdigit() for letter in cell)
        assert found in (cell, f"'{cell}")
        assert number or not found.startswith(("=", "+", "-", "@", "\t", "\r"))
