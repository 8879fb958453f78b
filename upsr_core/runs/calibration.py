"""What a training step and a scored user cost on this machine, measured once and kept, for forecasts."""

import json
from pathlib import Path

from upsr_core.datasets.splits import split
from upsr_core.evaluation.candidates import candidates_for
from upsr_core.models.cost import Calibration, cores
from upsr_core.runs.spec import RunSpec
from upsr_core.runtime import home
from upsr_core.schema import digest_of
from upsr_core.storage.atomic import write_atomically


def calibrated(spec: RunSpec) -> Calibration | None:
    """What was measured for runs that cost the same per token and user; None where nothing was, or can be."""
    if not spec.kind.calibrates:
        return None
    try:
        return Calibration(**json.loads(_file(spec).read_text()))
    except (OSError, ValueError, TypeError):
        return None


def calibrate(spec: RunSpec) -> Calibration:
    """Measure, keep and return it; takes some seconds. Raises RunError for a model that is cheap to foretell."""
    dataset = spec.dataset.load()
    parts = split(dataset, spec.split)
    found = spec.kind.calibrate(spec.model, dataset, parts, candidates_for(dataset, parts, spec.candidates))
    file = _file(spec)
    file.parent.mkdir(exist_ok=True)
    write_atomically(file, found.model_dump_json())
    return found


def _file(spec: RunSpec) -> Path:
    record = spec.model_dump(mode="json", include={"dataset", "split"})
    same = {"model": spec.kind.cost_record(spec.model), "mode": spec.candidates.mode, "cores": cores()}
    return home() / "calibrations" / f"{digest_of([record, same])}.json"
