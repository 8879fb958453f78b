"""Naturalness, consistency, alignment and conflict on data whose right answer is known."""

import numpy as np
import pandas as pd
import pytest
from made_data import made, silent

from upsr_core.indicators.alignment import alignment
from upsr_core.indicators.attribute_tokens import Catalogue, Flat
from upsr_core.indicators.cooccurrence import Behaviour, conflict
from upsr_core.indicators.domain_consistency import Domain, a_distance, consistency
from upsr_core.indicators.naturalness import naturalness
from upsr_core.likelihood.text_perplexity import mean_log_probs
from upsr_core.text.design import ItemDesign

TITLE = ItemDesign.of("title")


def shuffled(text: str, rng) -> str:
    return " ".join(rng.permutation(text.split()))


@pytest.mark.parametrize("method", ["likelihood", "masked-spans"])
def test_shuffled_text_is_less_natural(shared, make, tokenizer, reader, method):
    items = pd.read_json(shared / "data" / "movielens-100k-plots" / "items.jsonl.gz", lines=True, dtype=False)
    plots = [text for text in items.description.dropna() if len(text.split()) > 8][:60]
    rng = np.random.default_rng(0)
    design = ItemDesign.of("description")
    found = [
        naturalness(Catalogue(make({"description": texts}), tokenizer), design, reader, method, 0, 0, silent).value
        for texts in (plots, [shuffled(text, rng) for text in plots])
    ]
    assert found[0] < found[1]


def test_likelihood_is_that_of_the_whole_text(movies, tokenizer, reader):
    design = ItemDesign.of("title,brand", cap=200)
    reading = naturalness(Catalogue(movies, tokenizer), design, reader, "likelihood", 25, 0, silent)
    assert reading.low < reading.value < reading.high and "25 of" in reading.note
    table = reading.tables["items"]
    texts = [Catalogue(movies, tokenizer).tokens(design).text(row) for row in table["item"]]
    np.testing.assert_allclose(
        table.perplexity, np.exp(-mean_log_probs(reader.model, tokenizer, texts)), rtol=1e-4
    )  # fmt: skip
    assert table.perplexity.is_monotonic_increasing


def test_masked_spans_are_what_transformers_gives_alone(tokenizer, reader):
    import torch

    texts = Flat.of([tokenizer.encode("a red drum of the north and a blue one"), tokenizer.encode("Red")])
    ours = reader.pseudo_likelihoods(texts, silent)
    from upsr_core.indicators.encoder import _corrupted

    for row, value in enumerate(ours):
        total = 0.0
        for source, target in _corrupted(texts.values[texts.offsets[row] : texts.offsets[row + 1]], tokenizer):
            labels = torch.tensor(target[None].astype(np.int64))
            logits = reader.model(input_ids=torch.tensor(source[None].astype(np.int64)), labels=labels).logits
            each = logits.log_softmax(-1).gather(2, labels[..., None])[0, :, 0].detach().numpy()
            total += each[~np.isin(target, tokenizer.sentinels)].sum()
        assert value == pytest.approx(total, rel=1e-4)


def domain(name, titles, histories=(), **more) -> Domain:
    from upsr_core.plm.loading import load_tokenizer

    data = made({"title": titles, **more}, histories, name)
    return Domain(Catalogue(data, load_tokenizer("embedded")), Behaviour(data))


def sentences(words, count, seed, size=6):
    rng = np.random.default_rng(seed)
    return [" ".join(rng.choice(words, size=size, replace=False)) for _ in range(count)]


FRUIT = ["pear", "plum", "juice", "sweet", "orchard", "garden", "cherry", "basket", "farm", "fresh", "bread", "honey"]
MACHINE = ["engine", "wire", "steel", "motor", "copper", "machine", "battery", "lamp", "tool", "metal", "iron", "wheel"]


def test_two_copies_are_consistent_and_disjoint_vocabularies_are_not(reader):
    brands = {"brand": ["Elk", "Ox", "Bee", "Owl", "Ant", "Fox"] * 20}
    histories = [list(np.random.default_rng(user).choice(120, 8 - user % 5, replace=False)) for user in range(60)]
    fruit, copy = (domain(name, sentences(FRUIT, 120, 1), histories, **brands) for name in ("fruit", "copy"))
    machine = domain("machine", sentences(MACHINE, 120, 2))
    same = consistency([fruit, copy], ItemDesign.of("title,brand"), reader, 0, 0, silent)
    assert same.value > 0.98 and same.facts["a_distance"] == 0 and same.facts["popularity"] == pytest.approx(1)
    other = consistency([fruit, machine], TITLE, reader, 0, 0, silent)
    assert other.value < 0.1 and other.facts["a_distance"] > 1.8 and other.facts["sense_shift"] is None
    assert "sense shift cannot be computed" in other.tables["pairs"].without[0]


def test_two_samples_of_one_domain_are_consistent(reader):
    pair = [domain(name, sentences(FRUIT, 150, seed)) for name, seed in (("one", 1), ("two", 2))]
    reading = consistency(pair, TITLE, reader, 0, 0, silent)
    assert reading.facts["a_distance"] < 0.5 and reading.facts["sense_shift"] < 0.15


def test_a_planted_word_of_two_senses_is_found_first(reader):
    shared = ["large", "small", "new", "old", "good", "simple"]
    rng = np.random.default_rng(0)

    def texts(sense, seed):
        made = []
        for number, text in enumerate(sentences(shared, 240, seed, 4)):
            around = " ".join(rng.choice(sense, 4)) if number % 3 == 0 else ""
            made.append(f"{around} apple {around} {text}" if around else text)
        return made

    pair = [domain("fruit", texts(FRUIT, 1)), domain("machine", texts(MACHINE, 2))]
    reading = consistency(pair, TITLE, reader, 0, 0, silent)
    assert reading.tables["units"].unit[0] == "apple", reading.tables["units"]


def test_a_distance_of_noise_and_of_apart():
    rng = np.random.default_rng(0)
    assert a_distance(rng.normal(size=(100, 5)), rng.normal(size=(100, 5)))["mean"] < 0.5
    assert a_distance(rng.normal(size=(100, 5)), rng.normal(size=(100, 5)) + 9)["mean"] == 2
    assert a_distance(np.zeros((3, 2)), np.ones((9, 2))) is None


def from_text(texts: list[str], tokenizer, reader) -> list[list[int]]:
    """Histories of two items each, as many of a pair as its texts are alike; the two last events are not trained on."""
    states = reader.embeddings(Flat.of([tokenizer.encode(text) for text in texts]), silent)
    states = states - states.mean(axis=0)
    states /= np.linalg.norm(states, axis=1, keepdims=True)
    left, right = np.triu_indices(len(texts), 1)
    alike = (states[left] * states[right]).sum(axis=1)
    times = (20 * alike.argsort().argsort() / len(alike)).astype(int)
    return [[int(a), int(b), 0, 1] for a, b, many in zip(left, right, times, strict=True) for _ in range(many)]


def test_behaviour_of_text_is_aligned_and_permuted_behaviour_is_not(make, tokenizer, reader):
    texts = sentences(FRUIT, 20, 1) + sentences(MACHINE, 20, 2)
    histories = from_text(texts, tokenizer, reader)
    data = make({"title": texts}, histories)
    reading = alignment(Catalogue(data, tokenizer), Behaviour(data), TITLE, reader, 0, 0, silent)
    assert reading.value > 0.9 and reading.facts["neighbours_found"]["mean"] > 0.7
    order = np.random.default_rng(5).permutation(len(texts))
    other = make({"title": texts}, [order[history].tolist() for history in histories], "permuted")
    reading = alignment(Catalogue(other, tokenizer), Behaviour(other), TITLE, reader, 0, 0, silent)
    assert abs(reading.value) < 0.1
    assert reading.facts["neighbours_found"]["mean"] == pytest.approx(reading.facts["chance"], abs=0.1)


def test_last_events_are_never_seen(make):
    data = make({"title": ["a", "b", "c", "d"]}, [[0, 1, 2, 3], [0, 1, 3, 2]])
    behaviour = Behaviour(data)
    assert behaviour.popularity.tolist() == [2, 2, 0, 0]
    assert behaviour.together(np.array([0])).toarray().tolist() == [[0, 2, 0, 0]]


@pytest.mark.parametrize("same_company", [True, False])
def test_one_text_and_two_companies_is_a_conflict(make, tokenizer, same_company):
    """Items 0 to 19 are pairs with one text; each pair shares a group of companions, or has two groups."""
    titles = [f"Thing {number // 2}" for number in range(20)] + [f"Other {number}" for number in range(200)]
    rng = np.random.default_rng(0)
    histories = []
    for item in range(20):
        group = item // 2 if same_company else item
        for _ in range(8):
            histories.append([item, *(20 + 10 * group + rng.choice(10, 6, replace=False)), 0, 1])
    data = make({"title": titles}, histories)
    reading = conflict(Catalogue(data, tokenizer), Behaviour(data), TITLE)
    assert reading.facts["pairs"] == 10
    assert (reading.value == 0 and reading.facts["auc"] > 0.9) if same_company else reading.value > 0.9
