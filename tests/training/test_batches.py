import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from upsr_core.errors import RunError
from upsr_core.plm.loading import load_tokenizer
from upsr_core.text.design import Design, ItemDesign
from upsr_core.text.masking import choose_masks
from upsr_core.text.prompt import SequenceBuilder
from upsr_core.text.render import ItemTexts
from upsr_core.training.batches import MaskedBatches, Source, plan_batches
from upsr_core.training.spec import TrainingSpec


@given(st.lists(st.integers(1, 60), min_size=1, max_size=40), st.integers(0, 5))
def test_plans_keep_to_the_budget_and_see_everybody_alike(lengths, seed):
    lengths = np.array(lengths)
    plan = plan_batches(lengths, tokens=3 * int(lengths.sum()), batch_tokens=100, seed=seed)
    assert all(len(batch) * lengths[batch].max() <= 100 or len(batch) == 1 for batch in plan)
    seen = np.bincount(np.concatenate(plan), minlength=len(lengths))
    assert (seen == 3).all(), "three epochs' worth of tokens is three epochs"


def test_a_plan_of_so_many_histories_a_batch_ends_with_its_epochs():
    lengths = np.arange(1, 11)
    plan = plan_batches(lengths, tokens=10**6, batch_tokens=5, seed=0, size=4, epochs=3)
    assert sorted(map(len, plan)) == [2, 2, 2, 4, 4, 4, 4, 4, 4], "whatever a batch by tokens would hold"
    assert (np.bincount(np.concatenate(plan))[: len(lengths)] == 3).all()
    assert len(plan_batches(lengths, tokens=1, batch_tokens=5, seed=0, size=4, epochs=3)) == 1, "or with its tokens"


def source(count=12, **options) -> Source:
    items = pd.DataFrame([{"item_id": str(i), "title": f"Thing number {i}"} for i in range(count)])
    design = Design(finetune=ItemDesign.of("title"), **options)
    builder = SequenceBuilder(design, ItemTexts(design.finetune, items, load_tokenizer("embedded")))
    return Source(builder, [np.arange(n) for n in (2, 5, count)])


def test_batches_depend_on_seed_and_step_alone():
    spec = TrainingSpec(tokens=2000, batch_tokens=512)
    one, two = MaskedBatches([source()], spec, 2000), MaskedBatches([source()], spec, 2000)
    assert len(one) > 2
    for step in reversed(range(len(one))):
        assert all((one[step][key] == two[step][key]).all() for key in one[step])
    other = MaskedBatches([source()], spec.model_copy(update={"seed": 1}), 2000)
    assert any(one[0][key].shape != other[0][key].shape or (one[0][key] != other[0][key]).any() for key in one[0])


def test_masked_texts_are_not_in_the_input_and_long_histories_are_cut():
    part = source(count=30, max_tokens=96)
    batches = MaskedBatches([part], TrainingSpec(tokens=3000, batch_tokens=512), 3000)
    for step in range(len(batches)):
        batch = batches[step]
        assert batch["input_ids"].shape[1] <= 96
        assert (batch["labels"][:, 0] == part.builder.tokenizer.sentinels[0]).all()
        assert ((batch["labels"] == 1).sum(1) == 1).all(), "every target is closed by one end token"
        assert ((batch["input_ids"] != 0) == (batch["attention_mask"] == 1)).all()


def test_one_sample_in_ten_masks_the_last_item_alone():
    rng = np.random.default_rng(0)
    masks = [choose_masks(30, rng, share=0.1, last_only=0.1) for _ in range(4000)]
    assert 0.08 < np.mean([mask == [29] for mask in masks]) < 0.12
    assert {len(mask) for mask in masks} == {1, 3}


def test_nothing_to_train_on_is_said():
    empty = Source(source().builder, [])
    with pytest.raises(RunError, match="two items"):
        MaskedBatches([empty], TrainingSpec(tokens=10), 10)


def test_every_beginning_is_a_sample_for_the_item_that_comes_next():
    part = source()
    batches = MaskedBatches([part], TrainingSpec(tokens=1, prefixes=True, last_only=1.0), 1)
    ends = [(int(row), int(end)) for row, end in zip(batches.row_of, batches.end_of, strict=True)]
    assert ends == [(0, 2), *[(1, end) for end in range(2, 6)], *[(2, end) for end in range(2, 13)]]
    lengths = part.samples(prefixes=True)[2]
    assert (np.diff(lengths[5:]) > 0).all() and lengths[5] == part.samples(prefixes=False)[2][0]


def test_token_weights_stand_where_their_tokens_do():
    part = source()
    texts = part.builder.texts
    weighted = Source(part.builder, part.histories, weights=texts.ids.astype(float))
    batch = MaskedBatches([weighted], TrainingSpec(tokens=500, batch_tokens=512), 500)[0]
    special = {*part.builder.tokenizer.sentinels, part.builder.tokenizer.end}
    for labels, weights in zip(batch["labels"].tolist(), batch["weights"].tolist(), strict=True):
        expected = [1.0 if label in special else float(label) for label in labels if label >= 0]
        assert weights[: len(expected)] == expected and not any(weights[len(expected) :])


def test_shorter_histories_first_are_the_same_batches_in_another_order():
    part = source(count=300)
    part = Source(part.builder, [np.arange(n) for n in range(2, 60)])
    usual, sorted_ = (
        MaskedBatches([part], TrainingSpec(tokens=1, batch_tokens=512, shorter_first=first), 40_000)
        for first in (False, True)
    )
    half = len(usual) // 2
    lengths = part.samples(False)[2]
    longest = [int(lengths[batch].max()) for batch in sorted_.plan]
    assert half > 10 and longest[:half] == sorted(longest[:half]) and longest[half:] != sorted(longest[half:])
    assert sorted(batch.tolist() for batch in usual.plan) == sorted(batch.tolist() for batch in sorted_.plan)
    digests = {TrainingSpec(tokens=1).digest, TrainingSpec(tokens=1, shorter_first=True).digest}
    assert len(digests) == 2


def test_a_control_deals_out_the_same_items_to_histories_of_the_same_length():
    part = source(count=300)
    dealt = part.dealt(0)
    assert [len(part) for part in dealt.histories] == [len(part) for part in part.histories]
    before, after = (np.concatenate(part.histories) for part in (part, dealt))
    assert (np.bincount(before) == np.bincount(after)).all() and (before != after).mean() > 0.9
    spec = TrainingSpec(tokens=1, dealt=True)
    assert spec.digest != TrainingSpec(tokens=1).digest
