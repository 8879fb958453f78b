"""Every published form of data becomes the same kind of dataset, without a mapping where it can be recognised."""

import gzip
import json

import pandas as pd
import pytest
from source_files import EVENTS, ITEMS, write_json_lines, write_lines, write_table

from upsr_core.datasets.importing import import_dataset
from upsr_core.datasets.recognition import guess
from upsr_core.datasets.spec import ColumnMapping, PreparationSpec
from upsr_core.errors import DataError

ALL = PreparationSpec(min_user=1, min_item=1)


def purchases(dataset):
    """user_id -> item_ids in order."""
    ids = dataset.items.item_id.to_numpy()
    return {user: list(ids[dataset.history(place)]) for place, user in enumerate(dataset.users)}


EXPECTED = {f"u{u}": [f"i{(u + n) % 6}" for n in range(6)] for u in range(6)}


def test_plain_form_needs_no_mapping(items_file, events_file):
    dataset = import_dataset("plain", items_file, events_file)
    assert purchases(dataset) == EXPECTED
    assert dataset.attributes == ("title", "category", "brand", "year")
    assert dataset.items.iloc[2].tolist() == ["i2", "Title 2", "Shop, Aisle", "Acme", "2002"]
    assert dataset.timestamps[:3].tolist() == [1_500_000_000, 1_500_000_060, 1_500_000_120]
    assert dataset.offsets.tolist() == [0, 6, 12, 18, 24, 30, 36]
    assert (dataset.sequence.dtype, dataset.offsets.dtype, dataset.timestamps.dtype) == ("int32", "int64", "int64")


def test_amazon_2014_metadata_are_python_literals(tmp_path):
    rows = [
        {
            "asin": f"i{n}",
            "title": 'It\'s "a" title',
            "categories": [["Beauty", "Nails"], ["Gifts"]],
            "price": 7.5,
            "salesRank": {"Beauty": 10 + n},
            "related": {"also_viewed": ["B2"], "also_bought": ["B1"], "bought_together": ["B3"]},
            "imUrl": "http://x/y.jpg",
        }
        for n in range(6)
    ]
    items = write_lines(tmp_path / "meta_Beauty.json.gz", [repr(row) for row in rows])
    reviews = [
        {"reviewerID": user, "asin": item, "helpful": [0, 0], "overall": 5.0, "unixReviewTime": time}
        for user, item, time in EVENTS
    ]
    events = write_json_lines(tmp_path / "reviews_Beauty_5.json.gz", reviews)
    assert [guess(path).kind for path in (items, events)] == ["amazon-2014", "amazon-2014"]
    dataset = import_dataset("beauty", items, events)
    assert purchases(dataset) == EXPECTED
    assert dataset.items.iloc[1].to_dict() == {
        "item_id": "i1",
        "title": 'It\'s "a" title',
        "category": "Beauty, Nails",
        "brand": "",
        "price": "7.50",
        "description": "",
        "related": "B1, B2, B3",
        "salesrank": "Beauty 11",
    }


def test_a_python_literal_is_data_and_never_runs(tmp_path, events_file):
    target = tmp_path / "was-run"
    good = [repr({"asin": f"i{n}", "title": "T", "imUrl": ""}) for n in range(6)]
    evil = f"{{'asin': 'i9', 'title': __import__('pathlib').Path({str(target)!r}).touch()}}"
    items = write_lines(tmp_path / "meta.json", [*good, evil])
    dataset = import_dataset("d", items, events_file)
    assert not target.exists()
    assert dataset.report["unreadable_item_lines"] == 1


def test_amazon_2018(tmp_path):
    rows = [
        {
            "asin": f"i{n}",
            "title": "Fish &amp; Chips",
            "category": ["Food", "Food", "Sea <b>food</b>"],
            "brand": "Acme",
            "price": "$1,234.56",
            "description": ["One.", "Two."],
            "also_buy": ["B1"],
            "also_view": ["B2"],
            "rank": "2,255 in Food (",
            "main_cat": "Food",
        }
        for n in range(6)
    ]
    items = write_json_lines(tmp_path / "meta_Food.json.gz", rows)
    reviews = [{"reviewerID": u, "asin": i, "verified": True, "unixReviewTime": t} for u, i, t in EVENTS]
    events = write_json_lines(tmp_path / "Food_5.json.gz", reviews)
    assert [guess(path).kind for path in (items, events)] == ["amazon-2018", "amazon-2018"]
    dataset = import_dataset("food", items, events)
    assert purchases(dataset) == EXPECTED
    assert dataset.items.iloc[0].tolist()[1:8] == [
        "Fish & Chips", "Food, Sea food", "Acme", "1234.56", "One. Two.", "B1, B2", "Food 2255",
    ]  # fmt: skip
    assert dataset.report["mends"]["category"] == {"HTML": 6, "repeated category": 6}


def test_amazon_2023_has_milliseconds_and_parent_asins(tmp_path):
    rows = [
        {
            "parent_asin": f"i{n}",
            "title": "T",
            "store": "Acme",
            "categories": ["Arts", "Sewing"],
            "price": 3,
            "description": ["D"],
            "features": ["F"],
            "details": {"Color": "red"},
        }
        for n in range(6)
    ]
    items = write_json_lines(tmp_path / "meta_Arts.jsonl", rows)
    # Two events of one second: the milliseconds decide, though the rows stand the other way round.
    reviews = [
        {"user_id": u, "parent_asin": i, "asin": "x", "timestamp": t * 1000 + ms}
        for u, i, t, ms in [("u0", "i1", 1_600_000_000, 900), ("u0", "i0", 1_600_000_000, 100)]
    ]
    events = write_json_lines(tmp_path / "Arts.jsonl", reviews)
    assert [guess(path).kind for path in (items, events)] == ["amazon-2023", "amazon-2023"]
    dataset = import_dataset("arts", items, events, preparation=ALL)
    assert purchases(dataset) == {"u0": ["i0", "i1"]}
    assert dataset.timestamps.tolist() == [1_600_000_000, 1_600_000_000]
    assert dataset.report["ties"] == 0
    assert dataset.items.iloc[0][["brand", "category", "price", "features"]].tolist() == [
        "Acme", "Arts, Sewing", "3.00", "F",
    ]  # fmt: skip


def test_atomic_files(tmp_path):
    items = write_table(
        tmp_path / "ml.item",
        [(f"i{n}", "Toy Story", "Animation Comedy", 1995) for n in range(6)],
        ("item_id:token", "movie_title:token_seq", "class:token_seq", "release_year:float"),
    )
    events = write_table(tmp_path / "ml.inter", EVENTS, ("user_id:token", "item_id:token", "timestamp:float"))
    assert [guess(path).kind for path in (items, events)] == ["atomic", "atomic"]
    dataset = import_dataset("ml", items, events)
    assert purchases(dataset) == EXPECTED
    assert dataset.items.iloc[0].tolist() == ["i0", "Toy Story", "Animation, Comedy", "1995"]


@pytest.mark.parametrize("longest_first", [True, False])
def test_unisrec_sequences_and_item_index(tmp_path, longest_first):
    items = write_table(
        tmp_path / "Arts.text", [(f"i{n}", f"Thread {n}") for n in range(6)], ("item_id:token", "text:token_seq")
    )
    write_lines(tmp_path / "Arts.item2index", [f"i{n}\t{n}" for n in range(6)])
    samples = []
    for user in range(6):
        events = [str((user + n) % 6) for n in range(6)]
        found = [(user, " ".join(events[max(0, end - 4) : end]), events[end]) for end in range(1, 6)]
        samples += found[::-1] if longest_first else found
    events = write_table(
        tmp_path / "Arts.train.inter", samples, ("user_id:token", "item_id_list:token_seq", "item_id:token")
    )
    dataset = import_dataset("arts", items, events)
    kept = {user.removeprefix("u"): bought for user, bought in EXPECTED.items()}
    assert purchases(dataset) == kept
    assert dataset.items.title.tolist() == [f"Thread {n}" for n in range(6)]
    assert len(dataset.spec.events.sha256) == 2
    assert "no Arts.valid.inter and no Arts.test.inter" in dataset.report["steps"][0]["note"]


@pytest.mark.parametrize("longest_first", [True, False])
def test_unisrec_held_out_events_are_read_from_the_files_beside(tmp_path, longest_first, items_file):
    columns = ("user_id:token", "item_id_list:token_seq", "item_id:token")
    parts = {"train": [], "valid": [], "test": []}
    for user in range(6):
        events = [f"i{(user + n) % 6}" for n in range(6)]
        found = [(user, " ".join(events[max(0, end - 3) : end]), events[end]) for end in range(1, 6)]
        parts["train"] += found[2::-1] if longest_first else found[:3]
        parts["valid"].append(found[3])
        parts["test"].append(found[4])
    files = {name: write_table(tmp_path / f"A.{name}.inter", rows, columns) for name, rows in parts.items()}
    dataset = import_dataset("a", items_file, files["train"], preparation=ALL)
    assert purchases(dataset) == {user.removeprefix("u"): bought for user, bought in EXPECTED.items()}
    assert len(dataset.spec.events.sha256) == 3
    assert dataset.report["unreadable_event_lines"] == 0 and "missing" not in dataset.report["steps"][0]["note"]


def test_a_sequence_that_does_not_continue_its_user_is_counted(tmp_path, items_file):
    columns = ("user_id:token", "item_id_list:token_seq", "item_id:token")
    rows = [("u0", "i0", "i1"), ("u0", "i5 i4", "i3"), ("u0", "i0 i1", "i2")]
    events = write_table(tmp_path / "A.train.inter", rows, columns)
    dataset = import_dataset("a", items_file, events, preparation=ALL)
    assert purchases(dataset) == {"u0": ["i0", "i1", "i2"]}
    assert "1 unreadable lines (lines 3)" in dataset.report["steps"][0]["note"]


@pytest.mark.parametrize("form", ["csv", "csv.gz", "semicolon", "parquet", "jsonl.gz"])
def test_any_table_with_a_mapping(tmp_path, form):
    catalogue = pd.DataFrame(
        {"Code": [f"i{n}" for n in range(6)], "Label": ['say "hi", twice', *"bcdef"], "Maker": ["Acme", None] * 3}
    )
    log = pd.DataFrame([(u, i, pd.Timestamp(t, unit="s")) for u, i, t in EVENTS], columns=["Who", "Code", "When"])
    paths = [tmp_path / f"{name}.{form}" for name in ("items", "log")]
    for table, path in zip((catalogue, log), paths, strict=True):
        if form == "parquet":
            table.to_parquet(path)
        elif form == "jsonl.gz":
            table.to_json(path, orient="records", lines=True, date_format="iso")
        else:
            table.to_csv(path, index=False, sep=";" if form == "semicolon" else ",")
    items = ColumnMapping(item_id="Code", attributes=(("title", "Label"), ("brand", "Maker")))
    events = ColumnMapping(user_id="Who", item_id="Code", timestamp="When")
    dataset = import_dataset("t", *paths, item_mapping=items, event_mapping=events)
    assert purchases(dataset) == EXPECTED
    assert dataset.items.title[0] == 'say "hi", twice'
    assert dataset.items.brand.tolist() == ["Acme", ""] * 3
    assert dataset.timestamps[:2].tolist() == [1_500_000_000, 1_500_000_060]


def test_one_log_can_be_both_files(tmp_path):
    rows = [(user, item, time, f"Name of {item}") for user, item, time in EVENTS]
    log = write_table(tmp_path / "log.csv", rows, ("CustomerID", "StockCode", "InvoiceDate", "Description"), ",")
    mapping = guess(log, role="items").mapping
    assert mapping == ColumnMapping(item_id="StockCode", attributes=(("description", "Description"),))
    dataset = import_dataset("log", log, log)
    assert purchases(dataset) == EXPECTED
    assert dataset.report["duplicate_item_rows"] == 30


def test_names_are_guessed_and_the_rest_of_the_text_is_kept(tmp_path):
    rows = [
        {"app_id": 1, "name": "Half-Life", "genres": "Action|FPS", "developer": "Valve", "Mood": "dark", "rating": 5}
    ]
    found = guess(write_json_lines(tmp_path / "games.jsonl", rows))
    assert (found.role, found.kind, found.preview) == ("items", "table", rows)
    assert found.mapping.item_id == "app_id"
    assert found.mapping.attributes == (
        ("title", "name"), ("category", "genres"), ("brand", "developer"), ("mood", "Mood"),
    )  # fmt: skip


def test_a_file_without_a_header_gets_numbered_columns(tmp_path, items_file):
    events = write_lines(tmp_path / "ratings.csv", [f"{item},{user},5.0,{time}" for user, item, time in EVENTS])
    assert guess(events).columns == ("column_1", "column_2", "column_3", "column_4")
    with pytest.raises(DataError, match="--map-event user_id=COLUMN"):
        import_dataset("d", items_file, events)
    mapping = ColumnMapping(user_id="column_2", item_id="column_1", timestamp="column_4")
    assert purchases(import_dataset("d", items_file, events, event_mapping=mapping)) == EXPECTED


def test_a_first_line_with_a_date_is_data(tmp_path):
    log = write_lines(tmp_path / "log.csv", ["u0,i0,2024-01-01", "u0,i1,2024-01-02"])
    assert guess(log).columns == ("column_1", "column_2", "column_3")


def test_the_same_files_give_the_same_digest_whatever_the_name(items_file, events_file):
    one, two = (import_dataset(name, items_file, events_file) for name in ("one", "two"))
    other = import_dataset("one", items_file, events_file, preparation=ALL)
    assert one.digest == two.digest != other.digest
    write_json_lines(items_file, [{**ITEMS[0], "title": "Other"}, *ITEMS[1:]])
    assert import_dataset("two", items_file, events_file).digest != one.digest


def test_gz_is_told_by_content_not_by_name(tmp_path, events_file):
    path = tmp_path / "items.jsonl"
    path.write_bytes(gzip.compress("".join(json.dumps(row) + "\n" for row in ITEMS).encode()))
    assert purchases(import_dataset("d", path, events_file)) == EXPECTED


def test_columns_of_a_shop_that_nobody_here_wrote(tmp_path):
    items, events = tmp_path / "games.csv", tmp_path / "purchases.csv"
    items.write_text("sku,name,genre,publisher,cost,blurb\nB1,Harvest,Party,Nord,18.90,Place workers.\n")
    events.write_text("customer,sku,bought_on,qty\nc1,B1,2023-06-21,1\nc2,B1,2022-03-07,2\n")
    pairs = dict(guess(items).mapping.attributes)
    assert pairs == {
        "title": "name",
        "category": "genre",
        "brand": "publisher",
        "price": "cost",
        "description": "blurb",
    }
    found = guess(events)
    assert found.role == "events"
    assert (found.mapping.user_id, found.mapping.item_id, found.mapping.timestamp) == ("customer", "sku", "bought_on")


def test_years_of_two_digits_and_flags_and_a_number_of_the_customer(tmp_path):
    log = tmp_path / "log.csv"
    rows = [f"{n},Mug {n},12/{n + 10}/97,A{n},1,0" for n in range(10)]
    log.write_text("\n".join(["Customer No.,name,Bought on,Article,drama,comedy", *rows]) + "\n")
    found = guess(log)
    columns = found.mapping.user_id, found.mapping.item_id, found.mapping.timestamp
    assert columns == ("Customer No.", "Article", "Bought on") and found.role == "events"
    assert guess(log, role="items").mapping.attributes == (("title", "name"),), "nothing of the buyer, and no flag"
    renamed = tmp_path / "other.csv"
    renamed.write_text(log.read_text().replace("Bought on", "Till"))
    assert guess(renamed).mapping.timestamp == "Till", "nothing but dates"


def test_a_log_lends_its_items_nothing_of_its_buyers(tmp_path):
    rows = [
        (user, item, f"2024-01-{day % 28 + 1:02d}", f"Name of {item}") for day, (user, item, _) in enumerate(EVENTS)
    ]
    log = write_table(tmp_path / "log.csv", rows, ("Kundin", "StockCode", "Tag", "name"), ",")
    assert dict(guess(log, role="items").mapping.attributes) == {"title": "name", "kundin": "Kundin", "tag": "Tag"}
    events = ColumnMapping(user_id="Kundin", item_id="StockCode", timestamp="Tag")
    assert import_dataset("log", log, log, event_mapping=events).attributes == ("title",)
