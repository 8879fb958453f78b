"""PackedTexts rows give what transformers gives on padded ones: losses and gradients."""

import pytest
import torch
from transformers import T5Config, T5ForConditionalGeneration

from upsr_core.training.objective import Encoded, loss_of
from upsr_core.training.packed_t5 import PackedTexts, _Attention, packed_attention
from upsr_core.training.spec import TrainingSpec

SPEC = TrainingSpec(tokens=1)


def model_of(**options) -> T5ForConditionalGeneration:
    torch.manual_seed(0)
    settings = {"dropout_rate": 0.0, "feed_forward_proj": "relu", **options}
    config = T5Config(
        vocab_size=60, d_model=16, d_kv=8, num_heads=2, num_layers=2, num_decoder_layers=2, d_ff=32,
        relative_attention_num_buckets=8, relative_attention_max_distance=12, decoder_start_token_id=0, **settings,
    )  # fmt: skip
    return T5ForConditionalGeneration(config)


def padded(lengths, pad, width, generator) -> torch.Tensor:
    rows = torch.full((len(lengths), width), pad)
    for row, length in enumerate(lengths):
        rows[row, :length] = torch.randint(2, 60, (length,), generator=generator)
    return rows


@pytest.fixture
def batch():
    generator = torch.Generator().manual_seed(1)
    ids = padded([40, 31, 7, 1], 0, 40, generator)
    labels = padded([3, 12, 1, 5], -100, 12, generator)
    return {"input_ids": ids, "attention_mask": (ids > 0).long(), "labels": labels}


@pytest.mark.parametrize("options", [{}, {"feed_forward_proj": "gated-gelu", "tie_word_embeddings": False}])
def test_loss_and_gradients_are_those_of_transformers(batch, options):
    model = model_of(**options)
    own = model(**batch).loss
    own.backward()
    expected = {name: part.grad.clone() for name, part in model.named_parameters()}
    model.zero_grad()
    loss = loss_of(model, batch, SPEC)
    loss.backward()
    assert torch.allclose(loss, own, atol=1e-5)
    for name, part in model.named_parameters():
        assert torch.allclose(part.grad, expected[name], atol=1e-5), name


def test_texts_under_other_histories_are_those_of_transformers(batch):
    model, rows = model_of(), [1, 0, 0, 3]
    encoded = Encoded.of(model, batch["input_ids"], batch["attention_mask"])
    found = encoded.log_probs(batch["labels"], rows)
    other = {name: batch[name][rows] for name in ("input_ids", "attention_mask")}
    logits = model(**other, labels=batch["labels"]).logits
    expected = -torch.nn.functional.cross_entropy(logits.flatten(0, 1), batch["labels"].flatten(), reduction="none")
    assert torch.allclose(found, expected.view_as(found), atol=1e-5)


@pytest.mark.parametrize("dropout", [0.0, 0.4])
def test_the_gradient_of_attention_is_its_slope(dropout):
    generator = torch.Generator().manual_seed(2)
    sizes = [(7, 4), (9, 4), (9, 4), (2, 5, 5)]
    query, key, value, bias = (
        torch.randn(size, generator=generator, dtype=torch.float64, requires_grad=True) for size in sizes
    )
    spans = [(0, 5, 0, 4), (5, 6, 4, 9), (6, 7, 4, 9)]  # two texts under the second history

    def attended(*inputs):
        torch.manual_seed(3)
        return _Attention.apply(*inputs, spans, 2, dropout)

    assert torch.autograd.gradcheck(attended, (query, key, value, bias))
    assert torch.autograd.gradcheck(lambda *inputs: attended(*inputs, None), (query, key, value))


def test_dropout_is_for_training_alone(batch):
    model = model_of(dropout_rate=0.4).train()
    assert loss_of(model, batch, SPEC) != loss_of(model, batch, SPEC)
    model.eval()
    assert torch.allclose(loss_of(model, batch, SPEC), model(**batch).loss)


def test_half_precision_is_close(batch):
    model = model_of()
    with torch.autocast("cpu", torch.bfloat16):
        half = loss_of(model, batch, SPEC)
    half.backward()
    assert half.dtype == torch.float32 and torch.allclose(half, model(**batch).loss, atol=0.05)


def test_the_model_is_itself_again_afterwards(batch):
    model = model_of()
    with pytest.raises(ZeroDivisionError), packed_attention(model):
        raise ZeroDivisionError
    assert not any("forward" in vars(module) for module in model.modules())
    packed = PackedTexts.of(batch["input_ids"], batch["attention_mask"])
    assert packed.ids.shape == (1, 79) and packed.ends == [0, 40, 71, 78, 79]
