"""Encoders for text vectors: tiny BERT-like models with random weights, as their folders come from a hub."""

import json

import numpy as np
import pytest
import torch
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
from transformers import AutoConfig, AutoModel

from upsr_core.errors import ModelError
from upsr_core.models.text_vectors import text_vectors
from upsr_core.plm.loading import (
    ENCODERS,
    T5,
    load_encoder,
    load_text_tokenizer,
    load_tokenizer,
    locate,
    pooling,
    width,
)
from upsr_core.runs import queue
from upsr_core.runs.forecast import forecast
from upsr_core.runs.run import create_run
from upsr_core.runs.spec import plan_run
from upsr_core.runs.worker import work_on
from upsr_core.text.design import ItemDesign, parse_design
from upsr_core.text.render import ItemTexts

SPECIAL = {"bert": ("[PAD]", "[UNK]", "[CLS]", "[SEP]"), "roberta": ("<s>", "<pad>", "</s>", "<unk>")}
SIZES = {
    "vocab_size": 60, "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 48,
    "max_position_embeddings": 64,
}  # fmt: skip


def quiet(done, total, what):
    pass


def make_encoder(folder, kind="bert"):
    """A folder with a model of this kind whose words are letters."""
    like = "roberta" if kind in ("roberta", "xlm-roberta", "mpnet") else "bert"
    special = SPECIAL[like]
    first, last, unknown = ("<s>", "</s>", "<unk>") if like == "roberta" else ("[CLS]", "[SEP]", "[UNK]")
    words = [*special, *"abcdefghijklmnopqrstuvwxyz", *(f"##{letter}" for letter in "abcdefghijklmnopqrstuvwxyz")]
    vocabulary = {word: number for number, word in enumerate(words)}
    tokenizer = Tokenizer(models.WordPiece(vocabulary, unk_token=unknown))
    tokenizer.normalizer, tokenizer.pre_tokenizer = normalizers.Lowercase(), pre_tokenizers.Whitespace()
    tokenizer.add_special_tokens(list(special))
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{first} $A {last}", special_tokens=[(first, vocabulary[first]), (last, vocabulary[last])]
    )
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer.save(str(folder / "tokenizer.json"))
    torch.manual_seed(0)
    config = AutoConfig.for_model(kind, **SIZES, pad_token_id=vocabulary[special[1 if like == "roberta" else 0]])
    AutoModel.from_config(config).save_pretrained(folder)
    return str(folder)


@pytest.mark.parametrize("kind", [kind for kind in ENCODERS if kind not in T5])
def test_vectors_are_the_first_state_of_the_framed_text_whatever_the_batch(movies, tmp_path, kind):
    name, title = make_encoder(tmp_path / kind, kind), ItemDesign.of("title")
    vectors = text_vectors(movies, title, name, quiet)
    assert vectors.shape == (len(movies.items), 32) and width(name) == 32 and pooling(name) == "first"
    reader, (model, most) = load_text_tokenizer(name), load_encoder(name)
    assert most == 64 - (2 if kind in ("roberta", "xlm-roberta", "mpnet") else 0)
    assert not model.training and model.dtype == torch.float32
    texts = ItemTexts(title, movies.items, reader)
    shortest, longest = np.argsort(np.diff(texts.offsets))[[0, -1]]
    for item in (shortest, longest):
        ids = torch.tensor([reader.backend.encode(movies.items.title[item]).ids[:most]])
        with torch.inference_mode():
            state = model(input_ids=ids).last_hidden_state[0, 0].numpy()
        np.testing.assert_allclose(vectors[item], state, atol=1e-5)


def test_an_encoder_that_was_trained_on_means_gives_means(movies, tmp_path):
    name, title = make_encoder(tmp_path / "bert"), ItemDesign.of("title")
    first = text_vectors(movies, title, name, quiet)
    (tmp_path / "bert" / "1_Pooling").mkdir()
    (tmp_path / "bert" / "1_Pooling" / "config.json").write_text(json.dumps({"pooling_mode_mean_tokens": True}))
    mean = text_vectors(movies, title, name, quiet)
    ids = torch.tensor([load_text_tokenizer(name).backend.encode(movies.items.title[3]).ids])
    with torch.inference_mode():
        expected = load_encoder(name)[0](input_ids=ids).last_hidden_state[0].mean(0).numpy()
    np.testing.assert_allclose(mean[3], expected, atol=1e-5)
    assert not np.allclose(mean[3], first[3], atol=1e-3)


def test_special_strings_and_empty_texts_are_no_special_tokens(movies, tmp_path):
    reader = load_text_tokenizer(make_encoder(tmp_path / "bert"))
    assert reader.frame == ([2], [3])
    assert set(reader.encode("ab [SEP] c [CLS]")) & {0, 2, 3} == set()
    ((_, offsets),) = reader.encode_with_offsets(["ab [SEP] c"])
    assert offsets[-1] == (9, 10), "every character keeps its place"
    items = movies.items.head(2).assign(title=["", "ab"])
    assert ItemTexts(ItemDesign.of("title"), items, reader).item(0).ids.tolist() == [reader.unknown] == [1]
    assert load_tokenizer("embedded").unknown == 2


def test_unisrec_runs_on_an_encoder(movies, tmp_path):
    spec = plan_run(
        movies.name, parse_design("title"), make_encoder(tmp_path / "bert"), "smoke", mode="full", model="unisrec"
    )
    few = spec.model.training.model_copy(update={"width": 16, "inner": 32, "epochs": 1})
    candidates = spec.candidates.model_copy(update={"users": 5})
    run = create_run(
        spec.model_copy(
            update={
                "model": spec.model.model_copy(update={"training": few}),
                "candidates": candidates,
                "validation_users": 5,
            }
        )
    )
    assert forecast(run.spec).training_seconds > 0
    queue.enqueue(run)
    assert work_on(run).unscorable_targets == 0 and "bert" in run.title


def test_what_cannot_be_read_is_refused_in_one_sentence(movies, tmp_path):
    name = make_encoder(tmp_path / "bert")
    for asked in (locate, load_tokenizer, lambda name: plan_run(movies.name, parse_design("title"), plm=name)):
        with pytest.raises(ModelError, match=r"not a T5 but an encoder, bert.*UniSRec"):
            asked(name)
    assert plan_run(movies.name, parse_design("title"), plm=name, model="unisrec").plm.name == name
    with pytest.raises(ModelError, match=r"at most 64 tokens.*Cap the items of the design at 62"):
        text_vectors(movies, ItemDesign.of("title,category,brand", cap=512), name, quiet)
    config = json.loads((tmp_path / "bert" / "config.json").read_text())
    (tmp_path / "bert" / "config.json").write_text(json.dumps(config | {"num_hidden_layers": 3}))
    with pytest.raises(ModelError, match=r"lacks \d+ weights \(such as encoder\.layer\.2"):
        load_encoder(name)
    for wrong, message in (
        (json.dumps({"model_type": "gpt2"}), r"no encoder that is known here \(bert"),
        (json.dumps({"auto_map": {"AutoModel": "evil.py"}}), "names no kind of model"),
        ("{", "configuration cannot be read"),
    ):
        (tmp_path / "bert" / "config.json").write_text(wrong)
        with pytest.raises(ModelError, match=message):
            load_encoder(name)
    (tmp_path / "bert" / "config.json").write_text(json.dumps(config))
    (tmp_path / "bert" / "model.safetensors").rename(tmp_path / "bert" / "pytorch_model.bin")
    with pytest.raises(ModelError, match="safetensors"):
        load_encoder(name)
