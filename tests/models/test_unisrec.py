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
from upsr_core.models.text_vectors import text_vectors, without_words
from upsr_core.models.unisrec import WORDS_DROPPED
from upsr_core.models.unisrec_network import Adaptor, ContrastBatches, Domain, _Contrast, pretrain
from upsr_core.plm.loading import load_model, load_tokenizer
from upsr_core.runtime import Cancelled
from upsr_core.text.design import ItemDesign

TITLE = ItemDesign.of("title")
ADAPTOR = ("shift", "maps", "gate", "noise")
SMALL = SequenceSpec(width=16, inner=32, epochs=2, pretrain_epochs=2, batch=32, length=6, pretrain_batch=64)


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


@pytest.fixture
def worded(successors):
    return text_vectors(successors, ItemDesign.of("title,category"), "embedded", quiet, 0.5)


def one_batch(successors, seed=0, histories=20):
    parts = split(successors, SplitSpec())
    spec = SMALL.model_copy(update={"seed": seed})
    return ContrastBatches(training_histories(successors, parts)[:histories], 24, spec, "next", 1)[0]


def test_contrastive_loss_is_the_published_one(successors, vectors, worded):
    """Both losses, history by history: prefix against target, and prefix against its own second view."""
    parts = split(successors, SplitSpec())
    network = SequenceRanker(MODELS["unisrec"], SMALL, successors, parts, vectors).network.eval()
    batch = one_batch(successors)
    with torch.no_grad():
        found = _Contrast(network, torch.from_numpy(worded))(**batch)["loss"]
        ours, theirs, targets = [], [], []
        table, other_table = network.inputs(), network.adaptor(torch.from_numpy(worded))
        for row, column in zip(*np.nonzero(batch["labels"].numpy() >= 0), strict=True):
            items = history_until(batch["input_ids"], batch["segments"], row, column)
            place = int(batch["other_places"][row, column])
            other_row, other_column = divmod(place, batch["other_segments"].shape[1])
            others = history_until(batch["other_ids"], batch["other_segments"], other_row, other_column)
            words = history_until(batch["other_worded"], batch["other_segments"], other_row, other_column)
            read = torch.where(words[:, None], other_table[others], table[others])
            ours.append(alone(network, table[items]))
            theirs.append(alone(network, read))
            targets.append(int(batch["labels"][row, column]))
        ours, theirs = (functional.normalize(torch.stack(states), dim=-1) for states in (ours, theirs))
        right = functional.normalize(table[targets], dim=-1)
        same = np.equal.outer(targets, targets) & ~np.eye(len(targets), dtype=bool)
        assert same.any(), "two prefixes of one batch have the same next item"
        parts_of_loss = []
        for others in (right, theirs):
            logits = (ours @ others.T / 0.07).masked_fill(torch.from_numpy(same), 0.0)
            parts_of_loss.append(functional.cross_entropy(logits, torch.arange(len(targets))))
    torch.testing.assert_close(found, parts_of_loss[0] + 1e-3 * parts_of_loss[1])


def history_until(table, segments, row, column):
    """The packed items of a history up to a place."""
    own = segments[row, : column + 1] == segments[row, column]
    return table[row, : column + 1][own]


def alone(network, vectors):
    """The state of the newest of some item vectors, encoded without any other history."""
    length = len(vectors)
    return network.encoder(vectors[None], torch.ones(1, length), torch.arange(length)[None])[0, -1]


def test_a_second_view_leaves_items_or_words_out(successors):
    histories = training_histories(successors, split(successors, SplitSpec()))[:20]
    lengths = [len(history) - 1 for history in histories]
    kinds = set()
    for seed in range(40):
        batch = one_batch(successors, seed)
        places, wanted = batch["other_places"], batch["labels"] >= 0
        assert ((places >= 0) == wanted).all()
        there = batch["other_segments"] > 0
        assert not batch["other_worded"][~there].any()
        if batch["other_worded"].any():
            kinds.add("words")
            assert there.sum() == sum(lengths)
            assert 0.05 < batch["other_worded"].sum() / there.sum() < 0.4
        else:
            kinds.add("items")
            assert 0.6 < int(there.sum()) / sum(lengths) < 1
        first = batch["input_ids"][(batch["positions"] == 0) & (batch["segments"] > 0)]
        kept = batch["other_ids"][(batch["other_positions"] == 0) & there]
        assert sorted(first.tolist()) == sorted(kept.tolist()), "a history keeps its oldest item"
    assert kinds == {"words", "items"}


def test_texts_without_words_are_others_and_the_same_every_time(successors, monkeypatch):
    design = ItemDesign.of("title,category")
    plain, worded = (text_vectors(successors, design, "embedded", quiet, share) for share in (0.0, WORDS_DROPPED))
    changed = (plain != worded).any(1)
    assert 0 < changed.sum() < len(plain), "some texts lost a word, most of these short ones did not"
    for file in (module.home() / "text-vectors").glob("*"):
        file.unlink()
    again = text_vectors(successors, design, "embedded", quiet, WORDS_DROPPED)
    np.testing.assert_array_equal(again, worded)
    long = successors.items.assign(title="one two three four five six seven eight nine ten " * 20)
    left = without_words(long, ["title"], WORDS_DROPPED).title.str.split().str.len() / 200
    assert left.mean() == pytest.approx(1 - WORDS_DROPPED, abs=0.02)
    assert (without_words(long, ["title"], WORDS_DROPPED).category == long.category).all()


def test_every_item_of_a_history_is_adapted_by_itself_in_training(successors, vectors):
    ranker = SequenceRanker(MODELS["unisrec"], SMALL, successors, split(successors, SplitSpec()), vectors)
    network, twice = ranker.network, torch.tensor([[3, 3]])
    read = network.train().embedded(network.inputs(), twice)
    assert not torch.equal(read[0, 0], read[0, 1]), "noise and dropout of its own"
    read = network.eval().embedded(network.inputs(), twice)
    assert torch.equal(read[0, 0], read[0, 1])


def test_pre_training_carries_over_and_freezes_the_transformer(successors, vectors, worded, tmp_path):
    parts = split(successors, SplitSpec())
    histories = training_histories(successors, parts)
    domains = [Domain(vectors, worded, histories), Domain(vectors[:20], worded[:20], [h % 20 for h in histories])]
    shared = pretrain(domains, SMALL, tmp_path, quiet)
    assert {name.split(".")[0] for name in shared} == {"adaptor", "encoder"}
    ranker = SequenceRanker(MODELS["unisrec-transductive"], SMALL, successors, parts, vectors)
    ranker.network.adopt(shared)
    ranker.fit(tmp_path / "tuning", quiet)
    after = ranker.network.state_dict()
    changed = {name for name, value in shared.items() if not torch.equal(value, after[name].cpu())}
    tuned = {"encoder.norm.weight", "encoder.norm.bias"}
    assert {name for name in changed if name.startswith("encoder")} == tuned
    assert {name for name in changed if name.startswith("adaptor")} == {f"adaptor.{n}" for n in ADAPTOR}
    assert ranker.scorable.all()


def test_a_cut_pre_training_goes_on_to_the_same_weights(successors, vectors, worded, tmp_path):
    histories = training_histories(successors, split(successors, SplitSpec()))
    spec = SMALL.model_copy(update={"pretrain_epochs": 3, "pretrain_batch": 100})
    domains = [Domain(vectors, worded, histories)]

    def stop(done, total, what):
        if done >= 20:
            raise Cancelled

    whole = pretrain(domains, spec, tmp_path / "whole", quiet)
    with pytest.raises(Cancelled):
        pretrain(domains, spec, tmp_path / "cut", stop)
    resumed = pretrain(domains, spec, tmp_path / "cut", quiet)
    assert all(torch.equal(whole[name], resumed[name]) for name in whole)
