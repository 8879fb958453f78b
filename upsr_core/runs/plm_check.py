"""What a language model's perplexity is worth, measured on real datasets before anything is built on it."""

import re
import time
from pathlib import Path

import numpy as np
import pandas as pd

from upsr_core.datasets.importing import import_dataset
from upsr_core.datasets.spec import PreparationSpec
from upsr_core.datasets.splits import SplitSpec, split
from upsr_core.datasets.store import Dataset
from upsr_core.errors import DataError
from upsr_core.evaluation.candidates import CandidateSpec, candidates_for
from upsr_core.evaluation.metrics import HEADLINE, named
from upsr_core.evaluation.statistics import paired_difference
from upsr_core.likelihood.scores import UNTRAINED, ScoreSpec
from upsr_core.likelihood.text_perplexity import mean_log_probs
from upsr_core.models.popularity import PopularityRanker, RandomRanker
from upsr_core.models.upsr_ranker import UpsrRanker
from upsr_core.parallel import Workers
from upsr_core.plm.loading import load_model, load_tokenizer, weights_digest
from upsr_core.runtime import Progress, silent
from upsr_core.text.design import Design, ItemDesign

PLOTS, TITLES = "movielens-100k-plots", "amazon-beauty-2014"
ORDERED = ("movielens-100k-plots", "steam")  # have description, title and brand
ZERO_SHOT = ("amazon-beauty-2014", "steam")
FURTHER = ("amazon-toys-2014", "yelp")  # ranked too, where they are there
MOST_TEXTS = 2000
DRAWS = 10  # of random words for each title: the perplexity of a single draw is off by some 3 %
WITH_YEAR = "title with its year"
ITEM_FILE, EVENT_FILE = "items.jsonl.gz", "interactions.tsv.gz"


def check(plm: str, data: Path, users: int, progress: Progress, seed: int = 0) -> dict:
    """The quality report of a T5 on the datasets under `data` (folders with items.jsonl.gz and interactions.tsv.gz).

    Keys: `plot_over_shuffled`, `title_over_shuffled` (share of texts with a lower perplexity than the same words
    shuffled), `order_of_perplexity` (per dataset the perplexities of description, title, brand and random words, and
    whether they rise in this order), `texts_per_second`, `zero_shot` (per dataset and score the gaps in NDCG@10
    (uni100) to random, to popularity and to another user's history). Raises DataError where a dataset is missing.
    """
    to_rank = (*ZERO_SHOT, *(name for name in FURTHER if (data / name / ITEM_FILE).is_file()))
    datasets = {name: _dataset(data, name) for name in dict.fromkeys((PLOTS, TITLES, *ORDERED, *to_rank))}
    model, tokenizer = load_model(plm), load_tokenizer(plm)
    steps = 2 + len(ORDERED) + len(to_rank)

    def score(texts: list[str]) -> np.ndarray:
        return mean_log_probs(model, tokenizer, texts)

    report: dict = {
        "model": plm,
        "weights": weights_digest(plm),
        "parameters": sum(weight.numel() for weight in model.parameters()),
        "seed": seed,
        "plots_of": PLOTS,
    }
    report |= _over_shuffled("plot", score, _texts(datasets[PLOTS], "description", seed), seed)
    progress(1, steps, "order of words in plots")
    report |= _over_shuffled("title", score, _texts(datasets[TITLES], "title", seed), seed)
    progress(2, steps, "order of words in titles")
    report["order_of_perplexity"] = {}
    for number, name in enumerate(ORDERED, start=3):
        report["order_of_perplexity"][name] = _order(score, datasets[name], seed)
        progress(number, steps, f"kinds of text in {name}")
    report["texts_per_second"] = _texts_per_second(model, tokenizer, datasets[TITLES])
    report["zero_shot"] = {}
    for number, name in enumerate(to_rank, start=3 + len(ORDERED)):
        report["zero_shot"][name] = _zero_shot(model, tokenizer, datasets[name], users, seed)
        progress(number, steps, f"zero-shot ranking of {name}")
    return report


def _dataset(data: Path, name: str) -> Dataset:
    """The folder as a stored dataset `check-NAME`, prepared by the paper's rule for new domains."""
    folder = data / name
    if not (folder / ITEM_FILE).is_file() or not (folder / EVENT_FILE).is_file():
        raise DataError(
            f"The check needs the dataset {name!r}", str(folder), f"Put {ITEM_FILE} and {EVENT_FILE} there (--data)."
        )
    return import_dataset(
        f"check-{name}", folder / ITEM_FILE, folder / EVENT_FILE, preparation=PreparationSpec.new_domain()
    )


def _texts(dataset: Dataset, attribute: str, seed: int) -> list[str]:
    """Distinct texts of an attribute, at most MOST_TEXTS of them."""
    texts = dataset.items[attribute][dataset.items[attribute].str.strip() != ""].drop_duplicates()
    return texts.sample(min(MOST_TEXTS, len(texts)), random_state=seed).tolist()


def shuffled(text: str, rng: np.random.Generator) -> str | None:
    """The words of a text in another order; None where there is no other order.

    >>> shuffled("one", np.random.default_rng(0)) is None
    True
    """
    words = text.split()
    if len(set(words)) < 2:
        return None
    while (order := [words[i] for i in rng.permutation(len(words))]) == words:
        pass
    return " ".join(order)


def _over_shuffled(what: str, score, texts: list[str], seed: int) -> dict:
    rng = np.random.default_rng([seed, 6])
    pairs = [(" ".join(text.split()), other) for text in texts if (other := shuffled(text, rng)) is not None]
    real, other = (score([pair[side] for pair in pairs]) for side in (0, 1))
    return {f"{what}_over_shuffled": float((real > other).mean()), f"{what}s": len(pairs)}


def _order(score, dataset: Dataset, seed: int) -> dict:
    """Perplexity exp(-mean over texts of the mean log P per token) of each kind of text, and whether they rise.

    Titles are read without a year at their end, "(1995)": four digits and two brackets are easy for any model and say
    nothing of how natural a title is. What they cost with it is reported too, as WITH_YEAR, and does not count.
    Random words are drawn evenly from all distinct words, as many as a title has, DRAWS times for each title.
    """
    kinds = {name: _texts(dataset, name, seed) for name in ("description", "title", "brand")}
    words = np.array(sorted({word for texts in kinds.values() for text in texts for word in text.split()}))
    rng = np.random.default_rng([seed, 7])
    lengths = [len(text.split()) for text in kinds["title"]] * DRAWS
    kinds["random words"] = [" ".join(rng.choice(words, size=length)) for length in lengths]
    whole = kinds["title"]
    kinds["title"] = [short for title in whole if (short := re.sub(r"\s*\(\d{4}\)$", "", title))]
    values = {name: float(np.exp(-score(texts).mean())) for name, texts in kinds.items()}
    ordered = bool((np.diff(list(values.values())) > 0).all())
    if kinds["title"] != whole:
        values[WITH_YEAR] = float(np.exp(-score(whole).mean()))
    return {**values, "ordered": ordered}


def _design(dataset: Dataset) -> Design:
    names = [name for name in ("category", "title", "brand") if name in dataset.attributes]
    return Design(finetune=ItemDesign(attributes=tuple(names)))


def _ranker(model, tokenizer, dataset: Dataset) -> UpsrRanker:
    return UpsrRanker(model, tokenizer, dataset, _design(dataset), ScoreSpec())


def _texts_per_second(model, tokenizer, dataset: Dataset) -> float:
    """Item texts of category, title and brand scored without a history, the best of three."""
    ranker = _ranker(model, tokenizer, dataset)
    items = np.random.default_rng(0).choice(len(dataset.items), size=min(1000, len(dataset.items)), replace=False)
    seconds = []
    for _ in range(3):
        start = time.perf_counter()
        ranker.unconditional(items)
        seconds.append(time.perf_counter() - start)
    return len(items) / min(seconds)


def _zero_shot(model, tokenizer, dataset: Dataset, users: int, seed: int) -> dict:
    parts = split(dataset, SplitSpec())
    test = candidates_for(dataset, parts, CandidateSpec(users=users, seed=seed))
    found = _ranker(model, tokenizer, dataset).evaluate(test, silent, Workers())
    references = {
        "popularity": PopularityRanker(dataset, parts).metrics(test), "random": RandomRanker(dataset).metrics(test)
    }  # fmt: skip

    def gap(ours: pd.DataFrame, theirs: pd.DataFrame) -> dict:
        return paired_difference(ours[HEADLINE].to_numpy(), theirs[HEADLINE].to_numpy())

    return {
        name: {
            named(HEADLINE, test.mode): float(found.right[name][HEADLINE].mean()),
            **{reference: gap(found.right[name], frame) for reference, frame in references.items()},
            "user_dependence": gap(found.shared[name], found.borrowed[name]),
        }
        for name in UNTRAINED
    }
