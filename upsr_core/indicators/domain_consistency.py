"""Domain consistency: whether a design's texts mean the same, and the same things are liked, in several domains."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import spearmanr
from sklearn.linear_model import RidgeClassifierCV
from sklearn.model_selection import StratifiedKFold, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from upsr_core.evaluation.statistics import mean_interval
from upsr_core.indicators.attribute_tokens import Catalogue, Flat, flat_texts, sampled
from upsr_core.indicators.cooccurrence import Behaviour
from upsr_core.indicators.encoder import TextModel
from upsr_core.indicators.result import IndicatorResult
from upsr_core.indicators.semantic_shift import FREE_TEXT, Uses, shifts, uses
from upsr_core.runtime import Progress
from upsr_core.text.design import ItemDesign

FOLDS = 5
FEWEST_VALUES = 5  # shared values that a rank correlation needs
SHOWN = 200  # shifted units and shared values that are kept of each pair


@dataclass(frozen=True)
class Domain:
    """One dataset of a comparison."""

    catalogue: Catalogue
    behaviour: Behaviour

    @property
    def name(self) -> str:
        return self.catalogue.dataset.name


def consistency(
    domains: Sequence[Domain],
    design: ItemDesign,
    reader: TextModel,
    sample: int,
    seed: int,
    progress: Progress,
    context: ItemDesign | None = None,
) -> IndicatorResult:
    """How consistent a design is over domains: the mean over pairs of domains of up to three parts, each in [0, 1].

    The paper (section 3.2) leaves it to inspection. (a) `a_distance`, the proxy A-distance 2 (1 - 2 error) of a linear
    classifier of mean encoder states, five-fold cross-validated, from 0 (cannot be told apart) to 2 (Ben-David et al.,
    NIPS 2006); counts as 1 - distance / 2. (b) `sense_shift`, the mean over shared units of their shift (see
    `semantic_shift.shifts`), weighted by uses; counts as 1 - shift. (c) `popularity`, the rank correlation of the
    popularity (training events per item) of shared values; counts as (1 + correlation) / 2. A part that cannot be
    computed for a pair says why and does not count.

    Parameters
    ----------
    domains
        At least two; those that lack an attribute, or any text, are left out.
    design
        The item texts.
    reader
        Whose encoder reads them.
    sample, seed
        Items of each domain at most, 0 for all, drawn with the seed.
    progress
        Called with (done, total, what); what it raises stops the work.
    context
        A design that holds this one's attributes, in whose texts the sense of its words is read; by default its own.

    Returns
    -------
    IndicatorResult
        Table `pairs`: one row per pair of domains; `units`: shared words and values, those that shift most first;
        `values`: shared values with their popularity in both domains.
    """
    context = context or design
    needed = {*design.attributes, *context.attributes}
    known = [domain for domain in domains if needed <= set(domain.catalogue.dataset.attributes)]
    known = [domain for domain in known if not domain.catalogue.tokens(design).empty.all()]
    out = [domain.name for domain in domains if domain not in known]
    left_out = f"; left out, without text under this design: {', '.join(out)}" if out else ""
    if len(known) < 2:
        return IndicatorResult.impossible(
            "domain_consistency", f"only {len(known)} domain has texts of this design; choose further domains{left_out}"
        )
    states, read = [], []
    for number, domain in enumerate(known):
        progress(number, len(known), f"reading {domain.name}")
        tokens = domain.catalogue.tokens(design)
        rows = sampled(np.flatnonzero(~tokens.empty), sample, seed)
        around = domain.catalogue.tokens(context)
        texts, owner = (Flat(part, around.offsets).take(rows) for part in (around.ids, around.owner))
        read.append(uses(reader, texts, owner, context.attributes, design.attributes))
        progress(number + 0.5, len(known), f"reading {domain.name}")
        alone = None if context == design else reader.embeddings(flat_texts(tokens, rows), lambda *_: None)
        states.append(read[-1].texts if alone is None else alone)
    pairs, units, values = list[dict](), list[pd.DataFrame](), list[pd.DataFrame]()
    for (i, a), (j, b) in combinations(enumerate(known), 2):
        progress(len(pairs), len(known) * (len(known) - 1) / 2, f"comparing {a.name} and {b.name}")
        pair, shifted, shared = _compare(a, b, states[i], states[j], read[i], read[j], design, seed)
        pairs.append({"a": a.name, "b": b.name, **pair})
        units.append(shifted.head(SHOWN).assign(a=a.name, b=b.name))
        values.append(shared.head(SHOWN).assign(a=a.name, b=b.name))
    table = pd.DataFrame(pairs)
    if table.score.isna().all():
        return IndicatorResult.impossible("domain_consistency", f"none of its parts can be: {table.without[0]}")
    parts = ("a_distance", "sense_shift", "popularity")
    means = {name: float(table[name].mean()) if table[name].notna().any() else None for name in parts}
    note = f"{len(table)} pairs of domains; {max(len(state) for state in states):,} items of a domain at most{left_out}"
    facts = {"domains": [domain.name for domain in known], **means, "pairs": pairs}
    tables = {"pairs": table, "units": _stacked(units, "at_least"), "values": _stacked(values, "difference")}
    return IndicatorResult.of("domain_consistency", table.score.mean(), note=note, facts=facts, tables=tables)


def _stacked(tables: list[pd.DataFrame], by: str) -> pd.DataFrame:
    whole = pd.concat([table for table in tables if len(table)] or tables[:1], ignore_index=True)
    return whole.sort_values(by, ascending=False, kind="stable").reset_index(drop=True)


def _compare(
    a: Domain, b: Domain, ours: np.ndarray, theirs: np.ndarray, left: Uses, right: Uses, design: ItemDesign, seed: int
) -> tuple[dict, pd.DataFrame, pd.DataFrame]:
    distance = a_distance(ours, theirs, seed)
    shifted = shifts(left, right)
    shift, why = None, "" if len(shifted) >= 2 else "fewer than two words are in five texts of both domains"
    if not why:
        weight = np.minimum(shifted.count_left, shifted.count_right)
        shift = float(np.average(np.minimum(shifted["shift"], 1), weights=weight))
    shared = shared_values(a, b, design)
    agreement, reason = _agreement(shared)
    parts = [] if distance is None else [1 - distance["mean"] / 2]
    parts += [] if shift is None else [1 - shift]
    parts += [] if agreement is None else [(1 + agreement) / 2]
    pair = {
        "score": float(np.mean(parts)) if parts else np.nan,
        "a_distance": None if distance is None else distance["mean"],
        "a_low": None if distance is None else distance["low"],
        "a_high": None if distance is None else distance["high"],
        "sense_shift": shift,
        "shared_units": len(shifted),
        "popularity": agreement,
        "shared_values": len(shared),
        "without": "; ".join(
            f"{name} cannot be computed because {cause}"
            for name, cause in (
                ("a-distance", "a domain has fewer than five texts" if distance is None else ""),
                ("sense shift", why),
                ("popularity", reason),
            )
            if cause
        ),
    }
    return pair, shifted, shared


def a_distance(ours: np.ndarray, theirs: np.ndarray, seed: int = 0) -> dict[str, Any] | None:
    """Proxy A-distance in [0, 2] of two samples of states (n, d) and (m, d), with its 95 % interval over the items.

    The interval is None where hardly an item is mistaken. Of the larger sample as many as of the smaller are drawn.
    None where one has fewer than five.
    """
    most = min(len(ours), len(theirs))
    if most < FOLDS:
        return None
    rng = np.random.default_rng([seed, 13])
    chosen = [states[np.sort(rng.choice(len(states), most, replace=False))] for states in (ours, theirs)]
    label = np.repeat([0, 1], most)
    model = make_pipeline(StandardScaler(), RidgeClassifierCV(alphas=(1.0, 100.0, 10_000.0)))
    folds = StratifiedKFold(FOLDS, shuffle=True, random_state=seed)
    guessed = cross_val_predict(model, np.concatenate(chosen).astype(np.float64), label, cv=folds)
    error = mean_interval((guessed != label).astype(float))
    ends = {"mean": error["mean"], "low": error["high"], "high": error["low"]}
    return {name: None if end is None else float(np.clip(2 * (1 - 2 * end), 0, 2)) for name, end in ends.items()}


def value_popularity(domain: Domain, attribute: str) -> pd.Series:
    """Training events per item with each value; a value is a whole text or a part of it between commas."""
    items = domain.catalogue.items[attribute]
    parts = items.str.split(r",\s+", regex=True).explode()
    frame = pd.DataFrame({"value": parts.str.strip().str.lower(), "events": domain.behaviour.popularity[parts.index]})
    frame = frame[frame.value.fillna("") != ""]
    return frame.groupby("value").events.mean()


def shared_values(a: Domain, b: Domain, design: ItemDesign) -> pd.DataFrame:
    """Values that both domains have: attribute, value, events per item in each, and how far their ranks are apart.

    Titles and descriptions are free text and have no values.
    """
    tables = [pd.DataFrame({"value": [], "events_left": [], "events_right": [], "attribute": []})]
    for attribute in design.attributes:
        if attribute in FREE_TEXT:
            continue
        both = pd.concat([value_popularity(a, attribute), value_popularity(b, attribute)], axis=1, join="inner")
        both.columns = ["events_left", "events_right"]
        tables.append(both.rename_axis("value").reset_index().assign(attribute=attribute))
    table = pd.concat([table for table in tables if len(table)] or tables[:1], ignore_index=True)
    ranks = table[["events_left", "events_right"]].rank(pct=True)
    table["difference"] = (ranks.events_left - ranks.events_right).abs()
    return table.sort_values("difference", ascending=False, kind="stable").reset_index(drop=True)


def _agreement(shared: pd.DataFrame) -> tuple[float | None, str]:
    if len(shared) < FEWEST_VALUES:
        return None, f"the domains share {len(shared)} values, fewer than {FEWEST_VALUES}"
    if shared.events_left.nunique() < 2 or shared.events_right.nunique() < 2:
        return None, "the shared values are all equally popular, or there are no training events"
    return float(spearmanr(shared.events_left, shared.events_right)[0]), ""
