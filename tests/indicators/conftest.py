"""The tokenizer and the model that read the datasets of `made_data`."""

import pytest

from upsr_core.plm.loading import load_tokenizer


@pytest.fixture
def make():
    from made_data import made

    return made


@pytest.fixture(scope="session")
def tokenizer():
    return load_tokenizer("embedded")


@pytest.fixture(scope="session")
def reader():
    from upsr_core.indicators.encoder import text_model_of

    return text_model_of("embedded")
