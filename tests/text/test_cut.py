"""What the caps leave of a catalogue: values known by hand, and the same as counted slowly, token by token."""

import numpy as np
import pytest
from made_data import made

from upsr_core.indicators.attribute_tokens import Catalogue
from upsr_core.indicators.informativeness import informativeness
from upsr_core.indicators.noise import noise
from upsr_core.plm.loading import load_tokenizer
from upsr_core.text.cut import Cut, cut_of, in_words
from upsr_core.text.design import ItemDesign
from upsr_core.text.render import ItemTexts


@pytest.fixture(scope="module")
def tokenizer():
    return load_tokenizer("embedded")


def both_ways(design, data, tokenizer) -> Cut:
    """Of whole texts, and of attributes that were tokenised apart; they say the same."""
    whole = cut_of(ItemTexts(design, data.items, tokenizer))
    assert Catalogue(data, tokenizer).cut(design) == whole
    return whole


def test_values_known_by_hand(tokenizer):
    data = made(
        {
            "title": ["red red red red", "red red red red", "blue", "", ""],
            "brand": ["Old House", "Fox", "", "Ox", ""],
            "note": ["", "", "", "", ""],
        }
    )
    assert [len(tokenizer.encode(text)) for text in ("red", "blue", "(brand:")] == [1, 1, 3]
    left = both_ways(ItemDesign.of("title,brand,note", cap=4), data, tokenizer)
    title, brand, note = left.attributes.values()
    # Both red items keep four tokens of the title, and nothing of their brands: their texts are one.
    assert (left.items, left.cap, left.identical) == (5, 4, 2) and left.cut == pytest.approx(3 / 5)
    assert (title.present, title.visible, title.whole, title.tokens) == (3, 1.0, 1.0, pytest.approx(9 / 5))
    # Of three brands only Ox shows, in one token after the name, and its bracket is cut.
    assert (brand.present, brand.visible, brand.tokens) == (3, pytest.approx(1 / 3), pytest.approx(4 / 5))
    assert (note.present, note.visible, note.whole, note.tokens) == (0, 0.0, 0.0, 0.0)
    assert left.hides


def test_a_name_without_its_value_shows_nothing(tokenizer):
    data = made({"title": ["red", "blue"], "brand": ["Fox", "Fox"]})
    name = len(tokenizer.encode("(brand:"))
    hidden = both_ways(ItemDesign.of("title,brand", cap=1 + name), data, tokenizer)
    assert hidden.attributes["brand"].tokens == name and hidden.attributes["brand"].visible == 0
    everything = both_ways(ItemDesign.of("title,brand"), data, tokenizer)
    assert everything.attributes["brand"].visible == everything.attributes["brand"].whole == 1
    assert everything.cut == 0 and not everything.hides
    # Without the closing bracket alone the value is whole, and the item is cut.
    last = both_ways(ItemDesign.of("title,brand", cap=len(tokenizer.encode("red (brand: Fox)")) - 1), data, tokenizer)
    assert last.cut == 1 and last.attributes["brand"].whole == (
        tokenizer.encode("(brand: Fox)")[-1] == bracket(tokenizer)
    )


def bracket(tokenizer) -> int:
    return tokenizer.backend.token_to_id(")")


def test_items_without_any_text_are_one_text(tokenizer):
    data = made({"title": ["", "", "red"]})
    left = both_ways(ItemDesign.of("title"), data, tokenizer)
    assert (left.identical, left.cut, left.attributes["title"].present) == (2, 0, 1)
    assert left.attributes["title"].tokens == pytest.approx(1 / 3), "a stand-in token is no token of the title"
    assert both_ways(ItemDesign.of("title"), made({"title": []}), tokenizer).items == 0


def test_identical_is_one_word(tokenizer):
    """Noise, informativeness and the line on the cut count the same items, also of those without any text."""
    data = made({"title": ["", "", "red", "red", "blue"]})
    catalogue, item = Catalogue(data, tokenizer), ItemDesign.of("title")
    share = catalogue.cut(item).identical / 5
    assert share == 0.8 == noise(catalogue, item).facts["components"]["identical"]
    assert share == pytest.approx(1 - informativeness(catalogue, item).facts["distinguishable"])


@pytest.mark.parametrize(
    "design",
    [
        ItemDesign.of("category,title,brand", cap=26),
        ItemDesign.of("title,price,description,brand", cap=25, attribute_caps=(("description", 4),)),
        ItemDesign(attributes=("title", "brand"), template="{title}, by {brand}.", cap=8),
    ],
)
def test_the_same_as_counted_slowly(movies, tokenizer, design):
    left, slow = both_ways(design, movies, tokenizer), counted(design, movies, tokenizer)
    assert (left.items, left.cut, left.identical) == (len(movies.items), pytest.approx(slow["cut"]), slow["identical"])
    for name, each in left.attributes.items():
        assert each.model_dump() == pytest.approx(slow[name]), name
    assert 0 < left.attributes["brand"].visible < 1, "a cut that says something"


def counted(design, data, tokenizer) -> dict:
    """Item by item: which characters of a value are under a token that is kept, read from the text itself."""
    texts = ItemTexts(design, data.items, tokenizer)
    found: dict = {name: [] for name in design.attributes}
    tokens, seen, cut = dict.fromkeys(design.attributes, 0), [], 0
    for number in range(len(texts)):
        item, values = texts.item(number), data.items.iloc[number]
        ids, offsets = tokenizer.encode_with_offsets([item.text])[0]
        start, spans = 0, {}
        for name in design.attributes:
            if values[name]:
                start = item.text.index(values[name], start)
                spans[name] = (start, start + len(values[name]))
                start += len(values[name])
        kept, counts = [], dict.fromkeys(design.attributes, 0)
        for place, (_, end) in enumerate(offsets):
            ends = [(name, span[1]) for name, span in spans.items()]
            # A bracket or a full stop after a value is still its attribute's.
            after = 1 if design.template is None else 0
            name = next((name for name, stop in ends if end <= stop + (after if name != "title" else 0)), ends[-1][0])
            counts[name] += 1
            if counts[name] <= dict(design.attribute_caps).get(name, 10**9) and len(kept) < design.cap:
                kept.append((place, name))
        cut += len(kept) < len(ids)
        seen.append(tuple(ids[place] for place, _ in kept))
        for _, name in kept:
            tokens[name] += 1
        for name, (first, end) in spans.items():
            own = {place for place, (a, b) in enumerate(offsets) if a < end and b > first and item.text[a:b].strip()}
            left = own & {place for place, owner in kept if owner == name}
            found[name].append((bool(left), own == left))
    result: dict = {"cut": cut / len(texts), "identical": sum(seen.count(text) > 1 for text in seen)}
    for name, shown in found.items():
        visible, whole = np.array(shown).mean(axis=0)
        result[name] = {"present": len(shown), "visible": visible, "whole": whole, "tokens": tokens[name] / len(texts)}
    return result


def test_the_line(tokenizer):
    data = made({"title": ["red red", "red red"], "brand": ["Fox", ""], "note": ["", ""]})
    line = in_words(both_ways(ItemDesign.of("title,brand,note", cap=2), data, tokenizer))
    assert line == (
        "As cut at 2 tokens: title visible in 100 % of items (2.0 tokens), brand 0 % of the 1 that have one "
        "(0.0 tokens), note in no item · 2 of 2 items identical"
    )
