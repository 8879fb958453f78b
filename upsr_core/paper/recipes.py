"""Training recipes: what makes a trial use the history? The named recipes and single changes of one, at equal tokens.

Not in the paper. Ranked among uniform candidates and among popular ones, which popularity alone cannot win. Single
changes are of the paper's short recipe: by the paper's own numbers the budgets of the smaller scales end after some
tens of steps, which no change could be seen in.
"""

from typing import Any

import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from upsr_core.comparison.compare import leaderboard
from upsr_core.datasets.store import load_dataset
from upsr_core.errors import RunError
from upsr_core.evaluation.metrics import named
from upsr_core.evaluation.verdicts import YES
from upsr_core.export.figure_style import GREY, looks
from upsr_core.paper.experiment import Cell, Claim, Experiment, ExperimentSpec, Outcome, design_of, planned
from upsr_core.paper.grid import AS_PAPER, OTHERWISE, Finished, by_dataset, judged, scale_notes, verdicts, wide
from upsr_core.paper.text_indicators import letter_notes
from upsr_core.runs.spec import RunSpec
from upsr_core.runtime import Progress
from upsr_core.training.recipes import PAPER as REFERENCE
from upsr_core.training.recipes import PERSONAL, SHORT, whole
from upsr_core.training.recipes import RECIPES as NAMED

PAPER, SHORTER, POPULARITY = "Paper's recipe", "Paper's, short", "Popularity"
BEST, CONTROL = "Personal", "Personal, histories dealt anew"
MODES = ("uni100", "pop100")
_SHORT = whole(SHORT)
_SCORE = NAMED[PERSONAL].score
# What differs from the paper's short recipe; see `TrainingSpec` and `likelihood.scores`.
CHANGES: dict[str, dict[str, Any]] = {
    "Learning rate 3e-4": {"training": _SHORT | {"learning_rate": 3e-4}},
    "Learning rate 1e-4": {"training": _SHORT | {"learning_rate": 1e-4}},
    "64 histories a batch": {"training": _SHORT | {"batch": 64}},
    "Last item only": {"training": _SHORT | {"last_only": 1.0}},
    "All beginnings": {"training": _SHORT | {"prefixes": True}},
    "Shorter histories first": {"training": _SHORT | {"shorter_first": True}},
    "Informative tokens": {"training": _SHORT | {"informative": 1.0}},
    "Contrast": {"training": _SHORT | {"last_only": 1.0, "contrast": 1.0}},
    "Conditional score": {"training": _SHORT, "score": "conditional"},
}
RECIPES: dict[str, dict[str, Any]] = {
    PAPER: {},
    SHORTER: {"training": _SHORT},
    BEST: {"training": whole(PERSONAL), "score": _SCORE},
    CONTROL: {"training": whole(PERSONAL) | {"dealt": True}, "score": _SCORE},
    **CHANGES,
}
START = "Start: second model"  # such as the behaviour-tuned one
QUALITY, DEPENDENCE = "NDCG@10", "User dependence"


def cells(spec: ExperimentSpec) -> list[Cell]:
    if spec.recipe != REFERENCE:
        raise RunError("This experiment compares recipes itself", how="Leave the recipe out.")
    made = []
    for dataset in spec.datasets:
        design = design_of(load_dataset(dataset), "CTD")
        columns = RECIPES | ({START: {"plm": spec.plms[1], "training": _SHORT}} if len(spec.plms) > 1 else {})
        for column, options in columns.items():
            for cell in planned(spec, dataset, column, design, **options):
                made += [Cell(dataset, column, _in(cell.spec, mode)) for mode in MODES]
    return made


def _in(run: RunSpec, mode: str) -> RunSpec:
    """The same training, judged in another candidate mode; its weights are taken, not trained again."""
    return run.model_copy(update={"candidates": run.candidates.model_copy(update={"mode": mode})})


def collect(spec: ExperimentSpec, finished: Finished, progress: Progress) -> Outcome:
    rows, claims = [], []
    for mode in MODES:
        mine = [(cell, run) for cell, run in finished if cell.spec.candidates.mode == mode]
        for dataset, (compared, columns) in by_dataset(mine).items():
            for entry in leaderboard(compared).to_dict("records"):
                column = columns.get(entry["id"], entry["label"])
                if column in EXPERIMENT.columns:
                    at = {"dataset": dataset, "column": column}
                    rows.append({**at, "row": named(QUALITY, mode), "value": 100 * entry[QUALITY]})
                    if column != POPULARITY:
                        gain = {"value": "dependence", "low": "dependence_low", "high": "dependence_high"}
                        numbers = {name: 100 * entry[source] for name, source in gain.items()}
                        rows.append({**at, "row": named(DEPENDENCE, mode), **numbers})
        claims += [{**row, "claim": f"{row['claim']} ({mode})"} for row in verdicts(mine, EXPERIMENT.claims)]
    table = wide(pd.DataFrame(rows), EXPERIMENT.columns).sort_values("dataset", kind="stable", ignore_index=True)
    found = judged(claims).replace({"verdict": {AS_PAPER: "above", OTHERWISE: "below"}})
    first = [(cell, run) for cell, run in finished if cell.spec.candidates.mode == MODES[0]]
    notes = (
        *scale_notes(spec, first), *letter_notes(spec),
        "Not an experiment of the paper: every recipe gets the same real tokens. User dependence is the NDCG@10 that "
        "the right history gains over another user's, in percentage points.",
        _control(finished),
    )  # fmt: skip
    return Outcome(table, table, curves(first), found, notes)


def _control(finished: Finished) -> str:
    """How many runs of the control are said to use the history, in words."""
    runs = [run for cell, run in finished if cell.column == CONTROL]
    called = sum(run.finished_result().uses_history == YES for run in runs)
    return (
        f"Control: the items of all histories were dealt out anew before the training, so that it can teach nothing of "
        f"users; {called} of {len(runs)} of its runs are said to use the history. What they have of it is the language "
        "model's."
    )


def curves(finished: Finished) -> go.Figure:
    """Validation quality and user dependence over real tokens seen, the mean over seeds; one column per dataset."""
    datasets = list(dict.fromkeys(cell.dataset for cell, _ in finished))
    figure = make_subplots(
        2, len(datasets), shared_xaxes=True, column_titles=datasets, vertical_spacing=0.08, horizontal_spacing=0.08
    )
    styles = looks([cell.column for cell, _ in finished])
    for place, dataset in enumerate(datasets, 1):
        for column, style in styles.items():
            seeds = [run.curve() for cell, run in finished if (cell.dataset, cell.column) == (dataset, column)]
            seen = pd.concat(seeds).dropna(subset=["ndcg10"]).groupby("step", as_index=False).mean()
            for row, measured in ((1, "ndcg10"), (2, "user_dependence")):
                figure.add_scatter(
                    x=seen.tokens, y=seen[measured], name=column, legendgroup=column, mode="lines+markers",
                    marker={"size": 8, **style}, line={"color": style["color"], "width": 1.5},
                    showlegend=place == row == 1, row=row, col=place,
                    hovertemplate=f"%{{x:,.0f}} tokens: %{{y:.4f}}<extra>{column}</extra>",
                )  # fmt: skip
        figure.add_hline(y=0, line={"color": GREY, "width": 1.5}, row=2, col=place)
        figure.update_xaxes(title="real tokens seen", row=2, col=place)
    figure.update_yaxes(title="validation NDCG@10 (uni100)", row=1, col=1)
    figure.update_yaxes(title="user dependence", row=2, col=1)
    return figure.update_layout(
        height=560, margin={"l": 10, "r": 10, "t": 40, "b": 10}, legend={"orientation": "h", "y": -0.12, "x": 0}
    )


EXPERIMENT = Experiment(
    "recipes",
    "Training recipes (not in the paper)",
    "What makes a trial use the history, at the same number of tokens?",
    cells,
    collect,
    (*RECIPES, START, POPULARITY),
    {},
    tuple(
        Claim(better, worse, QUALITY, "not in the paper")
        for better, worse in (
            (SHORTER, PAPER),
            (BEST, PAPER),
            (BEST, SHORTER),
            *((column, SHORTER) for column in (*CHANGES, START)),
        )
    ),
    plms=2,
)
