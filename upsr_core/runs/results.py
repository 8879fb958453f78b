"""What a run leaves: scores of every candidate, metrics per user, and the gaps to what it must be compared with."""

import time
from dataclasses import dataclass

import numpy as np
import pandas as pd

from upsr_core.evaluation.candidates import Candidates
from upsr_core.evaluation.metrics import HEADLINE, METRICS, named, rank_table
from upsr_core.evaluation.statistics import by_user, mean_interval
from upsr_core.likelihood.scores import SCORES, ScoreSpec, prior_of
from upsr_core.models.popularity import Popularity
from upsr_core.parallel import Workers
from upsr_core.runs.run import BORROWED, Run
from upsr_core.runs.scoring import Scored, likelihoods
from upsr_core.runtime import Progress, peak_memory_mib
from upsr_core.storage.tables import keep_table

CONTROL = "another user's history, in uni100 without the candidates"  # older results took it whole, and do not say


def score_table(scored: Scored, popularity: Popularity, progress: Progress, workers: Workers) -> pd.DataFrame:
    """One row per instance and candidate, target first: everything that ranks follow from.

    Columns: row, user, item, target (bool), logprob (sum over the text's tokens given the history), borrowed (the
    same given another user's history), unconditional (given an empty one), tokens, popularity (training events).
    """
    test, count = scored.test, len(scored.test)
    items = [test.items(row) for row in range(count)]
    found = likelihoods(scored, workers, progress)
    lengths = [len(part) for part in items]
    flat = np.concatenate(items)
    first = np.zeros(len(flat), dtype=bool)
    first[np.concatenate([[0], np.cumsum(lengths)[:-1]])] = True
    return pd.DataFrame(
        {
            "row": np.repeat(np.arange(count), lengths),
            "user": np.repeat(test.instances.user.to_numpy(), lengths),
            "item": flat,
            "target": first,
            "logprob": np.concatenate(found.right),
            "borrowed": np.concatenate(found.borrowed),
            "unconditional": found.unconditional[np.searchsorted(found.items, flat)],
            "tokens": scored.ranker.tokens[flat],
            "popularity": popularity.counts[flat],
        }
    )


@dataclass(frozen=True)
class Ranked:
    """Ranks and metrics per instance: of every score with the right history, with a borrowed one, and of references.

    The names of `right` and `borrowed` are those of the model's scores, see `rankers.spec.ModelInfo`.
    """

    right: dict[str, pd.DataFrame]
    borrowed: dict[str, pd.DataFrame]
    references: dict[str, pd.DataFrame]

    @classmethod
    def of(cls, table: pd.DataFrame, mode: str) -> "Ranked":
        """From a table of scores as `score_table` gives it, of candidates of this mode."""
        logprob, tokens, unconditional, borrowed, counts = (
            table[name].to_numpy() for name in ("logprob", "tokens", "unconditional", "borrowed", "popularity")
        )
        known = tokens, unconditional, prior_of(counts, mode)
        cuts = np.flatnonzero(table.target.to_numpy())[1:]

        def ranks(scores: np.ndarray) -> pd.DataFrame:
            return rank_table(np.split(scores, cuts))

        return cls(
            {name: ranks(ScoreSpec(name=name).apply(logprob, *known)) for name in SCORES},
            {name: ranks(ScoreSpec(name=name).apply(borrowed, *known)) for name in SCORES},
            {"popularity": ranks(counts.astype(float)), "random": ranks(np.zeros(len(table)))},
        )


def write_result(
    run: Run, ranked: Ranked, test: Candidates, seconds: float, resumed: bool, counts: dict[str, int]
) -> dict:
    """Metrics, gaps and user dependence from the ranks; writes `per_user.parquet` and `result.json`.

    `seconds` were spent since the last start; `resumed` says that there was an earlier one. Where the weights are
    another run's, `trained_by` is its id and `training_seconds` what it took, which `seconds` do not hold then.
    `counts` are what the model says of its evaluation, by name: they are kept with the result.
    """
    ranks, wrong, references = ranked.right, ranked.borrowed, ranked.references
    frames = [
        test.instances.assign(row=range(len(test)), score=name, **frame)
        for name, frame in {**ranks, **{BORROWED.format(name): f for name, f in wrong.items()}}.items()
    ]
    frames += [test.instances.assign(row=range(len(test)), score=name, **frame) for name, frame in references.items()]
    keep_table(run.folder / "per_user.parquet", pd.concat(frames, ignore_index=True))
    own = run.spec.own_score
    mode, users = test.mode, test.instances.user.to_numpy()

    def gaps(frame: pd.DataFrame, other: pd.DataFrame) -> dict:
        return {named(m, mode): mean_interval(by_user((frame[m] - other[m]).to_numpy(), users)) for m in METRICS}

    def means(frame: pd.DataFrame) -> dict:
        return {named(metric, mode): float(frame[metric].mean()) for metric in METRICS}

    dependence = {name: gaps(ranks[name], wrong[name])[named(HEADLINE, mode)] for name in ranks}
    result = {
        "run": run.id,
        "title": run.title,
        "score": own,
        "metrics": means(ranks[own]),
        "intervals": {named(m, mode): mean_interval(by_user(ranks[own][m].to_numpy(), users)) for m in METRICS},
        "gaps": {name: gaps(ranks[own], frame) for name, frame in references.items()},
        "user_dependence": {**dependence[own], "metric": named(HEADLINE, mode), "control": CONTROL},
        "personal": dependence[own]["low"] > 0,
        "scores": {name: {**means(ranks[name]), "user_dependence": dependence[name]} for name in ranks},
        "references": {name: means(frame) for name, frame in references.items()},
        "users": len(test),
        "of_users": test.of,
        "cold_targets": int(test.instances.cold.sum()),
        **counts,
        "candidates": test.digest,
        "trained_by": run.trained_by,
        "training_seconds": run.training_seconds,
        "seconds": round(seconds, 1),
        "peak_memory_mib": peak_memory_mib(),
        "resumed": resumed,
        "finished": time.time(),
    }
    run.write_result(result)
    return result
