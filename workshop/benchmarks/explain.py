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
from upsr_core.explain.instance import Case, item_rows, ranks_of
from upsr_core.explain.integrated_gradients import integrated_gradients
from upsr_core.explain.leave_one_out import item_effects, leave_out
from upsr_core.explain.scoring import TextReading
from upsr_core.likelihood.scores import SCORES, ScoreSpec, prior_of
from upsr_core.models.upsr import Upsr
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
        ranker = Upsr(model, tokenizer, dataset, design, ScoreSpec(name=name), prior)
        reading = TextReading(model, tokenizer, ranker.score)
        cases = [_case(dataset, design, test, row, prior) for row in range(len(test))]
        for row, case in enumerate(cases):
            progress(row, len(cases), f"sums of parts, {name}")
            in_sums = max(in_sums, _sum_error(ranker, reading, case))
        for case in cases[:LEFT_OUT_USERS]:
            in_left_out = max(in_left_out, _left_out_error(ranker, reading, case))
    reading = TextReading(model, tokenizer, ScoreSpec())
    result = {"dataset": dataset.name, "design": design.finetune.label, "plm": plm, "users": len(test)}
    result |= {"max_sum_error": in_sums, "max_leave_one_out_error": in_left_out}
    result |= _times(dataset, design, reading, cases[:TIMED], progress)
    if planted:
        found = _planted(plm, progress)
        cause = min(found["planted_brand_found"], found["planted_item_found"])
        result |= {**found, "planted_cause_found": cause}
    return result


def _case(dataset: Dataset, design: Design, test: Candidates, row: int, prior: np.ndarray) -> Case:
    items = item_rows(dataset, test.items(row).tolist())
    return _of(item_rows(dataset, test.history(row).tolist()), items.assign(prior=prior[items.item]), design)


def _of(history: pd.DataFrame, candidates: pd.DataFrame, design: Design) -> Case:
    """A case whose first candidate is the target and nothing of which is stored."""
    first = np.arange(len(candidates)) == 0
    known = {"target": first, "stored": np.nan, "stored_rank": np.nan, "popularity": 0}
    return Case(design, history, candidates.assign(**known, prior=candidates.get("prior", 0.0)))


def _scores(ranker: Upsr, history: np.ndarray, case: Case) -> np.ndarray:
    return ranker.scores([history], lambda _: case.candidates.item.to_numpy())[0]


def _sum_error(ranker: Upsr, reading: TextReading, case: Case) -> float:
    [read] = reading.read([case])
    expected = _scores(ranker, case.history.item.to_numpy(), case)
    by_attribute = attribute_parts(read).groupby("candidate").part.sum().to_numpy()
    by_token = np.array([token_parts(read, place).part.sum() for place in range(len(case.candidates))])
    return float(max(np.abs(by_attribute - expected).max(), np.abs(by_token - expected).max()))


def _left_out_error(ranker: Upsr, reading: TextReading, case: Case) -> float:
    history, left = case.history.item.to_numpy(), leave_out(case, reading)
    fresh = np.stack([_scores(ranker, np.delete(history, place), case) for place in range(len(history))])
    return float(np.abs(left.items - fresh).max())


def _times(
    dataset: Dataset, design: Design, reading: TextReading, cases: list[Case], progress: Progress
) -> dict[str, float]:
    rng = np.random.default_rng(0)
    seconds: dict[str, list[float]] = {"open": [], "what_if": [], "leave_one_out": [], "gradients": []}
    agreements = []

    def timed(name: str, work: Callable):
        start = time.perf_counter()
        made = work()
        seconds[name].append(time.perf_counter() - start)
        return made

    def open_user(case: Case) -> None:
        [read] = reading.read([case])
        difference(read, *np.argsort(ranks_of(read.scores))[:2])

    open_user(cases[0])
    for number, case in enumerate(cases):
        progress(number, len(cases), "timing")
        timed("open", lambda case=case: open_user(case))
        edited = case.without(0)
        timed("what_if", lambda case=case, edited=edited: compare(case, edited, reading))
        items = rng.choice(len(dataset.items), HISTORY, replace=False).tolist()
        long = _of(item_rows(dataset, items), case.candidates, design)
        left = timed("leave_one_out", lambda long=long: leave_out(long, reading))
        near = timed("gradients", lambda long=long: integrated_gradients(long, reading, 0, 1))
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
    result, reading = (
        {"planted_training_seconds": time.perf_counter() - start},
        TextReading(model, tokenizer, ScoreSpec()),
    )
    for cause in ("brand", "item"):
        table = found_in(plant(cause, PLANTED_USERS, tokenizer, seed=1), reading, cause, progress)
        result[f"planted_{cause}_found"] = float(table.found.mean())
        result[f"planted_{cause}_first"] = float(table["first"].mean())
    result["planted_item_found_by_gradients"] = float(table.near.mean())
    return result


def found_in(users: Planted, reading: TextReading, cause: Cause, progress: Progress) -> pd.DataFrame:
    """One row per planted user: `found` and, where an item was planted, `near` (bool): whether the exact explanation
    and the approximation put the cause first; `first`: whether the model ranks the target first.
    """
    rows = []
    for user in range(len(users.targets)):
        progress(user, len(users.targets), f"looking for the planted {cause}")
        chosen = users.candidates(user)
        case = _of(_rows(users, users.histories[user]), _rows(users, chosen), DESIGN)
        [read] = reading.read([case])
        best = 1 + int(np.argmax(read.scores[1:]))
        row = {"first": read.scores[0] > read.scores[best]}
        if cause == "brand":
            row["found"] = largest(difference(read, 0, best)) == "brand"
        else:
            exact = item_effects(case, leave_out(case, reading), 0, best).effect
            near = integrated_gradients(case, reading, 0, best).items(case).effect
            row["found"], row["near"] = (int(effect.abs().idxmax()) == users.causes[user] for effect in (exact, near))
        rows.append(row)
    return pd.DataFrame(rows)


def _rows(users: Planted, items: np.ndarray) -> pd.DataFrame:
    return users.items.iloc[items].reset_index(drop=True).assign(item=items)
