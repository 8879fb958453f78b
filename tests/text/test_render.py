import pandas as pd
import pytest

from upsr_core.errors import DesignError
from upsr_core.plm.loading import load_tokenizer
from upsr_core.text.design import Design, ItemDesign, parse_design
from upsr_core.text.render import ItemTexts, render

ITEM = {"title": "Red Ink", "category": "Art, Pens", "brand": "Zyqor", "price": "", "description": "Bright."}


def test_paper_format_and_missing_values():
    text, pieces = render(ItemDesign.of("category,title,brand,price,description"), ITEM)
    assert text == "(category: Art, Pens) Red Ink (brand: Zyqor) (description: Bright.)"
    assert [piece.attribute for piece in pieces] == ["category", "title", "brand", "description"]
    assert "".join(text[piece.start : piece.end] for piece in pieces) == text


def test_template_drops_the_text_of_a_missing_value():
    design = ItemDesign.of("title,price,brand", template="{title} for {price}, by {brand}!")
    assert render(design, ITEM)[0] == "Red Ink, by Zyqor!"


@pytest.mark.parametrize("template", ["{title.__class__}", "{title!r}", "{title:>9}", "{0}", "{title", "{brand}"])
def test_hostile_or_wrong_templates_are_refused(template):
    with pytest.raises(DesignError):
        ItemDesign.of("title", template=template)


def test_designs_are_validated_and_hashable():
    for names in ("", "title,title", "item_id"):
        with pytest.raises((DesignError, ValueError)):
            ItemDesign.of(names)
    with pytest.raises(DesignError):
        Design(prompt="no fields")
    assert parse_design("title,brand").digest == parse_design("title, brand").digest
    assert parse_design("title,brand").digest != parse_design("brand,title").digest
    assert len({parse_design("title"), parse_design("title")}) == 1


def test_every_token_knows_its_attribute_and_caps_hold():
    tokenizer = load_tokenizer("embedded")
    items = pd.DataFrame([{"item_id": "a", **ITEM}, {"item_id": "b", **dict.fromkeys(ITEM, "")}])
    design = ItemDesign.of("category,title,brand,description", cap=12, attribute_caps=(("category", 3),))
    texts = ItemTexts(design, items, tokenizer)
    item = texts.item(0)
    assert len(item.ids) == len(item.owner) == 12 < item.full_tokens
    assert (item.owner == 0).sum() == 3
    shown = dict.fromkeys(design.attributes, "")
    for token, owner in zip(tokenizer.tokens(item.ids.tolist()), item.owner, strict=True):
        shown[design.attributes[owner]] += token
    assert shown["title"].replace("▁", " ").strip() == "Red Ink"
    assert texts.empty.tolist() == [False, True] and len(texts.ids_of(1)) == 1


def test_missing_attribute_names_those_that_exist():
    items = pd.DataFrame({"item_id": ["a"], "title": ["x"]})
    with pytest.raises(DesignError, match="title"):
        ItemTexts(ItemDesign.of("title,plot"), items, load_tokenizer("embedded"))


def test_sentinels_in_item_texts_are_text():
    tokenizer = load_tokenizer("embedded")
    ids = tokenizer.encode("Mask <extra_id_0> and </s> here")
    assert not set(ids) & {*tokenizer.sentinels, tokenizer.end}


def test_a_doubled_brace_is_a_brace():
    design = ItemDesign(attributes=("title",), template="{{new}} {title} {{end}}")
    assert render(design, {"title": "Red Ink"})[0] == "{new} Red Ink {end}"
