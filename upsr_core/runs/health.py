"""Whether a rival is as good as it is known to be: its runs against published figures."""

from dataclasses import dataclass

from upsr_core.datasets.splits import SplitSpec
from upsr_core.datasets.store import load_dataset
from upsr_core.evaluation.published_results import Band, band_of
from upsr_core.models.registry import model_named
from upsr_core.runs.convergence import Spent, converged, spent
from upsr_core.runs.results import RunResult
from upsr_core.runs.run import Run, list_runs

HEALTHY, BELOW, IMPROVING, SUSPICIOUS = "healthy", "below", "still improving", "suspicious"
NO_REFERENCE = "no reference"
USUAL_CAUSES = (
    "Usual causes: test targets in the training events, such as one log imported twice; the target known from the "
    "history; repeated events or items counted as new; fewer items or users than the published data have."
)


@dataclass(frozen=True)
class Health:
    """A finished run against published figures.

    `training` is what it used of its budget, in `seconds` (both None where nothing was trained, or nothing is known);
    `converged` whether its curve no longer rises, None where nothing was validated; `band` None where no figure of
    this model on this dataset is known.
    """

    run: str
    title: str
    model: str
    dataset: str
    metrics: dict[str, float]
    training: Spent | None
    seconds: float | None
    converged: bool | None
    band: Band | None
    verdict: str
    reason: str


def health(dataset_name: str, model: str | None = None) -> list[Health]:
    """The finished runs on a dataset, of one model or of all, newest first.

    Raises DataError for an unknown dataset, RunError for an unknown model.
    """
    if model is not None:
        model_named(model)
    dataset, found = load_dataset(dataset_name), []
    for run in list_runs():
        name, result = run.spec.model.name, run.result()
        if result is None or run.spec.dataset.content != dataset.digest or model not in (None, name):
            continue
        band, used = band_of(dataset, name), spent(run)
        verdict, reason = judge(run, result, band)
        found.append(
            Health(
                run.id, run.title, name, dataset.name, figures(result), used, run.training_seconds if used else None,
                converged(run), band, verdict, reason,
            )
        )  # fmt: skip
    return found


def judge(run: Run, result: RunResult, band: Band | None) -> tuple[str, str]:
    """The verdict on a finished run, and its reason in words."""
    if band is None:
        return NO_REFERENCE, "No published figure of this model on this dataset is known here."
    reached = figures(result)
    if run.spec.split != SplitSpec() or not band.low.keys() <= reached.keys() or result.users < result.of_users:
        return (
            NO_REFERENCE,
            "Published figures rank the whole catalogue for all users, leave-one-out; this run does not.",
        )
    beyond = [
        f"{name} {reached[name]:.4f} above {high:.4f}" for name, high in band.high.items() if reached[name] > high
    ]
    if beyond:
        return SUSPICIOUS, f"Better than anything known: {', '.join(beyond)}. {USUAL_CAUSES}"
    short = [f"{name} {reached[name]:.4f} below {low:.4f}" for name, low in band.low.items() if reached[name] < low]
    if not short:
        return HEALTHY, "Every figure is in its band."
    if converged(run) is False:
        return (
            IMPROVING,
            f"Not there yet: {', '.join(short)}; its curve was still rising when its budget ended. Train it longer.",
        )
    return BELOW, f"{', '.join(short)}; its curve no longer rises, so longer training is no remedy."


def figures(result: RunResult) -> dict[str, float]:
    """All metrics of a result by name, also those with the history among the candidates."""
    return {**result.metrics, **result.history_kept}
