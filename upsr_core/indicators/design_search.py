"""Design search: all ordered designs of some attributes on sampled items, scored together over one prefix trie."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import permutations

import numpy as np
import pandas as pd

from upsr_core.errors import DesignError
from upsr_core.indicators.attribute_tokens import Catalogue, DesignTokens, Flat, sampled
from upsr_core.indicators.attribute_use import Criteria, use_of
from upsr_core.indicators.best_designs import clearly_better, eligible, finished, out
from upsr_core.indicators.familiarity import Bits, share_known, value_bits, visible
from upsr_core.indicators.informativeness import told_apart
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
FIRST = 30  # items after which designs are compared first; then after twice as many, and so on


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
            alive = alive[~out(table, certain)[alive]]
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
