"""Whether a rival is as good as it is known to be: its runs against published figures."""

from dataclasses import asdict

from upsr_core.datasets.splits import SplitSpec
from upsr_core.datasets.store import load_dataset
from upsr_core.evaluation.bands import MEASURES, Band, band_of
from upsr_core.models.registry import model_info
from upsr_core.runs.convergence import converged, spent
from upsr_core.runs.run import Run, list_runs

HEALTHY, BELOW, IMPROVING, NO_REFERENCE = "healthy", "below", "still improving", "no reference"


def health(dataset_name: str, model: str | None = None) -> list[dict]:
    """The finished runs on a dataset, of one model or of all, newest first: one record each.

    Keys: run, title, model, dataset, metrics (all of the run), training (`unit`, `used`, `most` and `seconds` of its
    budget, or None), converged (whether its curve no longer rises, or None), band (`low`, `published`, `source`, or
    None), verdict, reason. Raises DataError for an unknown dataset, RunError for an unknown model.
    """
    if model is not None:
        model_info(model)
    dataset = load_dataset(dataset_name)
    records = []
    for run in list_runs():
        spec, result = run.spec, run.result()
        if result is None or spec.dataset.content != dataset.digest or model not in (None, spec.model):
            continue
        band = band_of(dataset, spec.model)
        verdict, reason = judge(run, result, band)
        records.append(
            {
                "run": run.id,
                "title": run.title,
                "model": spec.model,
                "dataset": dataset.name,
                "metrics": result["metrics"],
                "training": None if (used := spent(run)) is None else {**asdict(used), "seconds": run.training_seconds},
                "converged": converged(run),
                "band": None if band is None else {"low": band.low, "published": band.published, "source": band.source},
                "verdict": verdict,
                "reason": reason,
            }
        )
    return records


def judge(run: Run, result: dict, band: Band | None) -> tuple[str, str]:
    """The verdict on a finished run, and its reason in words."""
    if band is None:
        return NO_REFERENCE, "No published figure of this model on this dataset is known here."
    if run.spec.split != SplitSpec() or MEASURES[0] not in result["metrics"] or result["users"] < result["of_users"]:
        return (
            NO_REFERENCE,
            "Published figures rank the whole catalogue for all users, leave-one-out; this run does not.",
        )
    short = [name for name, low in band.low.items() if result["metrics"][name] < low]
    if not short:
        return HEALTHY, "Every figure is in its band."
    figures = ", ".join(f"{name} {result['metrics'][name]:.4f} of {band.low[name]:.4f}" for name in short)
    if converged(run) is False:
        return (
            IMPROVING,
            f"Not there yet: {figures}; its curve was still rising when its budget ended. Train it longer.",
        )
    return BELOW, f"{figures}; its curve no longer rises, so longer training is no remedy."
