import re

import numpy as np

from upsr_core.plm.loading import card, load_model
from upsr_core.training.spec import TrainingSpec
from workshop.language_model.behaviour_tuning import BehaviourSpec, tune, varied
from workshop.sample.generator import DOMAINS

WORDS = [f"{a}{b}" for a in ("zor", "mel", "tak", "wil", "bru") for b in ("ando", "emi", "ilt", "usk")]


def names(text: str) -> set[str]:
    return set(re.findall(r"[A-Za-z]{3,}", text))


def test_a_varied_domain_has_other_words_and_the_same_categories():
    base = DOMAINS[3]
    same = varied(base, 0, WORDS, 0.0, np.random.default_rng(0))
    assert same.categories == base.categories and same.vocabulary_seed != base.vocabulary_seed
    other = varied(base, 1, WORDS, 1.0, np.random.default_rng(0))
    assert len(other.leaves()) == len(base.leaves()) and other.root != base.root
    assert [leaf.price for leaf in other.leaves()] == [leaf.price for leaf in base.leaves()]
    assert {name.lower() for name in names(other.categories)} <= set(WORDS)
    assert other == varied(base, 1, WORDS, 1.0, np.random.default_rng(0))


def test_tuning_leaves_a_model_that_opens(home, tmp_path):
    training = TrainingSpec(tokens=30_000, batch_tokens=2048, evaluations=1, learning_rate=1e-3)
    spec = BehaviourSpec(domains=2, users=30, items=40, training=training)
    phases = []
    tune(spec, WORDS, tmp_path / "out", tmp_path / "work", lambda done, total, what: phases.append(what))
    assert phases[0] == "inventing domains" and phases[-1] == "behaviour tuning"
    made = card(str(tmp_path / "out"))
    assert made["histories_seen"] > 60 and 30_000 <= made["real_tokens_seen"]["encoder"] < 33_000
    assert made["curve"][0]["loss"] > 0 and made["curve"][-1]["step"] > 1
    assert made["corpora"][0]["users"] > 40 and made["from"]["model"] == "embedded"
    before, after = (load_model(name).shared.weight for name in ("embedded", str(tmp_path / "out")))
    assert before.shape == after.shape and not before.equal(after)
