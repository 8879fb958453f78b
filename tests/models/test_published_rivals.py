"""Rivals are as published: settings against a table read off their code, networks against plain formulas."""

import json
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.nn import functional
from typer.testing import CliRunner

from upsr_core.cli.main import app
from upsr_core.datasets.splits import SplitSpec, split
from upsr_core.evaluation.candidates import CandidateSpec, candidates_for
from upsr_core.models import cross_entropy, unisrec, unisrec_network
from upsr_core.models.base import Request
from upsr_core.models.cross_entropy import contrast
from upsr_core.models.first_sasrec import FirstSasrecNetwork
from upsr_core.models.history_batches import NO_LABEL, HistoryBatches, windows
from upsr_core.models.networks import Bert4recNetwork
from upsr_core.models.registry import MODELS
from upsr_core.models.sequence_ranker import SequenceRanker
from upsr_core.models.spec import SequenceSpec
from upsr_core.text.design import parse_design

RIVALS = ("sasrec-ce", "sasrec-bce", "bert4rec", "unisrec", "unisrec-transductive")
# Read off the published code: see docs/rivals.md for files and lines.
RECBOLE = {
    "layers": 2, "heads": 2, "inner": 256, "dropout": 0.5, "attention_dropout": 0.5, "length": 50,
    "learning_rate": 1e-3, "batch": 2048, "batch_unit": "predictions", "epochs": 300, "evaluate_every": 1,
    "patience": 10, "clip": 0.0, "weight_decay": 0.0, "beta2": 0.999,
}  # fmt: skip
TABLE = {
    "sasrec-ce": {**RECBOLE, "width": 64},
    "unisrec": {**RECBOLE, "width": 300, "pretrain_epochs": 300, "pretrain_batch": 8192},
    "unisrec-transductive": {**RECBOLE, "width": 300, "pretrain_epochs": 300, "pretrain_batch": 8192},
    "sasrec-bce": {
        "width": 50, "inner": 50, "layers": 2, "heads": 1, "dropout": 0.5, "attention_dropout": 0.5, "length": 50,
        "batch": 128, "batch_unit": "histories", "epochs": 201, "evaluate_every": 20, "learning_rate": 1e-3,
        "beta2": 0.98, "clip": 0.0, "weight_decay": 0.0,
    },
    "bert4rec": {
        "width": 64, "inner": 256, "layers": 2, "heads": 2, "dropout": 0.5, "attention_dropout": 0.2, "length": 50,
        "batch": 256, "batch_unit": "histories", "mask_share": 0.6, "last_only": 1 / 11, "weight_decay": 0.01,
        "clip": 5.0, "beta2": 0.999,
    },
}  # fmt: skip


@pytest.mark.parametrize("name", RIVALS)
def test_the_longest_training_has_the_published_settings(name):
    model = MODELS[name]
    design = parse_design("title") if model.reads_text else None
    training = model.plan(Request("standard", design, pretrains=model.pretrains)).training
    assert {key: getattr(training, key) for key in TABLE[name]} == TABLE[name]
    assert {key: model.published.settings[key] for key in TABLE[name]} == TABLE[name]


def test_unisrec_has_the_published_constants():
    assert (unisrec.EXPERTS, unisrec.WORDS_DROPPED) == (8, 0.15)
    names = ("TEMPERATURE", "SEQUENCE_WEIGHT", "DROPPED", "ITEM_DROP", "ADAPTOR_DROPOUT")
    assert [getattr(unisrec_network, name) for name in names] == [0.07, 1e-3, 0.2, 0.9, 0.2]


@pytest.mark.parametrize("name", RIVALS)
def test_every_setting_that_a_budget_changes_is_named(name):
    model = MODELS[name]
    for budget in model.budgets():
        training = model.planned(Request(budget, pretrains=model.pretrains))
        changed = {key for key, value in model.published.settings.items() if getattr(training, key) != value}
        named = model.differences(budget)
        assert len(named) == len(changed) + len(model.deviations)
        assert all(each.what and each.published != each.ours and each.effect for each in named)
    assert {each.what for each in model.differences("quick")} >= {"epochs"} or name == "bert4rec"


@pytest.mark.parametrize("name", RIVALS)
def test_the_page_of_rivals_has_every_difference(name):
    page = (Path(__file__).resolve().parents[2] / "docs" / "rivals.md").read_text(encoding="utf-8")
    for each in MODELS[name].differences("standard"):
        assert f"| {each.what} | {each.published} | {each.ours} | {each.effect} |" in page


def test_models_without_published_code_differ_in_nothing():
    assert all(not MODELS[name].differences("standard") for name in set(MODELS) - set(RIVALS))
    assert all(bool(MODELS[name].published_as()) == (name in RIVALS) for name in MODELS)


def test_the_command_names_every_difference():
    found = CliRunner().invoke(app, ["models", "--json", "--budget", "quick"])
    assert found.exit_code == 0, found.output
    record = json.loads(found.output.splitlines()[-1])
    listed = {each["name"]: each["differences"] for each in record["models"]}
    assert set(listed) == set(MODELS)
    for name in MODELS:
        assert listed[name] == [each.model_dump() for each in MODELS[name].differences("quick")]
    assert "batch of the pre-training: published 8,192; here 1,024" in found.output
    assert CliRunner().invoke(app, ["models", "--budget", "none"]).exit_code != 0


def test_first_sasrec_is_the_published_network():
    """Block by block by plain formulas, one history by itself."""
    torch.manual_seed(0)
    spec = SequenceSpec(width=6, inner=6, heads=1, epochs=1, length=5)
    network = FirstSasrecNetwork(spec, 9).eval()
    with torch.no_grad():
        for parameter in network.parameters():
            torch.nn.init.normal_(parameter)
        items = torch.tensor([4, 0, 7])
        encoder, norm = network.encoder, functional.layer_norm
        states = network.embedding.weight[items] * math.sqrt(6) + encoder.positions.weight[[2, 1, 0]]
        for block in encoder.blocks:
            asking = norm(states, (6,), block.before_attention.weight, block.before_attention.bias, 1e-8)
            logits = block.query(asking) @ block.key(states).T / math.sqrt(6)
            shares = logits.masked_fill(torch.ones(3, 3).triu(1) > 0, -torch.inf).softmax(-1)
            states = asking + shares @ block.value(states)
            states = norm(states, (6,), block.before_inner.weight, block.before_inner.bias, 1e-8)
            states = states + block.outer(block.inner(states).relu())
        expected = norm(states, (6,), encoder.norm.weight, encoder.norm.bias, 1e-8)
        # Packed behind another history, which it does not see.
        ids, segments = torch.tensor([[8, 1, 4, 0, 7]]), torch.tensor([[1, 1, 2, 2, 2]])
        found = network.states(network.inputs(), ids, segments, torch.tensor([[1, 0, 2, 1, 0]]))
    torch.testing.assert_close(found[0, 2:], expected)


def test_positions_count_from_where_the_network_says(successors):
    """Published ones do so too, but for BERT4Rec's, which is named among its differences."""
    histories = [successors.history(user)[:-2] for user in range(9)]
    parts = split(successors, SplitSpec())
    for name, from_end in (("sasrec-ce", False), ("sasrec-bce", True), ("bert4rec", True), ("unisrec", False)):
        model = MODELS[name]
        texts = np.zeros((24, 4), np.float32) if model.reads_text else None
        spec = model.longest.model_copy(update={"width": 16, "inner": 16, "heads": 1})
        network = SequenceRanker(model, spec, successors, parts, texts).network
        assert network.from_end == from_end, name
        batch = HistoryBatches(histories, 24, spec, model.task, 1, from_end=network.from_end)[0]
        rows = batch["segments"][0] == 1
        positions = batch["positions"][0][rows].tolist()
        assert positions == (sorted(positions, reverse=True) if from_end else sorted(positions))


def test_a_cloze_hides_the_published_number_of_items(successors):
    histories = [np.arange(length) for length in (2, 5, 9, 10, 50)]
    spec = MODELS["bert4rec"].longest.model_copy(update={"last_only": 0.0})
    batch = HistoryBatches(histories, 60, spec, "cloze", 1)[0]
    hidden = {}
    for row in range(len(batch["segments"])):
        for segment in set(batch["segments"][row].tolist()) - {0}:
            own = batch["segments"][row] == segment
            hidden[int(own.sum())] = int((batch["labels"][row][own] != NO_LABEL).sum())
    assert hidden == {2: 1, 5: 3, 9: 5, 10: 6, 50: 30}


def test_long_histories_of_a_cloze_are_cut_in_overlapping_windows():
    starts = [int(piece[0]) for piece in windows(np.arange(60), 50, 45)]
    assert starts == [10, 5, 0], "as gen_data_fin.py slides: five items on"
    assert [piece.tolist() for piece in windows(np.arange(3), 50, 45)] == [[0, 1, 2]]


def test_a_step_has_so_many_predictions_on_average(successors):
    histories = [successors.history(user)[:-2] for user in range(240)]
    spec = SequenceSpec(epochs=1, batch=200, batch_unit="predictions")
    batches = HistoryBatches(histories, 24, spec, "next", 1)
    counts = [int((batches[step]["labels"] != NO_LABEL).sum()) for step in range(len(batches))]
    assert counts[0] == pytest.approx(200, rel=0.1) and sum(counts) == sum(len(h) - 1 for h in histories)


def test_contrast_is_the_plain_one_in_any_chunks(monkeypatch):
    monkeypatch.setattr(cross_entropy, "CHUNK_LOGITS", 50)
    torch.manual_seed(0)
    query, others = (torch.randn(23, 5, dtype=torch.float64, requires_grad=True) for _ in range(2))
    labels = torch.randint(9, (23,))
    same = (labels[:, None] == labels) & ~torch.eye(23, dtype=torch.bool)
    plain = functional.cross_entropy((query @ others.T).masked_fill(same, 0.0), torch.arange(23))
    ours = contrast(query, others, labels)
    torch.testing.assert_close(ours, plain)
    for found, expected in zip(
        torch.autograd.grad(3 * ours, (query, others)), torch.autograd.grad(3 * plain, (query, others)), strict=True
    ):
        torch.testing.assert_close(found, expected)


def test_dropout_of_attention_is_its_own():
    network = Bert4recNetwork(MODELS["bert4rec"].longest, 9)
    layer = network.encoder.layers[0]
    assert layer.self_attn.dropout == 0.2 and layer.dropout1.p == layer.dropout2.p == network.encoder.dropout.p == 0.5
    assert layer.dropout.p == 0.0 and not layer.norm_first


def test_vectors_of_the_catalogue_are_made_once_for_all_users(successors, monkeypatch):
    parts = split(successors, SplitSpec())
    spec = SequenceSpec(width=8, inner=8, epochs=1)
    ranker = SequenceRanker(MODELS["sasrec-ce"], spec, replace(successors), parts)
    monkeypatch.setattr("upsr_core.models.catalogue_ranker.CHUNK_SCORES", 24 * 5)
    made, plain = [], ranker.network.inputs
    monkeypatch.setattr(ranker.network, "inputs", lambda: made.append(1) or plain())
    ranker.metrics(candidates_for(successors, parts, CandidateSpec(mode="full", users=20)))
    assert len(made) == 1
    with torch.no_grad():
        ranker.network.embedding.weight.zero_()
    assert (ranker.scores([np.array([1])], lambda _: np.arange(24))[0] == 0).all(), "nothing stale is kept"
