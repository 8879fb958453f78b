"""Every table and figure of the paper from nothing to its outcome, with real runs at a quarter of the smoke scale.

The language models have the layouts of T5 and of FLAN-T5 and random weights, so a run takes a second or two: it is
shown that everything fits together, which is all that the smoke scale says of itself.
"""

import shutil
from dataclasses import replace

import pytest

from upsr_core.models.budgets import BUDGETS
from upsr_core.paper.figure3 import LOSS
from upsr_core.paper.registry import EXPERIMENTS
from upsr_core.paper.runner import study
from upsr_core.runs.run import Run, run_folder


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """One home for all of them: a run that two experiments have in common is made once."""
    folder = tmp_path_factory.mktemp("smoke") / "home"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("UPSR_HOME", str(folder))
        patch.setattr("upsr_core.export.figure_files.browser", lambda: None)
        whole = BUDGETS["smoke"]
        training = whole.training.model_copy(update={"tokens": 10_000, "evaluations": 1})
        changes = {"training": training, "pretrain_tokens": 10_000, "validation_users": 4, "test_users": 8}
        patch.setitem(BUDGETS, "smoke", replace(whole, **changes))
        yield folder


@pytest.fixture(scope="module")
def shops(home):
    """Three small domains: the first is ranked, the others are for pre-training."""
    from upsr_core.datasets.importing import import_dataset
    from upsr_core.datasets.sample import sample_files
    from upsr_core.datasets.spec import PreparationSpec

    names = ("pantry", "arts", "instruments")
    for name in names:
        import_dataset(name, *sample_files(name), preparation=PreparationSpec.new_domain(), synthetic=True)
    return names


@pytest.fixture(scope="module")
def small_flan(tmp_path_factory, small_t5):
    """A folder with FLAN-T5's layout: gated feed-forward layers, a head of its own."""
    import torch
    from transformers import T5Config, T5ForConditionalGeneration

    torch.manual_seed(2)
    config = T5Config(
        vocab_size=8192, d_model=32, d_kv=8, num_heads=4, num_layers=2, num_decoder_layers=2, d_ff=64,
        feed_forward_proj="gated-gelu", tie_word_embeddings=False, dropout_rate=0.0, decoder_start_token_id=0,
    )  # fmt: skip
    folder = tmp_path_factory.mktemp("small-flan")
    T5ForConditionalGeneration(config).save_pretrained(folder)
    shutil.copy(small_t5 / "tokenizer.json", folder)
    return folder


@pytest.mark.parametrize("name", sorted(EXPERIMENTS.keys() - {"recipes"}))
def test_from_nothing_to_its_outcome(name, shops, small_t5, small_flan):
    experiment = EXPERIMENTS[name]
    two = name in ("table3", "table9")  # a second family is more of the same elsewhere
    plm = f"{small_t5},{small_flan}" if two else str(small_t5)
    first = shops[1:] if experiment.pretrains != "no" else ()
    this = study(name, shops[:1], "smoke", plm, first)
    outcome = this.run(lambda *_: None)
    columns = {cell.column for cell in this.cells()}
    assert len(outcome.table) and outcome.notes and (this.folder / "outcome.json").exists()
    if columns <= set(experiment.columns):
        measured = outcome.table[outcome.table.row != LOSS]  # what is lost of nothing is not defined
        assert measured[sorted(columns)].notna().all().all()
    for cell in this.cells():
        result = Run(run_folder(cell.spec)).result()
        assert result.users > 0 and result.metrics and result.user_dependence.metric in result.metrics
    assert set(outcome.claims.columns) <= {
        "dataset", "claim", "paper", "difference", "low", "high", "why", "p", "verdict", "on"
    }  # fmt: skip
