"""Behaviour alignment: whether items with similar texts are similar in behaviour, the goal that the paper states."""

import numpy as np
import pandas as pd
from scipy.sparse import csr_matrix
from scipy.stats import kendalltau, spearmanr

from upsr_core.evaluation.statistics import mean_interval
from upsr_core.indicators.attribute_tokens import Catalogue, flat_texts, sampled
from upsr_core.indicators.cooccurrence import Behaviour
from upsr_core.indicators.encoder import TextModel
from upsr_core.indicators.result import IndicatorResult
from upsr_core.runtime import Progress
from upsr_core.text.design import ItemDesign

NEIGHBOURS = 10
MOST_ANCHORS = 1000


def alignment(
    catalogue: Catalogue,
    behaviour: Behaviour,
    design: ItemDesign,
    reader: TextModel,
    sample: int,
    seed: int,
    progress: Progress,
) -> IndicatorResult:
    """Rank correlation of text similarity and behavioural similarity, mean over items.

    Paper, section 3.2: "make the semantic similarity of two item textual representations match their actual behavioral
    similarity". Text similarity is the cosine of mean encoder states, centred over the items (Mu and Viswanath, ICLR
    2018); behavioural similarity the cosine of two items' users in training events. The correlation of an item is
    Somers' D of its text similarities to the others given their behavioural similarities, from -1 to 1: pairs that tie
    in behaviour, which most do at zero, are not counted. Facts: `neighbours_found`, the share of an item's ten nearest
    in behaviour among its ten nearest in text, `chance` that share for random texts, `spearman`. Only items with
    training events count.

    Parameters
    ----------
    catalogue, behaviour
        The items, and who had which of them in training events.
    design
        The item texts.
    reader
        Whose encoder reads them.
    sample, seed
        Items at most, 0 for all, drawn with the seed; at most 1,000 of them are compared with all the others.
    progress
        Called with (done, total, what); what it raises stops the work.

    Returns
    -------
    IndicatorResult
        Table `items`: item, correlation, spearman, found, behavioural (neighbours in behaviour), the least aligned
        first; table `neighbours`: each item's ten nearest of both kinds.
    """
    if not behaviour.users.nnz:
        return IndicatorResult.impossible("alignment", "no user has two training events")
    tokens = catalogue.tokens(design)
    known = np.flatnonzero(~tokens.empty & (behaviour.popularity > 0))
    rows = sampled(known, sample, seed)
    if len(rows) < 3:
        return IndicatorResult.impossible("alignment", "fewer than three items have both a text and training events")
    states = reader.embeddings(flat_texts(tokens, rows), progress)
    near = behaviour.similarity(rows, rows)
    anchors = np.flatnonzero(np.diff(near.indptr) > 0)
    if not len(anchors):
        return IndicatorResult.impossible(
            "alignment", f"none of the {len(rows):,} items occurs with another in training events"
        )
    anchors = sampled(anchors, MOST_ANCHORS, seed)
    table, shown = _anchors(_unit(states - states.mean(axis=0)), near, anchors, rows, progress)
    correlation = (
        mean_interval(table.correlation.dropna().to_numpy(), "items") if table.correlation.notna().any() else None
    )
    if correlation is None:
        return IndicatorResult.impossible("alignment", "all texts, or all behaviour, of the items are alike")
    note = f"{len(rows):,} of {len(known):,} items with events, {len(anchors):,} compared with the others"
    facts = {
        "items": len(rows),
        "anchors": len(anchors),
        "neighbours_found": mean_interval(table.found.to_numpy(), "items"),
        "chance": float(min(1.0, NEIGHBOURS / (len(rows) - 1))),
        "spearman": float(table.spearman.mean()),
    }
    return IndicatorResult.of(
        "alignment", correlation["mean"], low=correlation["low"], high=correlation["high"], note=note, facts=facts,
        tables={"items": table, "neighbours": shown},
    )  # fmt: skip


def _unit(vectors: np.ndarray) -> np.ndarray:
    return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)


def _anchors(
    vectors: np.ndarray, near: csr_matrix, anchors: np.ndarray, rows: np.ndarray, progress: Progress
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """One row per anchor (item, correlation, spearman, found, behavioural), and each one's neighbours of both kinds."""
    table, shown = [], []
    for number, anchor in enumerate(anchors):
        if number % 100 == 0:
            progress(number, len(anchors), "comparing text and behaviour")
        others = np.delete(np.arange(len(rows)), anchor)
        text = np.delete(vectors @ vectors[anchor], anchor)
        acts = np.delete(near[anchor].toarray().ravel(), anchor)
        by_behaviour = np.flatnonzero(acts > 0)
        by_behaviour = by_behaviour[np.argsort(-acts[by_behaviour], kind="stable")][:NEIGHBOURS]
        by_text = np.argsort(-text, kind="stable")[:NEIGHBOURS]
        table.append(
            {
                "item": rows[anchor],
                "correlation": somers_d(text, acts),
                "spearman": float(spearmanr(text, acts)[0]) if np.ptp(text) > 0 and np.ptp(acts) > 0 else np.nan,
                "found": float(np.isin(by_behaviour, by_text).mean()),
                "behavioural": len(by_behaviour),
            }
        )
        for kind, chosen, values in (("behaviour", by_behaviour, acts), ("text", by_text, text)):
            shown += [(rows[anchor], kind, rows[others[i]], values[i]) for i in chosen]
    found = pd.DataFrame(table).sort_values("correlation", kind="stable").reset_index(drop=True)
    return found, pd.DataFrame(shown, columns=["item", "kind", "other", "similarity"])


def somers_d(text: np.ndarray, behaviour: np.ndarray) -> float:
    """Concordant minus discordant pairs over the pairs that differ in `behaviour` (Somers, 1962); NaN without any.

    >>> somers_d(np.array([3.0, 2, 1, 0]), np.array([1.0, 1, 0, 0]))
    1.0
    """
    pairs = len(text) * (len(text) - 1) / 2
    ties = [
        (counts * (counts - 1) / 2).sum() for counts in (np.unique(x, return_counts=True)[1] for x in (text, behaviour))
    ]
    if pairs in ties:
        return float("nan") if pairs == ties[1] else 0.0
    tau = kendalltau(text, behaviour, variant="b", method="asymptotic")[0]
    return float(np.clip(tau * np.sqrt((pairs - ties[0]) / (pairs - ties[1])), -1, 1))
