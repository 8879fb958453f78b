"""Design search: all ordered designs of some attributes on sampled items, scored together over one prefix trie."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import permutations

import numpy as np
import pandas as pd

from upsr_core.errors import DesignError
from upsr_core.evaluation.statistics import Moments
from upsr_core.indicators.attribute_tokens import Catalogue, DesignTokens, Flat, sampled
from upsr_core.indicators.attribute_use import BOTH, DISCARD, Criteria, band, use_of
from upsr_core.indicators.familiarity import Bits, share_known, value_bits, visible
from upsr_core.indicators.informativeness import told_apart
from upsr_core.indicators.naturalness import perplexity
from upsr_core.indicators.noise import defective
from upsr_core.indicators.profile import VERSION, Setting, measure
from upsr_core.indicators.result import IndicatorResult
from upsr_core.indicators.result_store import keep, stored
from upsr_core.plm.loading import weights_digest
from upsr_core.runtime import Progress, silent
from upsr_core.schema import Spec
from upsr_core.text.catalogue_overview import token_counts
from upsr_core.text.design import ItemDesign

MOST = 6  # attributes: 1,956 ordered designs
BEST = 10  # designs of each stage that early stopping keeps
SURE = 3.5  # standard errors of a paired difference that make a design clearly worse
LEVEL = 0.02  # bits of a step of informativeness: designs on one step count as equally informative
FIRST = 30  # items after which designs are compared first; then after twice as many, and so on
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


class SearchSpec(Spec):
    """All that a search depends on."""

    dataset: str
    tokenizer: str
    weights: str
    attributes: tuple[str, ...]
    cap: int = 40
    items: int = 300
    seed: int = 0
    early: bool = True
    version: int = VERSION


@dataclass(frozen=True)
class Space:
    """All designs d of a search on n sampled items: `texts[k]` the tokens of the items under design `k`."""

    designs: list[ItemDesign]
    rows: np.ndarray
    texts: list[Flat]


def ordered_designs(attributes: tuple[str, ...], cap: int = 40) -> list[ItemDesign]:
    """Every order of every choice of the attributes, the short ones first.

    >>> len(ordered_designs(("title", "category", "brand", "price", "description")))
    325
    """
    if not 1 <= len(attributes) <= MOST:
        raise DesignError(f"{len(attributes)} attributes cannot be searched", how=f"Choose between 1 and {MOST}.")
    sizes = range(1, len(attributes) + 1)
    return [ItemDesign(attributes=order, cap=cap) for size in sizes for order in permutations(attributes, size)]


def space(catalogue: Catalogue, attributes: tuple[str, ...], cap: int, items: int, seed: int) -> Space:
    """Texts of sampled items that have every attribute, so that designs differ in nothing but themselves.

    Raises DesignError where no item has all of them.
    """
    designs = ordered_designs(attributes, cap)
    ItemDesign(attributes=attributes).check(catalogue.dataset.attributes, catalogue.dataset.name)
    whole = np.logical_and.reduce([catalogue.attribute(name).lengths > 0 for name in attributes])
    rows = sampled(np.flatnonzero(whole), items, seed)
    if not len(rows):
        raise DesignError("No item has all of these attributes", ", ".join(attributes), "Leave the rarest one out.")
    rows = rows[np.random.default_rng([seed, 17]).permutation(len(rows))]
    parts = {name: catalogue.attribute(name).take(rows) for name in attributes}
    frame, texts = catalogue.items.iloc[rows], []
    for design in designs:
        made = DesignTokens(design, frame, catalogue.tokenizer, [parts[name] for name in design.attributes])
        texts.append(Flat(made.ids, made.offsets))
    return Space(designs, rows, texts)


def search(
    setting: Setting,
    attributes: tuple[str, ...],
    progress: Progress,
    items: int = 300,
    cap: int = 40,
    early: bool = True,
) -> IndicatorResult:
    """Familiarity, naturalness and the cheap indicators of all ordered designs, kept or computed.

    Domain consistency and alignment read each design anew and are not searched; the profile of a design has them.

    Parameters
    ----------
    setting
        On what, with what and how exactly; its domains, sample and method do not count.
    attributes
        At most MOST text columns of the dataset.
    progress
        Called with (done, total, what); what it raises stops the work.
    items
        How many items that have every attribute the language model reads.
    cap
        Tokens that are kept of an item.
    early
        Whether a design is scored no further once it is clearly not among the ten best of a stage (at least ten
        eligible designs are more familiar, or as familiar and likelier by 3.5 standard errors of the paired
        difference) and clearly off the front.

    Returns
    -------
    IndicatorResult
        Facts: `attributes`, the use of each alone and the reason, see `attribute_use`. Table `designs`: design, size;
        over all items, as the indicators say them: bits and distinguishable (informativeness), length and kept (tokens
        before and as cut), noise; over the sampled items: familiarity, perplexity (with low and high); items (scored),
        stopped, front (no other design is likelier and as informative), pretrain and finetune (place among the best of
        the stage, see STAGES; 0: none).

    Raises
    ------
    DesignError
        There are too many attributes, the dataset lacks one, or no item has all of them.
    """
    spec = _spec(setting, attributes, items, cap, early)
    if (found := stored(spec.digest)) is not None:
        return found
    from upsr_core.indicators.encoder import text_model_of

    catalogue, reader = setting.catalogue("naturalness"), text_model_of(setting.plm)
    made = space(catalogue, spec.attributes, cap, items, setting.seed)
    table = cheap(catalogue, made, _third(progress, 0))
    bits, each = {}, 1 / len(spec.attributes)
    for place, name in enumerate(spec.attributes):
        said = _third(progress, 1 + place * each, each)
        bits[name] = value_bits(catalogue, name, made.rows, reader, setting.seed, said)
    table["familiarity"] = [_familiarity(catalogue, design, made.rows, bits) for design in made.designs]
    uses = _uses(setting, spec.attributes, table)
    table = eligible(table, {name: use for name, (use, _) in uses.items()})
    scores = race(made, table, reader.likelihoods, early, _third(progress, 2))
    table = finished(table, scores)
    stopped = int(table.stopped.sum())
    note = f"familiarity and perplexity of {len(made.rows):,} sampled items that have every attribute, the rest of all"
    note += f"; {stopped} designs stopped early, their perplexity is of fewer items" if stopped else ""
    advice = {name: {"use": use, "reason": reason} for name, (use, reason) in uses.items()}
    facts = {"designs": len(table), "items": len(made.rows), "stopped": stopped, "attributes": advice}
    result = IndicatorResult("search", float(len(table)), "designs", note=note, facts=facts, tables={"designs": table})
    return keep(spec.digest, result)


def _third(progress: Progress, start: float, width: float = 1.0) -> Progress:
    """The progress of a part of the three that a search has."""
    return lambda done, total, what: progress(start + width * done / max(total, 1), 3, what)


def _familiarity(catalogue: Catalogue, design: ItemDesign, rows: np.ndarray, bits: dict[str, Bits]) -> float:
    saved, cost = share_known(design, bits, visible(catalogue, design, rows))
    return float(saved.sum() / cost.sum())


def _uses(setting: Setting, attributes: tuple[str, ...], table: pd.DataFrame) -> dict[str, tuple[str, str]]:
    """Use and reason of every attribute alone; what other domains say of it is not asked."""
    known, uses = table.set_index("design").familiarity, {}
    # The model's own tokenizer, as everything else in the search.
    own = replace(setting, tokenizer=None)
    for name in attributes:
        single = ItemDesign(attributes=(name,))
        results = {each: measure(each, own, single, silent) for each in ("noise", "conflict", "length")}
        uses[name] = use_of(Criteria.of(float(known[name]), results))
    return uses


def stored_search(
    setting: Setting, attributes: tuple[str, ...], items: int = 300, cap: int = 40, early: bool = True
) -> IndicatorResult | None:
    """A search that was done before; None where there is none."""
    return stored(_spec(setting, attributes, items, cap, early).digest)


def _spec(setting: Setting, attributes: tuple[str, ...], items: int, cap: int, early: bool) -> SearchSpec:
    return SearchSpec(
        dataset=setting.dataset.digest,
        tokenizer=setting.tokens("naturalness").digest,
        weights=weights_digest(setting.plm),
        attributes=tuple(sorted(attributes)),
        cap=cap,
        items=items,
        seed=setting.seed,
        early=early,
    )


def cheap(catalogue: Catalogue, made: Space, progress: Progress = silent) -> pd.DataFrame:
    """The indicators that need no language model, over all items, one row per design."""
    rows = []
    for number, design in enumerate(made.designs):
        progress(number, len(made.designs), "designs without the language model")
        tokens = catalogue.tokens(design)
        bits, apart = told_apart(tokens)
        counts = token_counts(tokens)
        rows.append(
            {
                "design": ",".join(design.attributes),
                "size": len(design.attributes),
                "bits": float(bits.mean()),
                "distinguishable": float(apart.mean()),
                "length": float(counts.full_tokens.mean()),
                "kept": float(counts.tokens.mean()),
                "noise": float(defective(catalogue, design).mean()),
            }
        )
    return pd.DataFrame(rows)


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


def race(
    made: Space, table: pd.DataFrame, score: Callable[[Flat, Progress], np.ndarray], early: bool, progress: Progress
) -> np.ndarray:
    """Mean log P per token (n, d) of every item under every design, NaN where a design was stopped before."""
    count = len(made.rows)
    found = np.full((count, len(made.designs)), np.nan)
    alive, start = np.arange(len(made.designs)), 0
    certain = np.zeros((len(made.designs), len(made.designs)), bool)
    stops = [count] if not early else [*_doubled(FIRST, count), count]
    for stop in stops:
        batch = np.arange(start, stop)
        texts = _joined([made.texts[k].take(batch) for k in alive])

        def said(done, total, _, start=start, stop=stop, left=alive):
            part = start + (stop - start) * done / max(total, 1)
            progress(part, count, f"{len(left)} designs on items {start + 1} to {stop} of {count}")

        sums = score(texts, said)
        found[start:stop, alive] = (sums / texts.lengths).reshape(len(alive), len(batch)).T
        start = stop
        if stop < count:
            certain[np.ix_(alive, alive)] |= clearly_better(found[:stop, alive])
            alive = alive[~_out(table, certain)[alive]]
    progress(count, count, "done")
    return found


def _doubled(first: int, count: int) -> list[int]:
    stops = []
    while first < count:
        stops.append(first)
        first *= 2
    return stops


def _joined(parts: list[Flat]) -> Flat:
    lengths = np.concatenate([part.lengths for part in parts])
    return Flat(np.concatenate([part.values for part in parts]), np.concatenate([[0], np.cumsum(lengths)]))


def clearly_better(scores: np.ndarray) -> np.ndarray:
    """(d, d) whether design a is likelier than design b by SURE standard errors of their paired difference."""
    count = len(scores)
    mean, covariance = scores.mean(axis=0), np.atleast_2d(np.cov(scores.T))
    variance = np.diag(covariance)
    error = np.sqrt(np.maximum(variance[:, None] + variance - 2 * covariance, 0) / count)
    return mean[:, None] - mean > np.maximum(SURE * error, 1e-9)


def _out(table: pd.DataFrame, certain: np.ndarray) -> np.ndarray:
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
