"""Runs made small, so that what is looked at takes minutes instead of hours."""

from upsr_core.runs.spec import RunSpec


def with_training(spec: RunSpec, **changes: object) -> RunSpec:
    """A specification whose training has these values. Raises ValueError for a model that is not trained."""
    if spec.training is None:
        raise ValueError(f"nothing is trained in a run of {spec.label}")
    return spec.model_copy(update={"training": spec.training.model_copy(update=changes)})
