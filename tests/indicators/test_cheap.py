"""Informativeness, noise and length: the paper's figures, planted defects, every item behind a number."""

import numpy as np
import pandas as pd
import pytest

from upsr_core.indicators.attribute_tokens import Catalogue
from upsr_core.indicators.informativeness import informativeness
from upsr_core.indicators.near_duplicates import near_identical
from upsr_core.indicators.noise import noise
from upsr_core.indicators.text_length import length
from upsr_core.text.design import ItemDesign
from upsr_core.text.render import ItemTexts


@pytest.mark.parametrize("design", ["title", "category,title", "title,category,brand", "brand,description,title"])
@pytest.mark.parametrize("cap", [5, 40])
def test_tokens_made_per_attribute_are_those_of_the_whole_text(movies, tokenizer, design, cap):
    item = ItemDesign.of(design, cap=cap, attribute_caps=(("title", 3),))
    ours = Catalogue(movies, tokenizer).tokens(item)
    whole = ItemTexts(item, movies.items, tokenizer)
    assert not isinstance(ours, ItemTexts)
    for name in ("ids", "owner", "of_value", "offsets", "full_tokens", "value_tokens", "empty"):
        np.testing.assert_array_equal(getattr(ours, name), getattr(whole, name), err_msg=name)
    assert ours.texts == whole.texts


def test_a_template_is_rendered_whole(movies, tokenizer):
    item = ItemDesign(attributes=("title", "brand"), template="{title}-{brand}")
    assert isinstance(Catalogue(movies, tokenizer).tokens(item), ItemTexts)


@pytest.mark.parametrize(
    ("dataset", "bits"),
    [
        ("movielens-100k-plots", {"title": 2.80, "category,title": 3.85, "category,title,brand,description": 4.82}),
        ("amazon-beauty-2014", {"title": 4.04, "category,title": 4.70}),
    ],
)
def test_informativeness_is_the_papers_with_the_tokenizer_of_t5(shared, make, dataset, bits):
    from upsr_core.plm.loading import load_tokenizer

    items = pd.read_json(shared / "data" / dataset / "items.jsonl.gz", lines=True, dtype=False)
    columns = {}
    for name in ("title", "category", "brand", "description"):
        if name in items:
            from upsr_core.datasets.cleaning import clean

            columns[name] = [clean(name, value, set()) for value in items[name]]
    catalogue = Catalogue(make(columns), load_tokenizer(str(shared / "tokenizers" / "t5")))
    for design, expected in bits.items():
        assert informativeness(catalogue, ItemDesign.of(design)).value == pytest.approx(expected, abs=0.03)


def test_what_an_added_attribute_brings(make, tokenizer):
    data = make(
        {"category": ["Art"] * 4, "title": ["Red", "Red", "Blue", "Green"], "brand": ["Ox", "Elk", "Elk", "Elk"]}
    )
    reading = informativeness(Catalogue(data, tokenizer), ItemDesign.of("category,title,brand"))
    steps = reading.facts["steps"]
    assert [step["distinguishable"] for step in steps] == [0, 0.5, 1]
    assert [step["newly_distinguishable"] for step in steps] == [0, 0.5, 0.5]
    assert sum(step["gain"] for step in steps) == pytest.approx(reading.value)
    assert reading.tables["items"].told_apart_after.tolist() == [3, 3, 2, 2]


NOUNS = (
    "lamp", "table", "chair", "window", "river", "stone", "garden", "market",
    "copper", "silver", "paper", "button", "candle", "basket", "mirror", "ladder",
)  # fmt: skip


@pytest.fixture
def catalogue(make, tokenizer):
    """Six hundred clean titles, and planted among them four kinds of defects of forty items each."""
    rng = np.random.default_rng(3)
    words = [f"{noun}{ending}" for noun in NOUNS for ending in ("", "s", "y", "ful", "ette", "ware")]
    titles = [" ".join(rng.choice(words, size=11, replace=False)) for _ in range(600)]
    planted = {
        name: set(range(start, start + 40))
        for name, start in (
            ("identical", 0),
            ("near_identical", 40),
            ("markup", 80),
            ("repeated", 120),
            ("stacked", 160),
        )
    }
    for item in planted["identical"]:
        titles[item] = titles[400 + item]
    planted["identical"] |= {400 + item for item in planted["identical"]}
    for item in planted["near_identical"]:
        titles[item] = titles[410 + item].upper() + (" !" if item % 2 else " extra")
    planted["near_identical"] |= {410 + item for item in planted["near_identical"]}
    marks = ("<b>{}</b>", "{} &nbsp;", "{} http://shop.example/x", "!!!!!!! {}", ".box {{color: red;}} {}", "Ã© {} â€")
    for number, item in enumerate(planted["markup"]):
        titles[item] = marks[number % len(marks)].format(titles[item])
    for item in planted["repeated"]:
        titles[item] = f"dress {titles[item].split()[0]} dress party dress {titles[item].split()[1]}"
    for item in planted["stacked"]:
        titles[item] = "/".join(rng.choice(words, size=7, replace=False)) + " lamp"
    return Catalogue(make({"title": titles}), tokenizer), planted


@pytest.mark.parametrize("part", ["identical", "near_identical", "markup", "repeated", "stacked"])
def test_planted_defects_are_found(catalogue, part):
    made, planted = catalogue
    reading = noise(made, ItemDesign.of("title", cap=120))
    found = set(reading.tables[part].item)
    right = len(found & planted[part])
    assert right / len(found) > 0.95 and right / len(planted[part]) > 0.95
    assert reading.facts["components"][part] == pytest.approx(len(found) / 600)


def test_planted_boilerplate_is_found(make, tokenizer):
    rng = np.random.default_rng(0)
    texts = [" ".join(rng.choice(NOUNS, size=12)) for _ in range(300)]
    texts[:40] = [f"{text} free shipping on all orders today" for text in texts[:40]]
    reading = noise(Catalogue(make({"description": texts}), tokenizer), ItemDesign.of("description"))
    assert set(reading.tables["boilerplate"].item) == set(range(40))
    assert "free shipping on all orders today" in set(reading.tables["boilerplate"].found)


def test_ordinary_texts_have_no_defect(make, tokenizer):
    titles = [
        "The Lord of the Rings: The Return of the King",
        "New York, New York",
        "Red, white and blue",
        "I <3 you",
        "A & B",
    ]
    reading = noise(Catalogue(make({"title": titles}), tokenizer), ItemDesign.of("title"))
    assert reading.value == 0, {part: table for part, table in reading.tables.items() if len(table)}


def test_values_that_hardly_vary(make, tokenizer):
    data = make({"brand": ["Elk"] * 9 + ["Ox"], "title": [f"Drum {number}" for number in range(10)]})
    facts = noise(Catalogue(data, tokenizer), ItemDesign.of("brand,title")).facts
    assert facts["hardly_vary"] == ["brand"]
    assert facts["attributes"][0]["its_share"] == 0.9 and 1 < facts["attributes"][0]["effective"] < 2


def test_near_identical_is_exact():
    rng = np.random.default_rng(1)
    sets = [set(rng.choice(40, size=rng.integers(1, 24), replace=False).tolist()) for _ in range(150)]
    sets += [(set(base) | {99}) for base in sets[:20]] + [set(), set()]
    item = np.array([number for number, words in enumerate(sets) for _ in words])
    code = np.array([word for words in sets for word in sorted(words)])
    found = near_identical(item, code, len(sets)).set_index("item").similarity
    for number, words in enumerate(sets):
        others = [len(words & o) / len(words | o) for k, o in enumerate(sets) if k != number and words and o]
        best = max(others, default=0)
        assert found.get(number, 0) == pytest.approx(best if best >= 0.9 else 0), number


def test_length_counts_cut_items_and_history(movies, tokenizer):
    reading = length(Catalogue(movies, tokenizer), ItemDesign.of("category,title,description", cap=12))
    texts = ItemTexts(ItemDesign.of("category,title,description", cap=12), movies.items, tokenizer)
    assert reading.value == pytest.approx(texts.full_tokens.mean())
    assert reading.facts["cut"] == pytest.approx((texts.full_tokens > 12).mean())
    assert sum(part["tokens"] for part in reading.facts["attributes"]) == pytest.approx(reading.facts["kept"])
    assert sum(part["full_tokens"] for part in reading.facts["attributes"]) == pytest.approx(reading.value)
    assert 0 < reading.facts["history"]["items_that_fit"] <= reading.facts["history"]["items"]
