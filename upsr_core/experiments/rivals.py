"""The work of a run whose model scores its whole catalogue at once."""

from upsr_core.datasets.splits import Split
from upsr_core.datasets.store import Dataset
from upsr_core.evaluation.candidates import Candidates, candidates_for
from upsr_core.evaluation.statistics import other_users
from upsr_core.experiments.outcome import Ranked
from upsr_core.experiments.ranking import load_ranker
from upsr_core.experiments.runs import Run
from upsr_core.experiments.validation import validate
from upsr_core.rankers.base import CatalogueRanker, evaluate
from upsr_core.rankers.catalogue import new_ranker
from upsr_core.rankers.popularity import Popularity, Random
from upsr_core.rankers.spec import SCORE
from upsr_core.runtime import Progress

KEPT = 101  # candidates stored for every instance: all of the sampled modes, the best of the whole catalogue


def train_rival(run: Run, dataset: Dataset, parts: Split, progress: Progress) -> None:
    """Train the model of a run, validated by ranking, and save it; a saved one stays."""
    spec, trained = run.spec, run.folder / "model"
    if trained.exists() or spec.training is None:
        return
    ranker = new_ranker(spec.model, spec.training, dataset, parts)
    validation = candidates_for(dataset, parts, spec.validation)
    ranker.fit(run.folder / "tuning", progress, lambda _: validate(ranker, validation), run.write_curve)
    ranker.save(trained)


def rank_rival(run: Run, dataset: Dataset, parts: Split, test: Candidates, progress: Progress) -> tuple[Ranked, dict]:
    """Ranks of all test instances, and counts of what the model could not score; writes `scores.parquet`.

    Columns of that table: row, user, item, target (bool), score, rank (expected rank among all candidates of the
    instance), popularity (training events).
    """
    ranker, popularity, count = load_ranker(run), Popularity(dataset, parts), len(test)
    right = ranker.rank(test, KEPT, lambda done: progress(done, 2 * count, "evaluating"))
    borrowed = right.metrics
    if count > 1:
        others = test.with_histories_of(other_users(count, test.spec.seed))
        borrowed = ranker.rank(others, 0, lambda done: progress(count + done, 2 * count, "evaluating")).metrics
    table = right.candidates
    table["user"] = test.instances.user.to_numpy()[table.row]
    table["popularity"] = popularity.counts[table.item]
    table.to_parquet(run.folder / "scores.parquet")
    references = {"popularity": evaluate(popularity, test), "random": evaluate(Random(dataset), test)}
    return Ranked({SCORE: right.metrics}, {SCORE: borrowed}, references), unscorable(ranker, test)


def unscorable(ranker: CatalogueRanker, test: Candidates) -> dict[str, int]:
    """How many targets the model cannot score at all."""
    return {"unscorable_targets": int((~ranker.scorable[test.instances.target.to_numpy()]).sum())}
