"""What every ranker must do, on data whose right answer is known."""

import numpy as np
import pandas as pd
import pytest
import torch
from transformers import T5Config, T5ForConditionalGeneration

from upsr_core.datasets.splits import SplitSpec, split
from upsr_core.evaluation.candidates import CandidateSpec, candidates_for
from upsr_core.likelihood.score import ScoreSpec
from upsr_core.plm.door import load_tokenizer
from upsr_core.rankers.base import evaluate
from upsr_core.rankers.popularity import Popularity, Random
from upsr_core.rankers.upsr import Upsr
from upsr_core.text.design import parse_design

DESIGN = parse_design("category,title,brand")


def upsr(dataset, parts, score):
    torch.manual_seed(0)
    config = T5Config(vocab_size=8192, d_model=32, d_kv=8, num_heads=4, num_layers=2, d_ff=64, decoder_start_token_id=0)
    return Upsr(
        T5ForConditionalGeneration(config).eval(), load_tokenizer("embedded"), dataset, DESIGN, ScoreSpec(name=score)
    )


RANKERS = {
    "upsr-perplexity": lambda dataset, parts: upsr(dataset, parts, "perplexity"),
    "upsr-conditional": lambda dataset, parts: upsr(dataset, parts, "conditional"),
    "popularity": Popularity,
    "random": lambda dataset, _: Random(dataset),
}


@pytest.fixture
def ranker(request, movies):
    return RANKERS[request.param](movies, split(movies, SplitSpec()))


every_ranker = pytest.mark.parametrize("ranker", RANKERS, indirect=True)


@every_ranker
def test_scores_depend_on_nothing_but_history_and_candidate(ranker, movies):
    histories = [movies.history(user)[:-1] for user in range(4)]
    items = np.arange(30)
    together = ranker.scores(histories, lambda _: items)
    shuffled = np.random.default_rng(0).permutation(30)
    for history, scores in zip(histories, together, strict=True):
        alone = ranker.scores([history], lambda _: items[shuffled])[0]
        np.testing.assert_allclose(alone, scores[shuffled], atol=1e-5)


@every_ranker
def test_evaluation_is_of_every_instance_and_within_bounds(ranker, movies):
    candidates = candidates_for(movies, split(movies, SplitSpec()), CandidateSpec(users=12))
    table = evaluate(ranker, candidates)
    assert len(table) == 12 and (table.candidates == 101).all()
    assert table["rank"].between(1, 101).all() and table["NDCG@10"].between(0, 1).all()


def test_popularity_counts_training_events_only(movies):
    parts = split(movies, SplitSpec())
    counts = Popularity(movies, parts).counts
    expected = pd.Series([i for u in range(len(movies.users)) for i in movies.history(u)[:-2]]).value_counts()
    assert counts.sum() == len(movies.sequence) - 2 * len(movies.users)
    assert all(counts[item] == count for item, count in expected.items())
