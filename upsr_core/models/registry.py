"""All models by name. A new one is a module beside this one, and one line here."""

from typing import Any

from upsr_core.errors import RunError
from upsr_core.models.base import Model
from upsr_core.models.linear_probe import LinearProbe
from upsr_core.models.popularity import Popularity, RandomOrder
from upsr_core.models.sequential import Bert4rec, SasrecBce, SasrecCe
from upsr_core.models.similarity import TextSimilarity
from upsr_core.models.spec import ModelSpec
from upsr_core.models.unisrec import Unisrec, UnisrecTransductive
from upsr_core.models.upsr import Upsr

MODELS: dict[str, Model[Any]] = {
    model.name: model
    for model in (
        Upsr(),
        SasrecCe(),
        SasrecBce(),
        Bert4rec(),
        Unisrec(),
        UnisrecTransductive(),
        LinearProbe(),
        TextSimilarity(),
        Popularity(),
        RandomOrder(),
    )
}


def model_named(name: str) -> Model[Any]:
    """The model of a name. Raises RunError where there is none."""
    if name not in MODELS:
        raise RunError(f"There is no model {name!r}", how=f"Choose among {', '.join(MODELS)}.")
    return MODELS[name]


def model_spec(record: dict) -> ModelSpec:
    """The record of a model as it was stored. Raises ValueError where it is none of a model that is known."""
    name = record.get("name")
    if name not in MODELS:
        raise ValueError(f"there is no model {name!r}")
    return MODELS[name].spec_type.model_validate(record)
