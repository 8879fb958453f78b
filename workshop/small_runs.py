"""Runs made small, so that what is looked at takes minutes instead of hours."""

from upsr_core.models.spec import TrainedModelSpec
from upsr_core.runs.spec import RunSpec


def with_training(spec: RunSpec, **changes: object) -> RunSpec:
    """A specification whose training has these values. Raises ValueError for a model that is not trained so."""
    if not isinstance(spec.model, TrainedModelSpec):
        raise ValueError(f"nothing is trained step by step in a run of {spec.label}")
    return spec.model_copy(update={"model": spec.model.with_training(**changes)})
