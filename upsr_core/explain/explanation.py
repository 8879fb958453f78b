"""`explain(run, user, a, b)`: why candidate a stands above candidate b for a user, as tables."""

from dataclasses import dataclass, fields
from typing import Literal

import numpy as np
import pandas as pd

from upsr_core.errors import RunError
from upsr_core.explain.attribution import difference, middle_of, sum_error, token_parts
from upsr_core.explain.instance import Case, case_of, name_of, pair_of, ranks_of
from upsr_core.explain.leave_one_out import LeftOut, attribute_effects, item_effects, leave_out
from upsr_core.explain.scoring import ItemReading, Read, TextReading, reading_of, silent
from upsr_core.indicators.result import plain
from upsr_core.runs.run import Run
from upsr_core.runs.user_ranking import find_user
from upsr_core.runtime import Progress
from upsr_core.schema import ITEM

Method = Literal["leave-one-out", "gradients"]
METHODS = ("leave-one-out", "gradients")


@dataclass(frozen=True)
class Explanation:
    """Why `a` stands above `b` (item ids) for a user.

    candidates: item_id, name, rank, score, target, stored (the score on disk), the best first.
    tokens_a, tokens_b: see `parts.token_parts`; difference: see `parts.difference`. None for models that read no text.
    items, attributes: what each history item and each attribute of the history did to the scores, see `history`;
    attributes is None for models that read no text.
    method: how items and attributes were found: "leave one out, exact", or the name of an approximation.
    dropped: how many of the oldest history items fell off the prompt; cut_a, cut_b: tokens of the two texts beyond
    the caps of the design, which nothing reads.
    sum_error: the largest distance, over all candidates, of the sum of the parts from the score.
    stored_error: the largest distance of a score from the one on disk.
    approximation_gap: how far approximate effects are from their right sum; None where they are exact.
    """

    run: str
    title: str
    user: str
    a: str
    b: str
    score: str
    lead: float
    candidates: pd.DataFrame
    tokens_a: pd.DataFrame | None
    tokens_b: pd.DataFrame | None
    difference: pd.DataFrame | None
    items: pd.DataFrame
    attributes: pd.DataFrame | None
    method: str
    dropped: int
    cut_a: int
    cut_b: int
    sum_error: float | None
    stored_error: float
    approximation_gap: float | None = None

    def record(self) -> dict:
        """Everything as values that JSON knows; what is not a finite number is null."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        tables = {name: value.to_dict("records") for name, value in values.items() if isinstance(value, pd.DataFrame)}
        return plain(values | tables)


def explain(
    run: Run,
    user: str,
    a: str | None = None,
    b: str | None = None,
    method: Method = "leave-one-out",
    progress: Progress = silent,
) -> Explanation:
    """Why item `a` stands above item `b` (ids) for a user (id) in a finished run.

    Left open, the two are the target and the best other candidate. Any item of the catalogue can be named. `method`
    is how the history is looked at: leave-one-out is exact, gradients an approximation for models of texts. Raises
    RunError where the user was not evaluated, an item is unknown, or the run's model is not there.

    >>> explain(load_run("20f1"), "user12").difference  # doctest: +SKIP
    """
    if method not in METHODS:
        raise RunError(f"There is no method {method!r}", how=f"Choose among {', '.join(METHODS)}.")
    case = case_of(run, find_user(run.spec.dataset.load(), user), [name for name in (a, b) if name is not None])
    return explain_case(run, user, case, *pair_of(case, a, b), method, reading_of(run), progress)


def explain_case(
    run: Run, user: str, case: Case, a: int, b: int, method: Method, reading: TextReading | ItemReading,
    progress: Progress = silent, read: Read | None = None, left: LeftOut | None = None,
) -> Explanation:  # fmt: skip
    """What `explain` gives, for rows of a case's candidates; `read` and `left` are used where they are at hand."""
    by_text = isinstance(reading, TextReading)
    if by_text:
        read = read or reading.read([case])[0]
    elif method == "gradients":
        raise RunError(f"{run.spec.info.title} reads no text", how="Leave items out instead.")
    scores = read.scores if by_text else reading.scores([case])[0]
    gap = None
    if method == "gradients":
        from upsr_core.explain.integrated_gradients import NAME, integrated_gradients

        found = integrated_gradients(case, reading, a, b, progress)
        items, attributes, gap, method_name = found.items(case), found.attributes(case), found.gap, NAME
    else:
        method_name = "leave one out, exact"
        left = left or leave_out(case, reading, progress)
        items = item_effects(case, left, a, b)
        attributes = attribute_effects(case, left, a, b) if by_text else None
    middle = middle_of(read, a, b) if by_text else 0.0
    stored = case.candidates.stored.to_numpy()
    known = np.isfinite(stored) & np.isfinite(scores)
    names = [name_of(row) for _, row in case.candidates.iterrows()]
    table = case.candidates[[ITEM, "target", "stored"]].assign(name=names, rank=ranks_of(scores), score=scores)
    return Explanation(
        run=run.id, title=run.title, user=user, a=case.candidates[ITEM][a], b=case.candidates[ITEM][b],
        score=run.spec.own_score, lead=float(scores[a] - scores[b]),
        candidates=table[[ITEM, "name", "rank", "score", "target", "stored"]].sort_values("rank", ignore_index=True),
        tokens_a=token_parts(read, a, middle) if by_text else None,
        tokens_b=token_parts(read, b, middle) if by_text else None,
        difference=difference(read, a, b) if by_text else None,
        items=items, attributes=attributes, method=method_name, dropped=read.dropped if by_text else 0,
        cut_a=_cut(read, a) if by_text else 0, cut_b=_cut(read, b) if by_text else 0,
        sum_error=sum_error(read) if by_text else None,
        stored_error=float(np.abs(stored[known] - scores[known]).max(initial=0.0)), approximation_gap=gap,
    )  # fmt: skip


def _cut(read: Read, candidate: int) -> int:
    text = read.texts.item(candidate)
    return max(0, text.full_tokens - len(text.ids))
