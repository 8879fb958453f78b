"""The benchmark of explanations: exactness, whether planted causes are found, and seconds."""

import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.stats import spearmanr

from upsr_core.datasets.splits import SplitSpec, split, training_counts
from upsr_core.datasets.store import Dataset
from upsr_core.evaluation.candidates import Candidates, CandidateSpec, candidates_for
from upsr_core.explain.attribution import attribute_parts, difference, largest, token_parts
from upsr_core.explain.counterfactual import compare
from upsr_core.explain.instance import ranks_of
from upsr_core.explain.leave_one_out import item_effects, leave_out
from upsr_core.likelihood.scores import SCORES, ScoreSpec, prior_of
from upsr_core.models.instance import Instance, item_rows
from upsr_core.models.integrated_gradients import integrated_gradients
from upsr_core.models.token_scores import TokenScores
from upsr_core.models.upsr_ranker import UpsrRanker
from upsr_core.models.upsr_reader import UpsrReader
from upsr_core.plm.loading import load_model, load_tokenizer
from upsr_core.runtime import Progress
from upsr_core.text.design import Design
from workshop.benchmarks.planted import DESIGN, TRAINING, Cause, Planted, learn, plant

USERS, LEFT_OUT_USERS, TIMED, HISTORY, PLANTED_USERS = 50, 5, 5, 20, 100


def bench(dataset: Dataset, design: Design, plm: str, planted: bool, progress: Progress) -> dict:
    """Errors and times of explanations on the test users of a dataset with a language model as it is, and, with
    `planted`, in how many users what was planted is found.

    `max_sum_error`: the sum of a candidate's parts, by token and by attribute, against the score that the ranker of
    the whole catalogue gives, over all candidates of 50 users and both scores. `max_leave_one_out_error`: the same of
    every history item left out, against the ranker on the edited history, 5 users. Seconds are medians: `open_seconds`
    for one user with 101 candidates read and taken apart, `what_if_seconds` for it before and after an edit,
    `leave_one_out_seconds` for a history of 20 items, `gradients_seconds` for its approximation, whose order of items
    agrees with the exact one by `gradients_agreement` (Spearman's correlation, mean).
    """
    parts = split(dataset, SplitSpec())
    test = candidates_for(dataset, parts, CandidateSpec(users=USERS))
    prior = prior_of(training_counts(dataset, parts), test.mode)
    model, tokenizer = load_model(plm), load_tokenizer(plm)
    in_sums = in_left_out = 0.0
    for name in SCORES:
        ranker = UpsrRanker(model, tokenizer, dataset, design, ScoreSpec(name=name), prior)
        instances = [_instance(dataset, design, test, row, prior) for row in range(len(test))]
        for row, instance in enumerate(instances):
            progress(row, len(instances), f"sums of parts, {name}")
            in_sums = max(in_sums, _sum_error(ranker, instance))
        for instance in instances[:LEFT_OUT_USERS]:
            in_left_out = max(in_left_out, _left_out_error(ranker, instance))
    reader = UpsrReader(model, tokenizer, ScoreSpec())
    result = {"dataset": dataset.name, "design": design.finetune.label, "plm": plm, "users": len(test)}
    result |= {"max_sum_error": in_sums, "max_leave_one_out_error": in_left_out}
    result |= _times(dataset, design, reader, instances[:TIMED], progress)
    if planted:
        found = _planted(plm, progress)
        cause = min(found["planted_brand_found"], found["planted_item_found"])
        result |= {**found, "planted_cause_found": cause}
    return result


def _instance(dataset: Dataset, design: Design, test: Candidates, row: int, prior: np.ndarray) -> Instance:
    items = item_rows(dataset, test.items(row).tolist())
    return _of(item_rows(dataset, test.history(row).tolist()), items.assign(prior=prior[items.item]), design)


def _of(history: pd.DataFrame, candidates: pd.DataFrame, design: Design) -> Instance:
    """An instance whose first candidate is the target and nothing of which is stored."""
    first = np.arange(len(candidates)) == 0
    known = {"target": first, "stored": np.nan, "stored_rank": np.nan, "popularity": 0}
    return Instance(design, history, candidates.assign(**known, prior=candidates.get("prior", 0.0)))


def _scores(ranker: UpsrRanker, history: np.ndarray, instance: Instance) -> np.ndarray:
    return ranker.scores([history], lambda _: instance.candidates.item.to_numpy())[0]


def _tokens(reader: UpsrReader, instance: Instance) -> TokenScores:
    tokens = reader.read([instance])[0].tokens
    assert tokens is not None  # UPSR scores texts token by token
    return tokens


def _sum_error(ranker: UpsrRanker, instance: Instance) -> float:
    tokens = _tokens(ranker, instance)
    expected = _scores(ranker, instance.history.item.to_numpy(), instance) - tokens.beside  # the prior is in no text
    by_attribute = attribute_parts(tokens).groupby("candidate").part.sum().to_numpy()
    by_token = np.array([token_parts(tokens, place).part.sum() for place in range(len(instance.candidates))])
    return float(max(np.abs(by_attribute - expected).max(), np.abs(by_token - expected).max()))


def _left_out_error(ranker: UpsrRanker, instance: Instance) -> float:
    history, left = instance.history.item.to_numpy(), leave_out(instance, ranker, ())
    fresh = np.stack([_scores(ranker, np.delete(history, place), instance) for place in range(len(history))])
    return float(np.abs(left.items - fresh).max())


def _times(
    dataset: Dataset, design: Design, reader: UpsrReader, instances: list[Instance], progress: Progress
) -> dict[str, float]:
    rng = np.random.default_rng(0)
    seconds: dict[str, list[float]] = {"open": [], "what_if": [], "leave_one_out": [], "gradients": []}
    agreements = []

    def timed(name: str, work: Callable):
        start = time.perf_counter()
        made = work()
        seconds[name].append(time.perf_counter() - start)
        return made

    def open_user(instance: Instance) -> None:
        tokens = _tokens(reader, instance)
        difference(tokens, *np.argsort(ranks_of(tokens.scores))[:2].tolist())

    open_user(instances[0])
    for number, instance in enumerate(instances):
        progress(number, len(instances), "timing")
        timed("open", lambda instance=instance: open_user(instance))
        edited = instance.without(0)
        timed("what_if", lambda instance=instance, edited=edited: compare(instance, edited, reader))
        items = rng.choice(len(dataset.items), HISTORY, replace=False).tolist()
        long = _of(item_rows(dataset, items), instance.candidates, design)
        left = timed("leave_one_out", lambda long=long: leave_out(long, reader, long.attributes))
        near = timed("gradients", lambda long=long: integrated_gradients(long, reader, 0, 1))
        exact = item_effects(long, left, 0, 1)
        agreements.append(float(spearmanr(near.items(long).effect, exact.effect).statistic))
    medians = {f"{name}_seconds": float(np.median(values)) for name, values in seconds.items()}
    return medians | {"gradients_agreement": float(np.mean(agreements))}


def _planted(plm: str, progress: Progress) -> dict[str, float]:
    """In how large a share of new users an explanation names the planted cause, of the target's lead over the best
    other candidate; and how often the model ranks the target first. One model learns both kinds of users of one shop.
    """
    tokenizer, start = load_tokenizer(plm), time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        shop = [plant(cause, 2000, tokenizer) for cause in ("brand", "item")]
        model = learn(shop, Path(folder), progress, TRAINING, plm)
    result, reader = (
        {"planted_training_seconds": time.perf_counter() - start},
        UpsrReader(model, tokenizer, ScoreSpec()),
    )
    for cause in ("brand", "item"):
        table = found_in(plant(cause, PLANTED_USERS, tokenizer, seed=1), reader, cause, progress)
        result[f"planted_{cause}_found"] = float(table.found.mean())
        result[f"planted_{cause}_first"] = float(table["first"].mean())
    result["planted_item_found_by_gradients"] = float(table.near.mean())
    return result


def found_in(users: Planted, reader: UpsrReader, cause: Cause, progress: Progress) -> pd.DataFrame:
    """One row per planted user: `found` and, where an item was planted, `near` (bool): whether the exact explanation
    and the approximation put the cause first; `first`: whether the model ranks the target first.
    """
    rows = []
    for user in range(len(users.targets)):
        progress(user, len(users.targets), f"looking for the planted {cause}")
        chosen = users.candidates(user)
        instance = _of(_rows(users, users.histories[user]), _rows(users, chosen), DESIGN)
        tokens = _tokens(reader, instance)
        best = 1 + int(np.argmax(tokens.scores[1:]))
        row = {"first": tokens.scores[0] > tokens.scores[best]}
        if cause == "brand":
            row["found"] = largest(difference(tokens, 0, best)) == "brand"
        else:
            exact = item_effects(instance, leave_out(instance, reader, ()), 0, best).effect
            near = integrated_gradients(instance, reader, 0, best).items(instance).effect
            row["found"], row["near"] = (int(effect.abs().idxmax()) == users.causes[user] for effect in (exact, near))
        rows.append(row)
    return pd.DataFrame(rows)


def _rows(users: Planted, items: np.ndarray) -> pd.DataFrame:
    return users.items.iloc[items].reset_index(drop=True).assign(item=items)
