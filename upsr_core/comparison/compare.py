"""The leaderboard with intervals, and every pair with its tests."""

from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd

from upsr_core.comparison.entries import Compared, Entry
from upsr_core.evaluation.metrics import HEADLINE, METRICS
from upsr_core.evaluation.statistics import by_user, difference_over_seeds, holm, mean_interval, randomisation_test
from upsr_core.evaluation.verdicts import NOT_SHOWN, uses_history, why_not_shown

ALPHA = 0.05
DIFFERENT, ALIKE = "different", "not told apart"
# What a verdict is on: one seed cannot tell luck from design.
DESIGNS, TRAININGS = "designs", "these trainings"


def leaderboard(compared: Compared, order: str = "NDCG@10") -> pd.DataFrame:
    """One row per entry and reference, best first by `order`.

    Parameters
    ----------
    compared
        What `entries.load` gives.
    order
        The metric to sort by, such as NDCG@10 or HR@1.

    Returns
    -------
    DataFrame
        id, label, reference, seeds; for every metric its mean and 95 % interval (`M`, `M_low`, `M_high`; NaN where none
        holds, and `M_why` says so); dependence (NDCG@10 gained over another user's history) in the same form;
        uses_history (yes, not shown or no; empty where there is no run) and why_not (why it is not shown).
    """
    rows, users = [], compared.instances.user.to_numpy()
    for entry in (*compared.entries, *compared.references):
        row = {"id": entry.id, "label": entry.label, "reference": not entry.runs, "seeds": len(entry.ranks)}
        for metric in METRICS:
            found = mean_of(by_user(entry.metrics[metric], users))
            row |= columns_of(found, metric)
        gain = mean_of(by_user(entry.dependence, users))
        row |= columns_of(gain, "dependence")
        verdict = uses_history(gain, float(entry.metrics[HEADLINE].mean())) if entry.runs else ""
        row |= {"uses_history": verdict, "why_not": why_not_shown(gain) if verdict == NOT_SHOWN else ""}
        rows.append(row)
    return pd.DataFrame(rows).sort_values(order, ascending=False, kind="stable").reset_index(drop=True)


def columns_of(found: dict[str, Any], name: str) -> dict[str, Any]:
    """What `mean_interval` found as columns of a table: `name`, `name_low`, `name_high` (NaN for none), `name_why`."""
    ends = {f"{name}_{end}": np.nan if found[end] is None else found[end] for end in ("low", "high")}
    return {name: found["mean"], **ends, f"{name}_why": found["why"]}


def mean_of(values: np.ndarray) -> dict[str, Any]:
    """Mean over seeds and users (seeds, users) with its interval: over users for one seed, over both for more."""
    if len(values) == 1:
        return mean_interval(values[0])
    return difference_over_seeds(values, 0 * values[:1])


def pairs(compared: Compared, metric: str = "NDCG@10") -> pd.DataFrame:
    """Every pair of entries, the better one first.

    Parameters
    ----------
    compared
        What `entries.load` gives.
    metric
        By which they are tested, such as NDCG@10.

    Returns
    -------
    DataFrame
        a, b (ids), label_a, label_b; difference (a - b) with its 95 % interval low, high (NaN where none holds, and
        why); p of the paired
        randomisation test over users (Smucker et al., CIKM 2007), p_seeds of the test over users and seeds (NaN where
        a side that trains has one seed), p_holm (the larger of both, corrected for all pairs); verdict, what it is
        on; better and worse (users, by the mean of their targets).

    Notes
    -----
    The interval is that of `mean_interval` over users, with seeds that of users and seeds. A pair is called different
    where p_holm is below 5 % and the interval does not hold zero.
    """
    rows, users = [], compared.instances.user.to_numpy()
    for one, other in combinations(compared.entries, 2):
        a, b = (one, other) if one.metrics[metric].mean() >= other.metrics[metric].mean() else (other, one)
        ours, theirs = a.users(metric), b.users(metric)
        gain = by_user(ours - theirs, users)
        found, p = mean_interval(gain), randomisation_test(gain)
        row = {"a": a.id, "b": b.id, "label_a": a.label, "label_b": b.label, "difference": found["mean"]}
        row |= {"p": p, "p_seeds": float("nan"), "on": DESIGNS}
        if _seeds_known(a) and _seeds_known(b) and len(a.ranks) + len(b.ranks) > 2:
            over = difference_over_seeds(*(by_user(entry.metrics[metric], users) for entry in (a, b)))
            found, row["p_seeds"] = over, over["p"]
        elif not (_seeds_known(a) and _seeds_known(b)):
            row["on"] = TRAININGS
        row |= {"low": found["low"], "high": found["high"], "why": found["why"]}
        moved = np.sign(pd.Series(ours - theirs).groupby(users).mean().round(12))
        row |= {"better": int((moved > 0).sum()), "worse": int((moved < 0).sum())}
        rows.append(row)
    columns = ["a", "b", "label_a", "label_b", "difference", "low", "high", "why", "p", "p_seeds", "on"]
    table = pd.DataFrame(rows, columns=[*columns, "better", "worse"]).astype({"low": float, "high": float})
    table["p_holm"] = holm(table[["p", "p_seeds"]].max(axis=1).to_numpy(dtype=float))
    # Where no interval is shown, as where all users gain alike, the test is exact and decides alone.
    apart = (table.p_holm < ALPHA) & ~((table.low <= 0) & (table.high >= 0))
    table["verdict"] = apart.map({True: DIFFERENT, False: ALIKE})
    return table


def _seeds_known(entry: Entry) -> bool:
    """Whether what a seed changes is known: seen in several, or nothing, where no training draws anything."""
    model = entry.runs[0].spec.model
    return len(entry.ranks) > 1 or not model.trains or model.with_seed(model.seed + 1) == model


def seeds(compared: Compared, metric: str = "NDCG@10") -> pd.DataFrame:
    """One row per run: id (of the entry), label, run, seed, value."""
    rows = [
        {"id": entry.id, "label": entry.label, "run": run.id, "seed": run.spec.seed, "value": float(values.mean())}
        for entry in compared.entries
        for run, values in zip(entry.runs, entry.metrics[metric], strict=True)
    ]
    return pd.DataFrame(rows)
