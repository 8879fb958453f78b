import json
import shutil
import subprocess
import sys
import time

import pytest
import torch
from transformers import T5Config, T5ForConditionalGeneration

from upsr_core.errors import ModelError
from upsr_core.plm.loading import available, card, load_model, load_tokenizer, locate, model_digest, weights_digest
from upsr_core.plm.quality_report import stored_report


@pytest.mark.parametrize("name", ["/no/such/folder", "./nothing", "nobody/no-such-model-upsr", "", "a b c"])
def test_unreachable_models_give_one_clear_sentence_at_once(name):
    start = time.time()
    with pytest.raises(ModelError) as caught:
        locate(name)
    assert time.time() - start < 10
    assert "embedded" in str(caught.value) and "\n" not in str(caught.value)


def test_foreign_architectures_and_pickles_are_refused(tmp_path):
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "bert"}))
    with pytest.raises(ModelError, match="not a T5"):
        locate(str(tmp_path))
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "t5"}))
    (tmp_path / "pytorch_model.bin").write_bytes(b"pickle")
    with pytest.raises(ModelError, match="safetensors"):
        weights_digest(str(tmp_path))
    with pytest.raises(ModelError, match="float16"):
        load_model("embedded", "float16")


def test_shipped_models_are_small_and_say_what_they_are():
    infos = {info.name: info for info in available()}
    assert list(infos) == ["embedded", "behaviour", "small"]
    for name, info in infos.items():
        assert sum(file.stat().st_size for file in locate(name).iterdir()) < 20e6
        assert info.parameters == sum(p.numel() for p in load_model(name).parameters())
    assert card("small")["real_tokens_seen"] == pytest.approx(card("embedded")["real_tokens_seen"], rel=1e-3)
    assert 2 * infos["small"].parameters < infos["embedded"].parameters


def test_the_shipped_report_is_of_the_shipped_weights(home):
    report = stored_report("embedded")
    assert report["weights"] == weights_digest("embedded"), "measure it again: upsr plm check embedded"
    assert report["plot_over_shuffled"] >= 0.97 and report["texts_per_second"] >= 150


def test_tokenizer_never_loses_text_and_needs_no_torch():
    tokenizer = load_tokenizer("embedded")
    for text in ("Crème brûlée 日本 😀", "$1,234.56", "a\u200bb"):
        assert 2 not in tokenizer.encode(text)
    code = "from upsr_core.plm.loading import load_tokenizer as load; load('embedded')"
    code += "; import sys; print('torch' in sys.modules)"
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "False"


@pytest.mark.parametrize("gated", [False, True], ids=["T5 v1.0", "T5 v1.1 and FLAN-T5"])
def test_a_folder_opens_like_the_embedded_model_in_both_precisions(tmp_path, gated):
    config = T5Config(
        vocab_size=8192, d_model=32, d_kv=8, num_heads=4, num_layers=2, d_ff=64, decoder_start_token_id=0,
        feed_forward_proj="gated-gelu" if gated else "relu", tie_word_embeddings=not gated,
    )  # fmt: skip
    T5ForConditionalGeneration(config).save_pretrained(tmp_path)
    shutil.copy(locate("embedded") / "tokenizer.json", tmp_path)
    name = str(tmp_path)
    ids = torch.tensor([[5, 6, 7, 1]])
    full, half = (load_model(name, dtype)(input_ids=ids, labels=ids).loss.item() for dtype in ("float32", "bfloat16"))
    assert full == pytest.approx(half, rel=0.05)
    assert weights_digest(name) == weights_digest(name) != weights_digest("embedded")
    assert load_tokenizer(name).encode("Red Ink") == load_tokenizer("embedded").encode("Red Ink")


def test_a_run_knows_the_configuration_and_the_tokenizer_of_its_model(small_t5, tmp_path):
    folder = shutil.copytree(small_t5, tmp_path / "mine")
    found = [model_digest(str(folder))]
    for file in ("config.json", "tokenizer.json"):
        (folder / file).write_text((folder / file).read_text() + " ")
        found.append(model_digest(str(folder)))
    assert len(set(found)) == 3 and model_digest("embedded") == weights_digest("embedded")
