"""What a study says: quality and indicators of its designs, their rank correlations, and how far these carry."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from upsr_core.evaluation.correlation import Correlation, rank_correlation
from upsr_core.evaluation.verdicts import NO, NOT_SHOWN, YES
from upsr_core.indicators.profile import Setting, stored_result
from upsr_core.indicators.result import INDICATORS
from upsr_core.studies.study import CLAIMED, Study


@dataclass(frozen=True)
class StudyOutcome:
    """What the finished trials of a study say.

    `trials`: one row per trial: design, seed, run, state, ndcg10, uses_history (NaN and None before it is done).
    `designs`: one row per design with a finished trial and its indicators: design, ndcg10 (mean over seeds), low and
    high (over seeds), seeds, unshown (how many of its trials are not shown to use the history), and a column per
    indicator.
    `correlations` of each indicator with ndcg10 over the designs.
    """

    metric: str
    trials: pd.DataFrame
    designs: pd.DataFrame
    correlations: dict[str, Correlation]

    @property
    def unshown(self) -> pd.DataFrame:
        """The finished trials whose right history cannot be shown to rank better than another user's."""
        return self.trials[self.trials.uses_history.isin([NOT_SHOWN, NO])]  # before it is done it is neither


def outcome(study: Study, setting: Setting) -> StudyOutcome:
    """What is known by now; nothing is computed that takes long.

    Parameters
    ----------
    study
        Its trials need not be finished; those that are count.
    setting
        What `study.spec.setting()` gives: the datasets and the language model of the indicators.

    Returns
    -------
    StudyOutcome
        Trials, designs with their stored indicators, and the rank correlations over designs.
    """
    spec, metric = study.spec, study.spec.metric
    rows = []
    for trial, run in zip(spec.trials, spec.runs, strict=True):
        result = run.result()
        row = {"design": trial.design.finetune.label, "seed": trial.seed, "run": run.id, "state": run.status().state}
        row |= {"ndcg10": result.metrics[metric] if result else np.nan}
        rows.append({**row, "uses_history": result.uses_history if result else None})
    trials = pd.DataFrame(rows)
    measured = []
    for design in spec.designs:
        row = {"design": design.label}
        for name in spec.indicators:
            kept = stored_result(name, setting, design)
            row[name] = np.nan if kept is None or kept.value is None else kept.value
        measured.append(row)
    done = trials.dropna(subset="ndcg10")
    quality = done.groupby("design", sort=False).agg(
        ndcg10=("ndcg10", "mean"), low=("ndcg10", "min"), high=("ndcg10", "max"), seeds=("ndcg10", "size"),
        unshown=("uses_history", lambda known: int((known != YES).sum())),
    )  # fmt: skip
    designs = quality.reset_index().merge(pd.DataFrame(measured), on="design", how="left")
    found = {name: rank_correlation(designs[name], designs.ndcg10) for name in spec.indicators}
    return StudyOutcome(metric, trials, designs, found)


def verdict(name: str, found: Correlation) -> str:
    """What a correlation says of the claim that an indicator predicts quality, in words.

    >>> verdict("informativeness", Correlation(12, 0.2, -0.4, 0.7, 0.1))
    'Not shown: the interval spans zero.'
    """
    if found.rho is None:
        return f"Cannot be computed because {found.reason}."
    if found.low is None:
        return f"Not shown: {found.reason}."
    if found.spans_zero:
        return "Not shown: the interval spans zero."
    if not found.shown:
        return f"Not shown: {found.p:.0%} of random orders of {found.n} designs are as far from zero."
    sign, claimed = (1 if found.rho > 0 else -1), CLAIMED[name]
    what = "perplexity" if name == "naturalness" else INDICATORS[name][0].lower()
    way = f"the {'higher' if sign > 0 else 'lower'} the {what}, the better the ranking"
    if not claimed:
        return f"Goes with quality: {way}."
    return f"{'As claimed' if sign == claimed else 'Against the claim'}: {way}."


def notes(found: StudyOutcome) -> list[str]:
    """What must be said beside the correlations, in whole sentences."""
    lines, weak = [], found.unshown
    known = [each for each in found.correlations.values() if each.low is not None]
    if known:
        lines.append(
            f"{max(each.n for each in known)} designs are few, so the intervals are wide; they are over designs, and "
            f"say nothing of other datasets or budgets. With {len(known)} intervals at 95 %, about "
            f"{1 - 0.95 ** len(known):.0%} of such studies have one clear of zero by chance alone."
        )
    if len(weak):
        names = ", ".join(f"{row.design} (seed {row.seed})" for row in weak.itertuples())
        lines.append(
            f"{len(weak)} of {int(found.trials.ndcg10.notna().sum())} finished trials are not shown to use the "
            f"history, so their quality may be popularity alone: {names}."
        )
    return lines


def summary(study: Study, found: StudyOutcome) -> dict:
    """The JSON-able record of a study: per indicator rho, low, high, n, p, tau, verdict; designs, seeds, budget."""
    spec, weak = study.spec, found.unshown
    return {
        "study": study.id,
        "dataset": spec.dataset.name,
        "indicators": {
            name: {
                "rho": each.rho, "low": each.low, "high": each.high, "n": each.n, "p": each.p, "tau": each.tau,
                "verdict": verdict(name, each),
            }
            for name, each in found.correlations.items()
        },
        "designs": [design.label for design in spec.designs],
        "seeds": spec.seeds,
        "budget": spec.budget,
        "metric": found.metric,
        "domains": [ref.name for ref in spec.domains],
        "trials": len(found.trials),
        "done": int(found.trials.ndcg10.notna().sum()),
        "not_shown_to_use_history": weak[["design", "seed", "run"]].to_dict("records"),
        "notes": notes(found),
    }  # fmt: skip
