"""Which designs of a search are the best: who is eligible in a stage, who is clearly beaten, places and the front."""

import numpy as np
import pandas as pd

from upsr_core.evaluation.statistics import Moments
from upsr_core.indicators.attribute_use import BOTH, DISCARD, band
from upsr_core.indicators.naturalness import perplexity

BEST = 10  # designs of each stage that early stopping keeps
SURE = 3.5  # standard errors of a paired difference that make a design clearly worse
LEVEL = 0.02  # bits of a step of informativeness: designs on one step count as equally informative
STEP = 0.01  # of familiarity: designs on one step are told apart by their perplexity
# Columns of the table that a front can be over, and whether more is better.
GOALS = {"familiarity": True, "perplexity": False, "bits": True, "distinguishable": True, "kept": False, "noise": False}
ORDER = "The most familiar first, and of equally familiar ones, as orders of the same attributes are, the likeliest."
STAGES = {
    "pretrain": "Pre-training: designs of attributes that are advised for it (as in your own Table 1, without other "
    f"domains) that tell apart at least nine tenths of the items that the best of them tells apart. {ORDER}",
    "finetune": "Tuning: designs without attributes to discard, with familiarity not low, that tell apart at least "
    f"nine tenths of what the best design tells apart and have at least 95 % of the largest informativeness. {ORDER}",
}


def eligible(table: pd.DataFrame, uses: dict[str, str]) -> pd.DataFrame:
    """The table with who is eligible in each stage, by STAGES, where `uses` says what each attribute is good for."""
    table = table.copy()
    names = table.design.str.split(",")
    general = names.map(lambda some: all(uses[name] == BOTH for name in some)).to_numpy(bool)
    wanted = names.map(lambda some: all(uses[name] != DISCARD for name in some)).to_numpy(bool)
    apart = table.distinguishable.to_numpy()
    table["for_pretrain"] = general & (apart >= 0.9 * apart[general].max(initial=0.0))
    known = [band("familiarity", value) != "low" for value in table.familiarity]
    table["for_finetune"] = wanted & known & (apart >= 0.9 * apart.max()) & (table.bits >= 0.95 * table.bits.max())
    return table


def clearly_better(scores: np.ndarray) -> np.ndarray:
    """(d, d) whether design a is likelier than design b by SURE standard errors of their paired difference."""
    count = len(scores)
    mean, covariance = scores.mean(axis=0), np.atleast_2d(np.cov(scores.T))
    variance = np.diag(covariance)
    error = np.sqrt(np.maximum(variance[:, None] + variance - 2 * covariance, 0) / count)
    return mean[:, None] - mean > np.maximum(SURE * error, 1e-9)


def out(table: pd.DataFrame, certain: np.ndarray) -> np.ndarray:
    """Whether a design (d,) is clearly not among the best of a stage and clearly off the front."""
    contending, step = np.zeros(len(table), bool), _step(table)
    for stage in STAGES:
        eligible = table[f"for_{stage}"].to_numpy()
        ahead = (step[:, None] > step) | ((step[:, None] == step) & certain)
        contending |= eligible & (ahead[eligible].sum(axis=0) < BEST)
    level = _level(table)
    dominated = (certain & (level[:, None] >= level)).any(axis=0)
    return ~contending & dominated


def _step(table: pd.DataFrame) -> np.ndarray:
    """Familiarity in steps (d,), for the same reason as `_level`."""
    return np.floor(table.familiarity.to_numpy() / STEP)


def _level(table: pd.DataFrame) -> np.ndarray:
    """Informativeness in steps (d,). Steps, because being within 0.02 bits is not transitive: a design could be stopped
    for one that is stopped for another that is not as informative as the first."""
    return np.floor(table.bits.to_numpy() / LEVEL)


def finished(table: pd.DataFrame, scores: np.ndarray) -> pd.DataFrame:
    """The table with perplexities, the front, and the best designs of each stage."""
    table = table.copy()
    table["items"] = (~np.isnan(scores)).sum(axis=0)
    table[["low", "high"]] = np.exp(-_intervals(scores, table["items"].to_numpy()))
    table["perplexity"] = [perplexity(scores[:count, k]) for k, count in enumerate(table["items"])]
    table["stopped"] = table["items"] < len(scores)
    going = ~table.stopped.to_numpy()
    values, level = table.perplexity.to_numpy(), _level(table)
    beaten = (values[:, None] < values) & (level[:, None] >= level) & going[:, None]
    table["front"] = going & ~beaten.any(axis=0)
    for stage in STAGES:
        some = table[going & table[f"for_{stage}"]].assign(step=lambda part: -_step(part))
        order = some.sort_values(["step", "perplexity"], kind="stable").index[:BEST]
        table[stage] = pd.Series(range(1, len(order) + 1), index=order).reindex(table.index, fill_value=0)
    return table


def _intervals(scores: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Upper and lower end of the 95 % interval (d, 2) of each design's mean over its first `counts` items."""
    found = np.zeros((len(counts), 2))
    for count in np.unique(counts):
        same = counts == count
        low, high = Moments.of(scores[:count, same].T).bounds()
        found[same] = np.stack([high, low], axis=1)
    return found


def pareto_front(table: pd.DataFrame, goals: dict[str, bool]) -> np.ndarray:
    """Which finished designs (d,) no other finished design equals or beats in all `goals` and beats in one.

    `goals` are columns of the table, True where more is better.
    """
    values = np.stack([table[name] if more else -table[name] for name, more in goals.items()], axis=1)
    going = ~table.stopped.to_numpy()
    at_least = (values[:, None] >= values).all(axis=2)
    better = (values[:, None] > values).any(axis=2)
    return going & ~(at_least & better & going[:, None]).any(axis=0)
