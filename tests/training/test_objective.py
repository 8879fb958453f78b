import numpy as np
import pytest
import torch
from transformers import T5Config, T5ForConditionalGeneration

from upsr_core.training.objective import Encoded, contrastive, loss_of
from upsr_core.training.spec import TrainingSpec

SPEC = TrainingSpec(tokens=1, contrast=1.0)


@pytest.fixture
def model():
    torch.manual_seed(0)
    config = T5Config(
        vocab_size=40, d_model=16, d_kv=8, num_heads=2, num_layers=1, d_ff=32, dropout_rate=0.0,
        decoder_start_token_id=0,
    )  # fmt: skip
    return T5ForConditionalGeneration(config)


@pytest.fixture
def batch():
    inputs = torch.tensor([[5, 6, 30, 1], [7, 30, 1, 0], [8, 9, 30, 1]])
    labels = torch.tensor([[30, 11, 1, -100], [30, 12, 13, 1], [30, 14, 1, -100]])
    return {"input_ids": inputs, "attention_mask": (inputs > 0).long(), "labels": labels}


def encoded(model, batch) -> Encoded:
    return Encoded.of(model, batch["input_ids"], batch["attention_mask"])


def test_without_terms_it_is_the_models_own_loss_and_with_equal_weights_too(model, batch):
    own = model(**batch).loss
    assert torch.allclose(loss_of(model, batch, SPEC), own, atol=1e-6)
    weighted = loss_of(model, {**batch, "weights": 3.0 * (batch["labels"] >= 0)}, SPEC)
    assert torch.allclose(weighted, own, atol=1e-6)


def test_a_weight_of_zero_takes_a_token_out(model, batch):
    weights = (batch["labels"] >= 0).float()
    weights[1, 2] = 0
    logps = encoded(model, batch).log_probs(batch["labels"], range(3))
    kept = -(logps.sum() - logps[1, 2]) / (weights.sum())
    assert torch.allclose(loss_of(model, {**batch, "weights": weights}, SPEC), kept)


def test_the_contrastive_term_is_the_right_texts_share(model, batch):
    read, mask, labels = encoded(model, batch), batch["attention_mask"], batch["labels"]
    logps = read.log_probs(labels, range(3))
    others = torch.tensor([[1, 2], [-1, -1], [0, -1]])
    found = contrastive(read, labels, logps, others, labels)
    expected = []
    for row, rivals in ((0, [1, 2]), (2, [0])):
        scores = []
        for label in (row, *rivals):
            wanted = batch["labels"][label][batch["labels"][label] >= 0][None]
            one = {"input_ids": batch["input_ids"][row : row + 1], "attention_mask": mask[row : row + 1]}
            scores.append(-model(**one, labels=wanted).loss / 0.5)
        expected.append(-torch.log_softmax(torch.stack(scores), 0)[0])
    assert torch.allclose(found, torch.stack(expected), atol=1e-5)
    assert contrastive(read, labels, logps, torch.full((3, 2), -1), labels).tolist() == [0.0]


def test_contrast_teaches_which_text_belongs_to_which_history(model, batch):
    batch = {**batch, "others": torch.tensor([[1, 2], [0, 2], [0, 1]])}
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    for _ in range(150):
        optimizer.zero_grad()
        loss_of(model, batch, SPEC).backward()
        optimizer.step()
    with torch.no_grad():
        right = encoded(model, batch).log_probs(batch["labels"], range(3)).sum(1)
        wrong = encoded(model, batch).log_probs(batch["labels"], [2, 0, 1]).sum(1)
    assert (right > wrong + 1).all() and np.isfinite(right.numpy()).all()
