import numpy as np
import pytest

from upsr_core.plm.loading import load_tokenizer
from upsr_core.text import catalogue_overview
from upsr_core.text.design import Design, ItemDesign, parse_design
from upsr_core.text.prompt import SequenceBuilder
from upsr_core.text.render import ItemTexts
from upsr_core.text.token_view import trace_items


@pytest.fixture
def tokenizer():
    return load_tokenizer("embedded")


@pytest.mark.parametrize("limit", [40, 120, 300, 512, 4096])
def test_history_fit_says_what_the_builder_does(movies, tokenizer, limit):
    design = Design(finetune=ItemDesign.of("category,title,brand", cap=20), max_tokens=limit)
    builder = SequenceBuilder(design, ItemTexts(design.finetune, movies.items, tokenizer))
    fit = catalogue_overview.history_fit(builder, movies)
    for user in range(0, len(movies.users), 37):
        history = movies.history(user)[:-1]
        assert fit["items"][user] == len(history)
        assert fit.kept[user] == len(history) - builder.ranking(history).dropped


def test_overview_counts_what_is_kept_and_lost(movies, tokenizer):
    texts = ItemTexts(ItemDesign.of("category,title,description", cap=25), movies.items, tokenizer)
    counts, facts = catalogue_overview.token_counts(texts), catalogue_overview.summary(texts)
    assert counts.tokens.max() == 25 and (counts.tokens <= counts.full_tokens).all()
    assert catalogue_overview.attribute_tokens(texts).tokens.sum() == pytest.approx(facts["mean_tokens"])
    assert facts["cut"] == pytest.approx((counts.full_tokens > 25).mean())
    assert facts["tokens_lost"] == pytest.approx(1 - counts.tokens.sum() / counts.full_tokens.sum())
    # Cut to one token, all texts begin alike and so all items are identical.
    assert (
        catalogue_overview.summary(ItemTexts(ItemDesign.of("category", cap=1), movies.items, tokenizer))["identical"]
        == 1
    )


def test_trace_shows_every_character_and_marks_what_the_caps_keep(movies, tokenizer):
    design = ItemDesign.of("category,title,brand,price,description", cap=30, attribute_caps=(("category", 4),))
    chosen = movies.items.iloc[:40]
    texts = ItemTexts(design, chosen, tokenizer)
    for number, tokens in enumerate(trace_items(design, chosen, tokenizer)):
        item = texts.item(number)
        assert "".join(token.text for token in tokens) == item.text
        kept = [design.attributes.index(token.attribute) for token in tokens if token.kept]
        assert np.array_equal(kept, item.owner)
        assert len(tokens) == item.full_tokens


def test_trace_of_an_item_without_text(movies, tokenizer):
    bare = movies.items.iloc[:1].assign(title="")
    assert trace_items(parse_design("title").finetune, bare, tokenizer) == [[]]
