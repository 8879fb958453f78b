"""What tests share: a home folder of their own, the embedded sample, and the real data beside the repository."""

import os
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
