import numpy as np
import pandas as pd
import pytest

from upsr_core.errors import DesignError
from upsr_core.plm.loading import load_tokenizer
from upsr_core.text.design import Design, ItemDesign
from upsr_core.text.prompt import PROMPT, SENTINEL, SequenceBuilder
from upsr_core.text.render import ItemTexts


def builder(count=30, **options) -> SequenceBuilder:
    items = pd.DataFrame(
        {"item_id": [str(i) for i in range(count)], "title": [f"Thing number {i}" for i in range(count)]}
    )
    design = Design(finetune=ItemDesign.of("title"), **options)
    return SequenceBuilder(design, ItemTexts(design.finetune, items, load_tokenizer("embedded")))


def text_of(build, ids) -> str:
    return "".join(build.tokenizer.tokens(list(ids))).replace("▁", " ").strip()


def test_ranking_sequence_is_the_papers():
    build = builder()
    sequence = build.ranking([3, 4])
    assert text_of(build, sequence.ids) == (
        "Given the following purchase history of user: Thing number 3, Thing number 4,<extra_id_0>, "
        "predict masked item purchased by the user?</s>"
    )
    for place, item in enumerate([3, 4]):
        assert sequence.ids[sequence.place == place].tolist() == build.texts.ids_of(item).tolist()
    assert (sequence.place == SENTINEL).sum() == 1 and sequence.dropped == 0


def test_truncation_drops_the_oldest_and_keeps_the_frame():
    build = builder(max_tokens=64)
    history = list(range(30))
    sequence = build.ranking(history)
    whole = build.ranking([29])
    assert len(sequence.ids) <= 64 and 0 < sequence.dropped < 30
    shown = sorted(set(sequence.place[sequence.place >= 0].tolist()))
    assert shown == list(range(sequence.dropped, 30))
    frame = sequence.ids[sequence.place == PROMPT]
    assert text_of(build, frame).startswith(text_of(build, whole.ids[: len(build.head)]))
    assert text_of(build, sequence.ids).endswith("predict masked item purchased by the user?</s>")
    # One more item would not have fitted.
    assert len(sequence.ids) + len(build.texts.ids_of(0)) + 1 > 64


def test_masked_sample_and_its_target():
    build = builder()
    sequence, target = build.masked([5, 6, 7, 8], [1, 3])
    assert text_of(build, target) == "<extra_id_0> Thing number 6<extra_id_1> Thing number 8</s>"
    assert "Thing number 6" not in text_of(build, sequence.ids)
    assert text_of(build, sequence.ids).index("<extra_id_0>") < text_of(build, sequence.ids).index("<extra_id_1>")


def test_last_item_sample_has_the_form_of_ranking():
    build = builder()
    sequence, target = build.masked([5, 6, 7], [2])
    assert np.array_equal(sequence.ids, build.ranking([5, 6]).ids)
    assert target.tolist() == [build.tokenizer.sentinels[0], *build.texts.ids_of(7).tolist(), build.tokenizer.end]


def test_empty_history_and_impossible_limits():
    build = builder()
    assert SENTINEL in build.ranking([]).place
    with pytest.raises(DesignError):
        builder(prompt="word " * 40 + "{history} {mask}", max_tokens=32)


def test_a_prompt_may_have_braces_of_its_own():
    build = builder(prompt="Use {{history}} form: {history}, {mask}.")
    assert text_of(build, build.head) == text_of(build, build.tokenizer.encode("Use {history} form: "))
