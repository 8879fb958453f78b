"""The core library of UPSR Studio: sequential recommendation as language (see README).

What is named here is the front door: with it a whole experiment can be written. Nothing is imported before it is used,
so that `import upsr_core` takes no time.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from upsr_core.comparison.compare import leaderboard, pairs
    from upsr_core.comparison.entries import load as load_comparison
    from upsr_core.datasets.importing import import_dataset
    from upsr_core.datasets.sample import ensure_sample
    from upsr_core.datasets.splits import SplitSpec, split
    from upsr_core.datasets.store import Dataset, delete_dataset, list_datasets, load_dataset
    from upsr_core.evaluation.candidates import Candidates, CandidateSpec, candidates_for
    from upsr_core.evaluation.own_model import evaluate_scores
    from upsr_core.explain.explanation import explain as explain_user
    from upsr_core.indicators.profile import Setting, profile
    from upsr_core.models.registry import MODELS
    from upsr_core.plm.loading import load_tokenizer
    from upsr_core.runs.ensure_finished import finish
    from upsr_core.runs.forecast import forecast
    from upsr_core.runs.run import Run, create_run, list_runs, load_run
    from upsr_core.runs.spec import RunSpec, plan_run
    from upsr_core.runs.user_ranking import find_user, load_ranker, ranked, top_of_catalogue
    from upsr_core.text.design import Design, ItemDesign, parse_design
    from upsr_core.text.render import ItemTexts

__all__ = [
    "MODELS",
    "CandidateSpec",
    "Candidates",
    "Dataset",
    "Design",
    "ItemDesign",
    "ItemTexts",
    "Run",
    "RunSpec",
    "Setting",
    "SplitSpec",
    "candidates_for",
    "create_run",
    "delete_dataset",
    "ensure_sample",
    "evaluate_scores",
    "explain_user",
    "find_user",
    "finish",
    "forecast",
    "import_dataset",
    "leaderboard",
    "list_datasets",
    "list_runs",
    "load_comparison",
    "load_dataset",
    "load_ranker",
    "load_run",
    "load_tokenizer",
    "pairs",
    "parse_design",
    "plan_run",
    "profile",
    "ranked",
    "split",
    "top_of_catalogue",
]

# Where each name is defined; another name there stands after a colon.
_PLACES = {
    "CandidateSpec": "evaluation.candidates",
    "Candidates": "evaluation.candidates",
    "Dataset": "datasets.store",
    "Design": "text.design",
    "ItemDesign": "text.design",
    "ItemTexts": "text.render",
    "MODELS": "models.registry",
    "Run": "runs.run",
    "RunSpec": "runs.spec",
    "Setting": "indicators.profile",
    "SplitSpec": "datasets.splits",
    "candidates_for": "evaluation.candidates",
    "create_run": "runs.run",
    "delete_dataset": "datasets.store",
    "ensure_sample": "datasets.sample",
    "evaluate_scores": "evaluation.own_model",
    "explain_user": "explain.explanation:explain",
    "find_user": "runs.user_ranking",
    "finish": "runs.ensure_finished",
    "forecast": "runs.forecast",
    "import_dataset": "datasets.importing",
    "leaderboard": "comparison.compare",
    "list_datasets": "datasets.store",
    "list_runs": "runs.run",
    "load_comparison": "comparison.entries:load",
    "load_dataset": "datasets.store",
    "load_ranker": "runs.user_ranking",
    "load_run": "runs.run",
    "load_tokenizer": "plm.loading",
    "pairs": "comparison.compare",
    "parse_design": "text.design",
    "plan_run": "runs.spec",
    "profile": "indicators.profile",
    "ranked": "runs.user_ranking",
    "split": "datasets.splits",
    "top_of_catalogue": "runs.user_ranking",
}


def __getattr__(name: str) -> Any:
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module, _, other = _PLACES[name].partition(":")
    return getattr(import_module(f"{__name__}.{module}"), other or name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
