"""UniSRec: text vectors, the adaptor, contrastive pre-training, what is frozen and what carries over."""

import numpy as np
import pytest
import torch
from torch.nn import functional

from upsr_core.datasets.splits import SplitSpec, split, training_histories
from upsr_core.models import text_vectors as module
from upsr_core.models.registry import MODELS
from upsr_core.models.sequence_ranker import SequenceRanker
from upsr_core.models.spec import SequenceSpec
from upsr_core.models.text_vectors import text_vectors
from upsr_core.models.unisrec_network import Adaptor, ContrastBatches, _Contrast, pretrain
from upsr_core.plm.loading import load_model, load_tokenizer
from upsr_core.text.design import ItemDesign

TITLE = ItemDesign.of("title")
SMALL = SequenceSpec(width=16, inner=32, epochs=2, pretrain_epochs=2, batch=32, length=6, evaluate_every=1)


def quiet(done, total, what):
    pass


@pytest.fixture
def vectors(successors):
    return text_vectors(successors, TITLE, "embedded", quiet)


def test_text_vectors_are_mean_encoder_states_whatever_their_batch(successors, vectors, monkeypatch):
    tokenizer, encoder = load_tokenizer("embedded"), load_model("embedded").encoder
    for item in (0, 5):
        ids = torch.tensor([tokenizer.encode(successors.items.title[item])])
        with torch.inference_mode():
            mean = encoder(input_ids=ids).last_hidden_state[0].mean(0).numpy()
        np.testing.assert_allclose(vectors[item], mean, atol=1e-5)
    monkeypatch.setattr(module, "load_encoder", lambda name: pytest.fail("kept vectors are read again"))
    np.testing.assert_array_equal(text_vectors(successors, TITLE, "embedded", quiet), vectors)


def test_items_with_one_text_have_one_vector_and_one_score(successors):
    same = ItemDesign.of("category")  # "Things" for all of them
    vectors = text_vectors(successors, same, "embedded", quiet)
    assert (vectors == vectors[0]).all()
    ranker = SequenceRanker(MODELS["unisrec"], SMALL, successors, split(successors, SplitSpec()), vectors)
    scores = ranker.scores([np.array([1, 2])], lambda _: np.arange(24))[0]
    np.testing.assert_allclose(scores, scores[0], atol=1e-5)


def test_the_adaptor_is_a_gated_mixture_of_shifted_maps():
    torch.manual_seed(0)
    adaptor, texts = Adaptor(6, 4).eval(), torch.randn(5, 6)
    for parameter in adaptor.parameters():
        torch.nn.init.normal_(parameter)
    gates = (texts @ adaptor.gate).softmax(-1)
    expected = sum(gates[:, [e]] * ((texts - adaptor.shift[e]) @ adaptor.maps[e]) for e in range(8))
    torch.testing.assert_close(adaptor(texts), expected)
    adaptor.train()
    assert not torch.equal(adaptor(texts), adaptor(texts)), "noise and dropout in training"


def test_contrastive_loss_is_the_plain_one(successors, vectors):
    parts = split(successors, SplitSpec())
    network = SequenceRanker(MODELS["unisrec"], SMALL, successors, parts, vectors).network.eval()
    batch = ContrastBatches(training_histories(successors, parts)[:20], 24, SMALL, "next", 1)[0]
    with torch.no_grad():
        found = _Contrast(network)(**batch)["loss"]
        table = network.inputs()
        names = ("input_ids", "segments", "positions")
        states = network.states(table, *(batch[name] for name in names))
        other = network.states(table, *(batch[f"other_{name.removeprefix('input_')}"] for name in names))
        wanted = batch["labels"] >= 0
        targets = batch["labels"][wanted]
        logits = network.query(states[wanted]) @ functional.normalize(table, dim=-1).T
        absent = np.setdiff1d(np.arange(24), targets.numpy())
        logits[:, absent] = -torch.inf  # the negatives are the distinct targets of the batch
        item = functional.cross_entropy(logits, targets)
        ends, others = states.flatten(0, 1)[batch["ends"]], other.flatten(0, 1)[batch["other_ends"]]
        alike = functional.normalize(ends, dim=-1) @ functional.normalize(others, dim=-1).T / 0.07
        sequence = functional.cross_entropy(alike, torch.arange(20))
    torch.testing.assert_close(found, item + 1e-3 * sequence)


def test_a_second_view_is_a_part_of_the_history(successors):
    histories = training_histories(successors, split(successors, SplitSpec()))[:10]
    batch = ContrastBatches(histories, 24, SMALL, "next", 1)[0]
    seen = set(np.concatenate(histories).tolist())
    assert set(batch["other_ids"].flatten().tolist()) <= seen
    assert (batch["other_segments"] > 0).sum() < (batch["segments"] > 0).sum()
    assert len(batch["ends"]) == len(batch["other_ends"]) == 10


def test_pre_training_carries_over_and_freezes_the_transformer(successors, vectors, tmp_path):
    parts = split(successors, SplitSpec())
    histories = training_histories(successors, parts)
    shared = pretrain([(vectors, histories), (vectors[:20], [h % 20 for h in histories])], SMALL, tmp_path, quiet)
    assert {name.split(".")[0] for name in shared} == {"adaptor", "encoder"}
    ranker = SequenceRanker(MODELS["unisrec-transductive"], SMALL, successors, parts, vectors)
    ranker.network.adopt(shared)
    ranker.fit(tmp_path / "tuning", quiet)
    after = ranker.network.state_dict()
    changed = {name.split(".")[0] for name, value in shared.items() if not torch.equal(value, after[name].cpu())}
    assert changed == {"adaptor"} and ranker.scorable.all()
