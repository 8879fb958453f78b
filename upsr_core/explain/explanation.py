"""`explain(run, user, a, b)`: why candidate a stands above candidate b for a user, as tables."""

from dataclasses import dataclass, fields

import numpy as np
import pandas as pd

from upsr_core.errors import RunError
from upsr_core.explain.attribution import difference, middle_of, sum_error, token_parts
from upsr_core.explain.instance import instance_of, pair_of, ranks_of
from upsr_core.explain.leave_one_out import LeftOut, attribute_effects, item_effects, leave_out
from upsr_core.indicators.result import plain
from upsr_core.models.base import LEAVE_ONE_OUT, HistoryEffects, InstanceScores, Ranker
from upsr_core.models.instance import Instance, name_of
from upsr_core.models.token_scores import TokenScores
from upsr_core.runs.run import Run
from upsr_core.runs.user_ranking import find_user, load_ranker
from upsr_core.runtime import Progress, silent
from upsr_core.schema import ITEM


@dataclass(frozen=True)
class Explanation:
    """Why `a` stands above `b` (item ids) for a user.

    candidates: item_id, name, rank, score, target, stored (the score on disk), the best first.
    tokens_a, tokens_b: see `attribution.token_parts`; difference: see `attribution.difference`. None where a score is
    no sum over the tokens of a text.
    items, attributes: what each history item and each attribute of the history did to the scores, see
    `leave_one_out`; attributes is None for models that make nothing of an edited text.
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
    method: str = "",
    progress: Progress = silent,
) -> Explanation:
    """Why item `a` stands above item `b` (ids) for a user (id) in a finished run.

    Left open, the two are the target and the best other candidate. Any item of the catalogue can be named. `method` is
    how the history is looked at, one of the model's (`Model.methods`), its usual one unless given: leave-one-out is
    exact for every model, contributions is exact where scores are sums over the history, gradients an approximation.
    Raises RunError where the user was not evaluated, an item is unknown, or the run's model is not there.

    >>> explain(load_run("20f1"), "user12").difference  # doctest: +SKIP
    """
    instance = instance_of(run, find_user(run.spec.dataset.load(), user), [name for name in (a, b) if name is not None])
    return explain_instance(run, user, instance, *pair_of(instance, a, b), method, load_ranker(run), progress)


def explain_instance(
    run: Run, user: str, instance: Instance, a: int, b: int, method: str, ranker: Ranker,
    progress: Progress = silent, found: InstanceScores | None = None, left: LeftOut | None = None,
) -> Explanation:  # fmt: skip
    """What `explain` gives, for rows of an instance's candidates; `found` and `left` are used where given."""
    kind = run.spec.kind
    method = method or kind.methods[0]
    if method not in kind.methods:
        raise RunError(f"{kind.title} has no method {method!r}", how=f"Choose among {', '.join(kind.methods)}.")
    found = found or ranker.read([instance])[0]
    scores, tokens = found.scores, found.tokens
    if method == LEAVE_ONE_OUT:
        edited = instance.attributes if kind.rereads_text else ()
        left = left or leave_out(instance, ranker, edited, progress)
        attributes = attribute_effects(instance, left, a, b) if edited else None
        effects = HistoryEffects("leave one out, exact", item_effects(instance, left, a, b), attributes, None)
    else:
        effects = ranker.effects(instance, a, b, method, progress)
    middle = middle_of(tokens, a, b) if tokens else 0.0
    stored = instance.candidates.stored.to_numpy()
    known = np.isfinite(stored) & np.isfinite(scores)
    names = [name_of(row) for _, row in instance.candidates.iterrows()]
    table = instance.candidates[[ITEM, "target", "stored"]].assign(name=names, rank=ranks_of(scores), score=scores)
    return Explanation(
        run=run.id, title=run.title, user=user, a=instance.candidates[ITEM][a], b=instance.candidates[ITEM][b],
        score=run.spec.model.own_score, lead=float(scores[a] - scores[b]),
        candidates=table[[ITEM, "name", "rank", "score", "target", "stored"]].sort_values("rank", ignore_index=True),
        tokens_a=token_parts(tokens, a, middle) if tokens else None,
        tokens_b=token_parts(tokens, b, middle) if tokens else None,
        difference=difference(tokens, a, b) if tokens else None,
        items=effects.items, attributes=effects.attributes, method=effects.name,
        dropped=tokens.dropped if tokens else 0, cut_a=_cut(tokens, a) if tokens else 0,
        cut_b=_cut(tokens, b) if tokens else 0, sum_error=sum_error(tokens) if tokens else None,
        stored_error=float(np.abs(stored[known] - scores[known]).max(initial=0.0)), approximation_gap=effects.gap,
    )  # fmt: skip


def _cut(tokens: TokenScores, candidate: int) -> int:
    text = tokens.texts.item(candidate)
    return max(0, text.full_tokens - len(text.ids))
