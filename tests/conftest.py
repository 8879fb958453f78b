"""What tests share: a home folder of their own, the embedded sample, and the real data beside the repository."""

import os
import shutil
from pathlib import Path

import pytest

import upsr_core.runtime  # noqa: F401  sets what must be set before torch is imported

SHARED = Path(os.environ.get("UPSR_SHARED", Path(__file__).resolve().parents[2] / "shared"))


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch) -> Path:
    """Every test stores its datasets, designs and runs in a folder of its own."""
    folder = tmp_path / "upsr-home"
    monkeypatch.setenv("UPSR_HOME", str(folder))
    return folder


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder with real datasets."""
    if not (SHARED / "data").is_dir():
        pytest.skip(f"real datasets are not at {SHARED} (set UPSR_SHARED)")
    return SHARED


@pytest.fixture
def movies(home):
    """The dataset `sample:movies`, imported through the real reader."""
    from upsr_core.datasets.importing import import_dataset
    from upsr_core.datasets.sample import sample_files, sample_name

    return import_dataset(sample_name("movies"), *sample_files("movies"), synthetic=True)


@pytest.fixture(scope="session")
def small_t5(tmp_path_factory) -> Path:
    """The folder of a T5 with random weights and the embedded tokenizer: reads quickly and knows nothing."""
    import torch
    from transformers import T5Config, T5ForConditionalGeneration

    from upsr_core.plm.door import locate

    torch.manual_seed(1)
    config = T5Config(
        vocab_size=8192, d_model=32, d_kv=8, num_heads=4, num_layers=2, num_decoder_layers=2, d_ff=64,
        dropout_rate=0.0, decoder_start_token_id=0,
    )  # fmt: skip
    folder = tmp_path_factory.mktemp("small-t5")
    T5ForConditionalGeneration(config).save_pretrained(folder)
    shutil.copy(locate("embedded") / "tokenizer.json", folder)
    return folder
