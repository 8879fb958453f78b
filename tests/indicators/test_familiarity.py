"""Familiarity: what is compared, that words without sense save nothing, and what a single letter gets."""

import numpy as np
import pytest
from made_data import silent

from upsr_core.indicators.attribute_tokens import Catalogue
from upsr_core.indicators.attribute_use import DISCARD, TUNING, Criteria, use_of
from upsr_core.indicators.familiarity import familiarity, shuffled, value_bits, visible
from upsr_core.likelihood.reference import reference_log_likelihood
from upsr_core.text.design import ItemDesign

WORDS = ["the king of the north", "a little house on the hill", "she went home in the evening", "war and peace"]


def of(data, tokenizer, reader, design, **options):
    return familiarity(Catalogue(data, tokenizer), ItemDesign.of(design, **options), reader, 0, 0, silent)


def test_bits_are_those_of_the_plain_way(make, tokenizer, reader):
    catalogue = Catalogue(make({"title": [WORDS[0], "", WORDS[1]]}), tokenizer)
    found = value_bits(catalogue, "title", np.arange(3), reader, 0, silent)
    mask = np.array([tokenizer.sentinels[0], tokenizer.end])

    def bits(text):
        return -reference_log_likelihood(
            reader.model, mask, tokenizer.sentinels[0], np.array(tokenizer.encode(text))
        ) / np.log(2)

    cost = [(bits(shuffled(text, 0 * 2 + 1)) + bits(shuffled(text, 0 * 2 + 2))) / 2 for text in WORDS[:2]]
    np.testing.assert_allclose(found.cost[[0, 2]], cost, rtol=1e-4)
    np.testing.assert_allclose(found.saved[[0, 2]], cost - np.array([bits(text) for text in WORDS[:2]]), rtol=1e-4)
    assert found.cost[1] == found.saved[1] == 0, "no value"


def test_sentences_are_known_and_letters_without_sense_are_not(make, tokenizer, reader):
    known = of(make({"title": WORDS}), tokenizer, reader, "title")
    mixed = of(make({"title": [shuffled(text, 99) for text in WORDS]}), tokenizer, reader, "title")
    prices = of(make({"price": ["12.99", "8.49", "129.00", "3.75"]}), tokenizer, reader, "price")
    assert known.value > 0.5 > 0.35 > prices.value
    assert abs(mixed.value) < 0.15
    assert of(make({"title": ["A", "7"]}), tokenizer, reader, "title").value == 0, "one letter has one order"


def test_the_format_does_not_count_and_what_is_cut_does_not(make, tokenizer, reader):
    data = make({"title": WORDS, "price": ["12.99", "8.49", "129.00", "3.75"]})
    found = of(data, tokenizer, reader, "title,price")
    alone = {name: of(data, tokenizer, reader, name).value for name in ("title", "price")}
    assert found.facts["attributes"] == pytest.approx(alone)
    assert alone["price"] < found.value < alone["title"]
    cut = of(data, tokenizer, reader, "title,price", cap=3)
    catalogue = Catalogue(data, tokenizer)
    seen = visible(catalogue, ItemDesign.of("title,price", cap=3), np.arange(4))
    np.testing.assert_allclose(seen[:, 0], 3 / catalogue.attribute("title").lengths)
    assert not seen[:, 1].any() and cut.value > alone["price"] and cut.facts["attributes"]["price"] is None


def test_a_sample_has_an_interval(make, tokenizer, reader):
    data = make({"title": [f"{text} {number}" for text in WORDS for number in range(5)]})
    found = familiarity(Catalogue(data, tokenizer), ItemDesign.of("title"), reader, 10, 0, silent)
    assert found.low < found.value < found.high and "10 of 20" in found.note


@pytest.mark.parametrize(
    ("criteria", "use"),
    [
        (Criteria(0.1, np.nan, 0.0, 0.9), DISCARD),
        (Criteria(0.1, np.nan, 0.9, 0.0), DISCARD),
        (Criteria(0.6, 0.9, 0.0, 0.9), TUNING),
        (Criteria(0.6, 0.6, 0.0, 0.0), TUNING),
        (Criteria(0.6, 0.9, 0.0, 0.0), "pre-training and tuning"),
        (Criteria(np.nan, np.nan, np.nan, np.nan), DISCARD),
    ],
)
def test_use_follows_the_rule(criteria, use):
    assert use_of(criteria)[0] == use
