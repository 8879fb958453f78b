"""The real datasets beside the repository: their published counts, and the defects they are known for."""

import time

import numpy as np
import pytest

from upsr_core.datasets.importing import import_dataset
from upsr_core.datasets.splits import SplitSpec, split
from upsr_core.datasets.store import load_dataset
from upsr_core.errors import DataError


def imported(shared, name, **options):
    folder = shared / "data" / name
    return import_dataset(name, folder / "items.jsonl.gz", folder / "interactions.tsv.gz", **options)


def imported_2018(shared, name):
    folder = shared / "data" / "amazon-raw-2018"
    return import_dataset(name, folder / f"meta_{name}.json.gz", folder / f"{name}_5.json.gz")


@pytest.mark.alone
def test_beauty_is_the_published_5_core(shared):
    began = time.monotonic()
    beauty = imported(shared, "amazon-beauty-2014")
    assert time.monotonic() - began < 60
    assert (len(beauty.users), len(beauty.items), len(beauty.sequence)) == (22_363, 12_101, 198_502)
    assert beauty.timestamps is None
    assert beauty.attributes == ("title", "category", "brand", "related")
    assert {name: round(share) for name, share in beauty.report["coverage"].items()} == {
        "title": 100, "category": 100, "brand": 82, "related": 99,
    }  # fmt: skip
    began = time.monotonic()
    found = split(load_dataset("amazon-beauty-2014"), SplitSpec())
    assert time.monotonic() - began < 5
    assert (len(found.training), len(found.validation), len(found.test)) == (22_363,) * 3
    assert found.not_evaluated == 0


def test_gift_cards_2018(shared):
    gifts = imported_2018(shared, "Gift_Cards")
    assert gifts.spec.items.kind == gifts.spec.events.kind == "amazon-2018"
    assert gifts.attributes[:7] == ("title", "category", "brand", "price", "description", "related", "salesrank")
    assert gifts.report["mends"]["price"]["junk"] == 4
    assert gifts.items.category.str.startswith("Gift Cards, Gift Cards").sum() == 0
    assert gifts.report["coverage"]["title"] == 100
    priced = gifts.items.price[gifts.items.price != ""]
    assert priced.str.fullmatch(r"\d+\.\d\d( - \d+\.\d\d)?").all()


def test_magazines_2018_have_duplicates_and_junk_prices(shared):
    magazines = imported_2018(shared, "Magazine_Subscriptions")
    report = magazines.report
    assert report["duplicate_item_rows"] == 3385 - 2320
    assert report["mends"]["price"]["junk"] == 18
    assert not magazines.items.stack().str.contains("<span").any()
    unknown = next(step for step in report["steps"] if step["name"] == "events of unknown items")
    assert unknown["dropped"] == 2375 - 2311


@pytest.mark.parametrize(
    ("name", "users", "has_times"),
    [("movielens-100k-plots", 943, True), ("steam", 1_278, True)],
)
def test_other_shops(shared, name, users, has_times):
    dataset = imported(shared, name)
    assert len(dataset.users) == users
    assert (dataset.timestamps is not None) == has_times
    assert "year" in dataset.attributes
    for user in range(0, users, 50):
        part = slice(dataset.offsets[user], dataset.offsets[user + 1])
        assert (np.diff(dataset.timestamps[part]) >= 0).all()


def test_reviews_are_no_item_file(shared):
    log = shared / "data" / "amazon-raw-2018" / "AMAZON_FASHION_5.json.gz"
    with pytest.raises(DataError, match="this is no item file"):
        import_dataset("fashion", log, log)
