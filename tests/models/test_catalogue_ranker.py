"""What an evaluation over a whole catalogue leaves beside its ranks, held against plain scoring."""

import numpy as np
import pytest

from upsr_core.datasets.splits import SplitSpec, split
from upsr_core.errors import RunError
from upsr_core.evaluation.borrowed import own_and_borrowed
from upsr_core.evaluation.candidates import MODES, CandidateSpec, candidates_for
from upsr_core.evaluation.metrics import rank_table
from upsr_core.explain.model_agreement import leanings
from upsr_core.models import catalogue_ranker
from upsr_core.models.popularity import PopularityRanker
from upsr_core.parallel import Workers
from upsr_core.runs import queue
from upsr_core.runs.run import create_run
from upsr_core.runs.spec import plan_run
from upsr_core.runs.user_ranking import own_scores
from upsr_core.runs.worker import work_on
from upsr_core.runtime import silent


class Copying(PopularityRanker):
    """Popularity, and what stands in the history before everything else."""

    def raw_scores(self, histories):
        scores = super().raw_scores(histories)
        for place, history in enumerate(histories):
            scores[place, history] += 1e6
        return scores


@pytest.fixture
def ranker(movies):
    return Copying(movies, split(movies, SplitSpec()))


def candidates_of(movies, mode: str):
    return candidates_for(movies, split(movies, SplitSpec()), CandidateSpec(mode=mode, users=40))


def test_with_the_history_among_the_candidates_its_items_rank_first(movies, ranker):
    test = candidates_of(movies, "full")
    kept = ranker.evaluate(test, silent, Workers()).history_kept
    everything = np.arange(movies.n_items)
    plain = []
    for row, target in enumerate(test.instances.target):
        order = np.concatenate([[target], everything[everything != target]])
        plain.append(ranker.raw_scores([test.history(row)])[0][order])
    assert kept["rank"].tolist() == rank_table(plain)["rank"].tolist()
    assert (kept["rank"] > [len(set(test.history(row).tolist())) for row in range(40)]).all()
    assert ranker.evaluate(candidates_of(movies, "uni100"), silent, Workers()).history_kept is None


@pytest.mark.parametrize("mode", MODES)
def test_shared_candidates_are_ranked_as_if_they_were_scored_alone(movies, ranker, mode):
    test = candidates_of(movies, mode)
    own, borrowed = own_and_borrowed(test)
    found = ranker.evaluate(test, silent, Workers())
    for frame, candidates in ((found.shared, own), (found.borrowed, borrowed)):
        histories = [candidates.history(row) for row in range(40)]
        plain = rank_table(ranker.scores(histories, candidates.items))
        assert frame["score"]["rank"].tolist() == plain["rank"].tolist()
        assert frame["score"]["candidates"].tolist() == plain["candidates"].tolist()


def test_a_sample_of_instances_has_every_candidate_stored(movies, ranker, monkeypatch):
    monkeypatch.setattr(catalogue_ranker, "SAMPLED_SCORES", 7 * movies.n_items)
    test = candidates_of(movies, "full")
    sample = ranker.evaluate(test, silent, Workers()).sample
    assert sample.row.nunique() == 7
    for row, table in sample.groupby("row"):
        assert sorted(table.item) == sorted(test.items(int(row)))
        assert table.score.tolist() == ranker.raw_scores([test.history(int(row))])[0][table.item].tolist()


def test_leanings_of_a_whole_catalogue_are_over_all_its_items(movies):
    """Of its best 101 alone, popularity would seem to lean on itself as much, and others to another extent."""
    run = create_run(plan_run(movies.name, model="popularity", mode="full"))
    queue.enqueue(run)
    work_on(run)
    stored, whole = own_scores(run), own_scores(run, whole=True)
    assert stored.groupby("row").size().max() <= 102 < 300 < whole.groupby("row").size().min()
    assert set(whole.row) <= set(stored.row) and {"user", "popularity"} <= set(whole)
    found = leanings(whole.assign(score=-whole.popularity)).set_index("property")
    assert found["mean"]["popularity"] == pytest.approx(-1)
    assert found.users["popularity"] == whole.row.nunique()
    (run.folder / "catalogue_scores.parquet").unlink()
    with pytest.raises(RunError, match="damaged"):  # and not the best 101 in its place
        own_scores(run, whole=True)
