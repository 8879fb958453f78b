"""The benchmark of the indicators: whole profiles timed, and the design search against every design alone."""

import time

import numpy as np

from upsr_core.datasets.store import Dataset
from upsr_core.indicators.alignment import alignment
from upsr_core.indicators.attribute_tokens import Catalogue
from upsr_core.indicators.attribute_use import BOTH
from upsr_core.indicators.best_designs import STAGES, eligible, finished
from upsr_core.indicators.cooccurrence import Behaviour, conflict
from upsr_core.indicators.design_search import cheap, race, space
from upsr_core.indicators.encoder import TextModel
from upsr_core.indicators.informativeness import informativeness
from upsr_core.indicators.naturalness import naturalness
from upsr_core.indicators.noise import noise
from upsr_core.indicators.profile import SAMPLE
from upsr_core.indicators.text_length import length
from upsr_core.runtime import Progress
from upsr_core.text.design import ItemDesign


def bench(
    dataset: Dataset, design: ItemDesign, domains: tuple[Dataset, ...], searched: Dataset, attributes: tuple[str, ...],
    reader: TextModel, items: int, whole: bool, progress: Progress,
) -> dict:  # fmt: skip
    """Seconds of the cheap indicators over all items, of the profile on the default sample and, with `whole`, over all
    items; and how many times faster the search over all ordered designs is than scoring each design alone, with and
    without early stopping, whether its values are the same and whether early stopping keeps the best.

    Nothing kept is used: tokens, words and readings are made anew.
    """
    result: dict = {"items": len(dataset.items), "design": design.label}
    progress(0, 5, "cheap indicators")
    result["cheap_seconds"] = _timed(lambda: _cheap(dataset, design, reader))
    progress(1, 5, "profile on the default sample")
    result["sample_seconds"] = _timed(lambda: _profile(dataset, design, domains, reader, SAMPLE))
    if whole:
        progress(2, 5, "profile over all items")
        result["all_seconds"] = _timed(lambda: _profile(dataset, design, domains, reader, 0))
    progress(3, 5, "design search")
    return result | _search(searched, attributes, reader, items, progress)


def _timed(work) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def _silent(*_) -> None:
    pass


def _cheap(dataset: Dataset, design: ItemDesign, reader: TextModel) -> Catalogue:
    catalogue = Catalogue(dataset, reader.tokenizer)
    for measure in (informativeness, noise, length):
        measure(catalogue, design)
    return catalogue


def _profile(
    dataset: Dataset, design: ItemDesign, domains: tuple[Dataset, ...], reader: TextModel, sample: int
) -> None:
    from upsr_core.indicators.domain_consistency import Domain, consistency

    catalogue, behaviour = _cheap(dataset, design, reader), Behaviour(dataset)
    conflict(catalogue, behaviour, design)
    naturalness(catalogue, design, reader, "likelihood", sample, 0, _silent)
    alignment(catalogue, behaviour, design, reader, sample, 0, _silent)
    others = [Domain(Catalogue(each, reader.tokenizer), Behaviour(each)) for each in domains]
    consistency([Domain(catalogue, behaviour), *others], design, reader, sample, 0, _silent)


def _search(dataset: Dataset, attributes: tuple[str, ...], reader: TextModel, items: int, progress: Progress) -> dict:
    catalogue = Catalogue(dataset, reader.tokenizer)
    made = space(catalogue, attributes, 40, items, 0)
    # One step of familiarity, and every attribute in both stages: all designs are told apart by their perplexity.
    table = eligible(cheap(catalogue, made).assign(familiarity=0.5), dict.fromkeys(attributes, BOTH))
    found, seconds = {}, {}
    for name, early in (("early", True), ("whole", False)):
        start = time.perf_counter()
        found[name] = race(made, table, reader.likelihoods, early, _silent)
        seconds[name] = time.perf_counter() - start
    start, alone = time.perf_counter(), np.zeros_like(found["whole"])
    for number, texts in enumerate(made.texts):
        progress(3 + number / len(made.texts), 5, "every design alone")
        alone[:, number] = reader.likelihoods(texts, _silent) / texts.lengths
    seconds["alone"] = time.perf_counter() - start
    tables = {name: finished(table, scores) for name, scores in {**found, "alone": alone}.items()}
    return {
        "designs": len(made.designs),
        "searched_items": len(made.rows),
        "search_seconds": seconds["whole"],
        "search_early_seconds": seconds["early"],
        "alone_seconds": seconds["alone"],
        "search_ratio": seconds["alone"] / seconds["whole"],
        "search_early_ratio": seconds["alone"] / seconds["early"],
        "max_abs_diff": float(np.abs(found["whole"] - alone).max()),
        "stopped": int(tables["early"].stopped.sum()),
        "same_best": all(
            tables["early"][stage].tolist() == tables[other][stage].tolist()
            for stage in STAGES
            for other in ("whole", "alone")
        ),
        "same_front": tables["early"].front.tolist() == tables["whole"].front.tolist(),
    }
