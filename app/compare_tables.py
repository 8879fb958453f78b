"""Comparisons as the small tables that the page Compare shows."""

from urllib.parse import urlencode

import pandas as pd

from app.run_tables import ends
from upsr_core.comparison.entries import Compared, Entry
from upsr_core.evaluation.metrics import METRICS
from upsr_core.evaluation.verdicts import interval_text
from upsr_core.indicators.result import INDICATORS, IndicatorResult

MOVED = 50


def board_table(board: pd.DataFrame, metric: str) -> pd.DataFrame:
    """One row per entry and reference: the chosen metric with its interval, the others, user dependence, verdict."""
    rows = []
    for row in board.to_dict("records"):
        gain = interval_text(*(row[f"dependence{part}"] for part in ("", "_low", "_high", "_why")))
        shown = {"label": row["label"], "seeds": "" if row["reference"] else str(row["seeds"]), "value": row[metric]}
        shown["interval"] = ends(*(row[f"{metric}_{part}"] for part in ("low", "high", "why")))
        shown |= {name: row[name] for name in METRICS if name not in (metric, "NDCG@1")}  # NDCG@1 is HR@1
        shown["dependence"] = "" if row["reference"] else gain
        rows.append(shown | {"verdict": row["uses_history"]})
    return pd.DataFrame(rows)


def pairs_table(pairs: pd.DataFrame) -> pd.DataFrame:
    """One row per pair: the difference with its interval, the corrected p, users either way, and the verdict."""
    table = pairs[["label_a", "label_b", "better", "worse", "verdict", "on"]].copy()
    table["difference"] = list(map(interval_text, pairs.difference, pairs.low, pairs.high, pairs.why))
    table["p"] = ["< 0.001" if p < 0.001 else f"{p:.3f}" for p in pairs.p_holm]
    return table


def movers_table(movers: pd.DataFrame, a: Entry, b: Entry, gained: bool) -> pd.DataFrame:
    """Instances where a gains most over b, or loses most, at most fifty, with the address of each on the page Users."""
    chosen = movers[movers.change > 0] if gained else movers[movers.change < 0]
    shown = chosen.head(MOVED).copy()
    runs = ",".join(entry.runs[0].id for entry in (a, b))
    shown["link"] = ["users?" + urlencode({"runs": runs, "user": user}) for user in shown.user_id]
    return shown[["user_id", "link", "target", "rank_a", "rank_b", "change", "cold"]]


def indicators_table(
    compared: Compared, board: pd.DataFrame, found: dict[str, dict[str, IndicatorResult]], metric: str
) -> pd.DataFrame:
    """One row per entry that reads text: its metric, its user dependence, and the indicators of its text."""
    rows = []
    for row in board.to_dict("records"):
        if row["id"] not in found:
            continue
        readings = found[row["id"]]
        shown = {"label": row["label"], "value": row[metric], "dependence": row["dependence"]}
        for name in INDICATORS:
            shown[name] = readings[name].value if name in readings else None
        rows.append(shown)
    return pd.DataFrame(rows)


def cost_table(cost: pd.DataFrame) -> pd.DataFrame:
    """One row per entry, the mean over its seeds: seconds, peak memory, parameters, instances evaluated."""
    columns = {"seconds": "mean", "peak_mib": "mean", "parameters": "first", "instances": "first", "resumed": "any"}
    table = cost.groupby(["id", "label"], sort=False).agg(columns | {"run": "count"}).reset_index()
    return table.rename(columns={"run": "runs"})


def evaluated_line(compared: Compared, asked: int) -> str:
    """On how many instances the comparison stands, in words."""
    count = len(compared.instances)
    text = (
        f"{count:,} of {compared.of:,} test instances: those that every trial evaluated; small budgets take a sample"
        if count < compared.of
        else (f"All {count:,} test instances")
    )
    runs = len(compared.runs)
    text += f"; {runs} trials in {len(compared.entries)} lines" if runs > len(compared.entries) else ""
    return text + (f"; {asked - runs} left out" if asked > runs else "") + "."
