"""Naturalness: the perplexity of item texts under the language model."""

from typing import TYPE_CHECKING, Literal

import numpy as np
import pandas as pd

from upsr_core.evaluation.statistics import mean_interval
from upsr_core.indicators.attribute_tokens import Catalogue, flat_texts, sampled
from upsr_core.indicators.result import IndicatorResult
from upsr_core.runtime import Progress
from upsr_core.text.design import ItemDesign

if TYPE_CHECKING:
    from upsr_core.indicators.encoder import TextModel

Method = Literal["likelihood", "masked-spans"]


def perplexity(mean: np.ndarray) -> float:
    """exp(-mean over texts) of their mean log P per token (n,), in nats.

    >>> round(perplexity(np.log([0.5, 0.125])), 6)
    4.0
    """
    return float(np.exp(-mean.mean()))


def naturalness(
    catalogue: Catalogue,
    design: ItemDesign,
    reader: "TextModel",
    method: Method,
    sample: int,
    seed: int,
    progress: Progress,
) -> IndicatorResult:
    """Perplexity exp(-mean over items of the mean log P per token) of the item texts, as cut; lower is more natural.

    Paper, section 3.2 ("inputting the item textual representation into PLMs and calculating its perplexity").

    Parameters
    ----------
    catalogue, design
        The items, and their texts.
    reader
        The language model.
    method
        `likelihood` scores the whole text from left to right, `masked-spans` spans of three tokens given the rest,
        T5's own task; the two are not comparable with each other.
    sample, seed
        Items at most, 0 for all, drawn with the seed.
    progress
        Called with (done, total, what); what it raises stops the work.

    Returns
    -------
    IndicatorResult
        Its interval is the 95 % interval over the sampled items. Table `items`: perplexity and tokens, the
        most natural item first.
    """
    from upsr_core.indicators.encoder import SPAN

    tokens = catalogue.tokens(design)
    texts = np.flatnonzero(~tokens.empty)
    if not len(texts):
        return IndicatorResult.impossible("naturalness", "no item has any text under this design")
    rows = sampled(texts, sample, seed)
    flat = flat_texts(tokens, rows)
    score = reader.likelihoods if method == "likelihood" else reader.pseudo_likelihoods
    mean = score(flat, progress) / flat.lengths
    table = pd.DataFrame({"item": rows, "perplexity": np.exp(-mean), "tokens": flat.lengths})
    table = table.sort_values("perplexity", kind="stable").reset_index(drop=True)
    whole = len(rows) == len(texts)
    interval = mean_interval(mean)
    shown = not whole and interval["low"] is not None
    quantiles = np.exp(-np.quantile(mean, [0.95, 0.75, 0.5, 0.25, 0.05]))
    shares = dict(zip(("5", "25", "50", "75", "95"), quantiles.tolist(), strict=True))
    facts = {"method": method, "items": len(rows), "of_items": len(texts), "quantiles": shares}
    how = "the whole text, left to right" if method == "likelihood" else f"spans of {SPAN} tokens given the rest"
    return IndicatorResult.of(
        "naturalness",
        perplexity(mean),
        low=float(np.exp(-interval["high"])) if shown else None,
        high=float(np.exp(-interval["low"])) if shown else None,
        note=f"{how}; " + ("all items" if whole else f"{len(rows):,} of {len(texts):,} items"),
        facts=facts,
        tables={"items": table},
    )
