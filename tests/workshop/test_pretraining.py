import json

import numpy as np
import pytest
import torch

from upsr_core.errors import DataError
from workshop.language_model import configuration_search as search_module
from workshop.language_model.configuration_search import flops_of_step, search, write_on_card
from workshop.language_model.corpus import Corpus
from workshop.language_model.generated_listings import ListingWriter
from workshop.language_model.pretraining import make_batches, pretrain
from workshop.language_model.spec import PretrainingSpec
from workshop.language_model.texts import Library, listings

WORDS = [a + b + c for a in ("bra", "clo", "dri", "fla", "gre") for b in ("mo", "ne", "ri", "tu") for c in ("ck", "lt")]
rng = np.random.default_rng(0)
PARAGRAPHS = [" ".join(rng.choice(WORDS, size=30)) + "." for _ in range(400)]
CORPORA = [Corpus("first", "none", PARAGRAPHS[:300]), Corpus("second", "none", PARAGRAPHS[300:])]
HELD_OUT = Corpus("held out", "none", [" ".join(PARAGRAPHS[i : i + 5]) for i in range(0, 50, 5)])
WRITER = ListingWriter(WORDS)
LIBRARY = Library([*CORPORA, listings(WRITER, 30)], HELD_OUT, WRITER)
SMALL = PretrainingSpec(
    vocabulary=640, d_model=16, d_ff=32, d_kv=8, heads=2, encoder_layers=1, decoder_layers=1, steps=6,
    batch_tokens=512, length=64, checkpoints=2, warmup=1,
)  # fmt: skip


def test_samples_put_the_text_back_together(tmp_path):
    batches = make_batches(LIBRARY, SMALL, tmp_path)
    sentinels = {batches.tokenizer.token_to_id(f"<extra_id_{i}>") for i in range(100)}
    rng = np.random.default_rng(0)
    kinds = []
    for _ in range(50):
        source, target = batches._prefix(rng, seen=rng.random())
        assert source[-2:] == [batches.sentinel, 1] and target[0] == batches.sentinel and target[-1] == 1
        whole = batches.tokenizer.decode([*source[:-2], *target[1:-1]])
        assert any(line.startswith(whole) for corpus in LIBRARY.corpora for line in corpus.paragraphs)
        kinds.append(len(source) == 2)
        source, target = batches._spans(rng)
        assert sentinels & set(source) == sentinels & set(target) and len(source) < SMALL.length
    assert 0 < sum(kinds) < 50, "with and without a beginning"


def test_a_batch_depends_on_seed_and_step_alone(tmp_path):
    first, again = (make_batches(LIBRARY, SMALL, tmp_path) for _ in range(2))
    assert all(torch.equal(first[3][name], again[3][name]) for name in first[3])
    other = make_batches(LIBRARY, SMALL.model_copy(update={"seed": 12}), tmp_path)
    assert not torch.equal(first[3]["labels"], other[3]["labels"])


def test_more_arithmetic_for_a_wider_model(tmp_path):
    wide = SMALL.model_copy(update={"d_model": 32})
    batches = make_batches(LIBRARY, SMALL, tmp_path)
    assert 1.8 < flops_of_step(wide, batches) / flops_of_step(SMALL, batches) < 2.2


def test_an_interrupted_build_ends_where_an_undisturbed_one_does(tmp_path):
    class Stopped(Exception):
        pass

    def stop_at_four(done, total, what):
        if done == 4:
            raise Stopped

    whole, resumed = tmp_path / "whole", tmp_path / "resumed"
    card = pretrain(LIBRARY, whole, SMALL, tmp_path / "a", lambda *_: None)
    with pytest.raises(Stopped):
        pretrain(LIBRARY, resumed, SMALL, tmp_path / "b", stop_at_four)
    again = pretrain(LIBRARY, resumed, SMALL, tmp_path / "b", lambda *_: None)
    assert again["held_out"] == card["held_out"] and again["real_tokens_seen"] == card["real_tokens_seen"]
    assert card["real_tokens_seen"]["decoder"] > 100 and [entry["step"] for entry in card["curve"]] == [2, 4, 6]
    weights = [(folder / "model.safetensors").read_bytes() for folder in (whole, resumed)]
    assert weights[0] == weights[1]


def test_configurations_get_equal_arithmetic_and_go_on_the_card(tmp_path, monkeypatch):
    size = {name: value for name, value in SMALL.model_dump().items() if name not in ("steps", "warmup")}
    wide = {**size, "d_model": 32}
    monkeypatch.setattr(search_module, "CONFIGURATIONS", {"default": size, "wide": wide})
    seen = []
    found = search(LIBRARY, 4, tmp_path / "work", lambda done, total, what: seen.append((done, what)))
    assert {entry["name"]: entry["steps"] for entry in found} == {"default": 4, "wide": 2}
    assert found[0]["bits_per_byte"] <= found[1]["bits_per_byte"] and seen[-1][0] == 2
    assert json.loads((tmp_path / "work" / "search.json").read_text()) == found
    with pytest.raises(DataError, match="no card"):
        write_on_card(tmp_path, found)
    bits = {entry["name"]: entry["bits_per_byte"] for entry in found}
    for finished, share in (
        (SMALL, bits["default"] / min(bits.values())),
        (SMALL.model_copy(update={"d_model": 8}), None),
    ):
        (tmp_path / "card.json").write_text(json.dumps({"spec": finished.model_dump()}))
        write_on_card(tmp_path, found)
        card = json.loads((tmp_path / "card.json").read_text())
        assert card["search"] == found and card["over_best"] == share
