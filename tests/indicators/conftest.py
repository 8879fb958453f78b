"""The tokenizer and the model that read the datasets of `made_data`."""

import sys
from pathlib import Path

import pytest

from upsr_core.plm.door import load_tokenizer

sys.path.append(str(Path(__file__).parent))  # importlib mode leaves it out


@pytest.fixture
def make():
    from made_data import made

    return made


@pytest.fixture(scope="session")
def tokenizer():
    return load_tokenizer("embedded")


@pytest.fixture(scope="session")
def reader():
    from upsr_core.indicators.states import reader_of

    return reader_of("embedded")
