"""Models of item ids: loss, packing, full ranking, what they cannot score, exact resuming."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch
from torch.nn import functional

from upsr_core.datasets.splits import SplitSpec, split
from upsr_core.errors import ModelError, RunError
from upsr_core.evaluation.candidates import CandidateSpec, candidates_for
from upsr_core.evaluation.metrics import rank_table
from upsr_core.models import catalogue_ranker, cross_entropy
from upsr_core.models.cross_entropy import catalogue_cross_entropy
from upsr_core.models.history_batches import NO_LABEL, HistoryBatches, PackedHistories, windows
from upsr_core.models.popularity import PopularityRanker
from upsr_core.models.registry import MODELS
from upsr_core.models.sequence_ranker import SequenceRanker
from upsr_core.models.spec import SequenceSpec
from upsr_core.runtime import Cancelled

SMALL = SequenceSpec(width=16, inner=32, epochs=4, batch=32, length=6, learning_rate=3e-3, evaluate_every=1)


def test_catalogue_cross_entropy_is_the_plain_one(monkeypatch):
    monkeypatch.setattr(cross_entropy, "CHUNK_LOGITS", 100)  # several chunks, the last one short
    torch.manual_seed(0)
    leaves = [torch.randn(shape, dtype=torch.float64, requires_grad=True) for shape in ((23, 5), (31, 5), (31,))]
    labels = torch.randint(31, (23,))
    ours = catalogue_cross_entropy(*leaves, labels)
    gradients = torch.autograd.grad(3 * ours, leaves)
    query, items, bias = leaves
    plain = functional.cross_entropy(query @ items.T + bias, labels)
    torch.testing.assert_close(ours, plain)
    for found, expected in zip(gradients, torch.autograd.grad(3 * plain, leaves), strict=True):
        torch.testing.assert_close(found, expected)


@pytest.mark.parametrize("seed", range(5))
def test_packing_keeps_every_sequence_whole_and_apart(seed):
    rng = np.random.default_rng(seed)
    lengths = rng.integers(1, 9, size=40)
    packed = PackedHistories.of(lengths, 8)
    values = rng.integers(1, 1000, lengths.sum())
    table = packed.place(values).numpy()
    for number, sequence in enumerate(np.split(values, np.cumsum(lengths)[:-1])):
        start = lengths[:number].sum()
        row, column = packed.row[start], packed.column[start]
        place = slice(column, column + len(sequence))
        assert np.array_equal(table[row, place], sequence)
        assert len(set(packed.segments[row, place])) == 1 and packed.segments[row, column] > 0
        assert packed.positions[row, place].tolist() == list(range(len(sequence)))
    assert (packed.segments > 0).sum() == lengths.sum()
    assert len(packed.segments) <= np.ceil(lengths.sum() / 8) + 2, "hardly a place is wasted"


def test_every_event_but_the_first_is_a_target_once_an_epoch(successors):
    histories = [successors.history(user)[:-2] for user in range(50)]
    batches = HistoryBatches(histories, len(successors.items), SMALL, "next", 1)
    labels = np.concatenate([batch["labels"][batch["labels"] != NO_LABEL].numpy() for batch in batches_of(batches)])
    expected = np.concatenate([history[1:] for history in histories])
    assert np.array_equal(np.bincount(labels, minlength=24), np.bincount(expected, minlength=24))
    assert [len(piece) for piece in windows(np.arange(14), 7, 1)] == [7, 7, 2]


def batches_of(batches):
    return [batches[step] for step in range(len(batches))]


def test_negatives_are_never_of_the_users_own_history(successors):
    histories = [successors.history(user)[:-2] for user in range(5)]
    batch = HistoryBatches(histories[:1], len(successors.items), SMALL, "next", 1, sampled=True)[0]
    drawn = batch["negatives"][batch["labels"] != NO_LABEL].numpy()
    assert not set(drawn) & set(histories[0])


def test_cloze_hides_items_and_asks_for_them(successors):
    histories = [successors.history(user)[:-2] for user in range(60)]
    batch = HistoryBatches(histories, 24, SMALL.model_copy(update={"last_only": 1.0}), "cloze", 1)[0]
    hidden = batch["labels"] != NO_LABEL
    assert (batch["input_ids"][hidden] == 24).all() and (batch["input_ids"][~hidden] < 24).all()
    assert (
        hidden.sum()
        == len(np.unique(batch["segments"].numpy() * 100 + np.arange(len(hidden))[:, None]))
        - (batch["segments"] == 0).any(1).sum()
    ), "one hidden item in each history"


def test_without_histories_there_is_nothing_to_train_on():
    with pytest.raises(RunError, match="at least two items"):
        HistoryBatches([np.array([3])], 24, SMALL, "next", 1)


def untrained(dataset, model="sasrec-ce"):
    return SequenceRanker(MODELS[model], SMALL, dataset, split(dataset, SplitSpec()))


@pytest.mark.parametrize("mode", ["full", "uni100"])
@pytest.mark.parametrize("kind", ["sasrec-ce", "bert4rec", "popularity"])
def test_chunks_give_the_ranks_of_plain_scoring(movies, monkeypatch, mode, kind):
    monkeypatch.setattr(catalogue_ranker, "CHUNK_SCORES", 7 * len(movies.items))
    parts = split(movies, SplitSpec())
    ranker = PopularityRanker(movies, parts) if kind == "popularity" else untrained(movies, kind)
    candidates = candidates_for(movies, parts, CandidateSpec(mode=mode, users=33))
    ranking = ranker.rank(candidates, keep=20)
    histories = [candidates.history(row) for row in range(33)]
    scored = ranker.scores(histories, candidates.items)
    plain = rank_table(scored)
    if kind == "popularity":
        pd.testing.assert_frame_equal(ranking.metrics, plain, check_dtype=False)
    np.testing.assert_allclose(ranking.metrics["rank"], plain["rank"], atol=1)  # a last bit may swap near-ties
    for row, table in ranking.candidates.groupby("row"):
        scores, items = scored[row], candidates.items(row)
        best = np.sort(scores)[::-1]
        assert 20 <= len(table) <= 21 and table.target.sum() == 1
        np.testing.assert_allclose(table.score.iloc[:20], best[:20], atol=1e-5)
        assert set(table.item) <= set(items)
        exact = pd.Series(scores, index=items).rank(ascending=False, method="average")
        np.testing.assert_allclose(table["rank"], exact[table.item], atol=1)


def test_items_without_training_events_rank_last_and_change_no_history(successors):
    ranker = untrained(successors)
    ranker.scorable[7] = False
    history = np.array([1, 7, 2])
    scores = ranker.scores([history, np.array([1, 2]), np.array([7])], lambda _: np.arange(24))
    assert np.isneginf(scores[0][7]) and np.isfinite(np.delete(scores[0], 7)).all()
    np.testing.assert_allclose(np.delete(scores[0], 7), np.delete(scores[1], 7), atol=1e-6)
    assert len(set(np.delete(scores[2], 7))) == 1, "nothing is known of this user"
    best, _, note = ranker.top(history, 30)
    assert set(best) == set(range(24)) - {1, 2, 7} and "23 items that this model knows" in note


def test_a_model_of_ids_refuses_other_data(successors, tmp_path):
    (tmp_path / "model").mkdir()
    untrained(successors).save(tmp_path / "model")
    other = replace(successors, digest="0" * 16, name="elsewhere")
    with pytest.raises(ModelError, match="trained on another dataset than 'elsewhere'"):
        SequenceRanker.load(MODELS["sasrec-ce"], tmp_path / "model", other, split(successors, SplitSpec()))
    for file in ("model.safetensors", "model.json"):
        (tmp_path / "model" / file).write_text("{")
        with pytest.raises(ModelError, match="cannot be read"):
            SequenceRanker.load(MODELS["sasrec-ce"], tmp_path / "model", successors, split(successors, SplitSpec()))


@pytest.mark.parametrize("model", ["sasrec-bce", "bert4rec"])
def test_a_cancelled_training_goes_on_exactly(successors, tmp_path, model):
    spec = SMALL.model_copy(update={"epochs": 6})
    parts = split(successors, SplitSpec())
    curves, weights = {}, {}

    def stop(done, total, what):
        if done >= 20:
            raise Cancelled

    for way in ("whole", "cut"):
        ranker = SequenceRanker(MODELS[model], spec, successors, parts)
        keep = lambda curve, way=way: curves.__setitem__(way, curve)  # noqa: E731
        if way == "cut":
            with pytest.raises(Cancelled):
                ranker.fit(tmp_path / way, stop, curve=keep)
            assert curves[way].step.max() < 48
            ranker = SequenceRanker(MODELS[model], spec, successors, parts)
        ranker.fit(tmp_path / way, lambda *_: None, curve=keep)
        weights[way] = ranker.network.state_dict()
    pd.testing.assert_frame_equal(curves["whole"], curves["cut"])
    for name, value in weights["whole"].items():
        assert torch.equal(value, weights["cut"][name]), name
