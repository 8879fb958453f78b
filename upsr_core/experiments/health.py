"""Whether a rival is as good as it is known to be: its runs against published figures."""

import pandas as pd

from upsr_core.datasets.splits import SplitSpec
from upsr_core.datasets.store import load_dataset
from upsr_core.evaluation.bands import MEASURES, Band, band_of
from upsr_core.experiments.runs import Run, list_runs
from upsr_core.rankers.spec import model_info

HEALTHY, BELOW, IMPROVING, NO_REFERENCE = "healthy", "below", "still improving", "no reference"
GAIN = 0.01  # a curve still improves if its last validations raised its best by more than a hundredth


def health(dataset_name: str, model: str | None = None) -> list[dict]:
    """The finished runs on a dataset, of one model or of all, newest first: one record each.

    Keys: run, title, model, dataset, metrics (all of the run), band (`low`, `published`, `source`, or None), verdict,
    reason. Raises DataError for an unknown dataset, RunError for an unknown model.
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
    if still_improving(run.curve(), run.spec.training.patience if run.spec.training else 1):
        return (
            IMPROVING,
            f"Not there yet: {figures}; its curve was still rising when its budget ended. Train it longer.",
        )
    return BELOW, f"{figures}; its curve no longer rises, so longer training is no remedy."


def still_improving(curve: pd.DataFrame, patience: int) -> bool:
    """Whether the last `patience` validations of a learning curve raised its best NDCG@10 by more than a hundredth.

    A training that was stopped because it gained nothing more never does.

    >>> still_improving(pd.DataFrame({"ndcg10": [0.1, 0.2, 0.3, 0.4, 0.5]}), 2)
    True
    >>> still_improving(pd.DataFrame({"ndcg10": [0.1, 0.5, 0.5, 0.4]}), 2)
    False
    """
    values = curve.ndcg10.dropna().to_numpy()
    if len(values) <= patience:
        return len(values) > 0
    return bool(values[-patience:].max() > values[:-patience].max() * (1 + GAIN))
