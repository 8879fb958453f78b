import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scored_texts import TITLES, scorer_and_builder, small_t5, titles_of_any_kind

from upsr_core.likelihood import topk
from upsr_core.likelihood.t5_layers import T5Layers
from upsr_core.likelihood.topk import CandidateSearch

MODELS = [small_t5(), small_t5(sharp=40.0), small_t5(gated=True, sharp=0.3)]


def means(scorer, builder, sequence, items):
    return scorer.log_likelihoods([sequence], lambda _: items)[0] / np.diff(builder.texts.offsets)[items]


@settings(max_examples=40, deadline=None)
@given(
    titles=titles_of_any_kind, model=st.sampled_from(MODELS), patience=st.sampled_from([0.0, 0.3, 2.0]), data=st.data()
)
def test_top_and_rank_are_those_of_scoring_everything(titles, model, patience, data):
    item = st.integers(0, len(titles) - 1)
    scorer, builder = scorer_and_builder(titles, model)
    items = np.array(sorted(set(data.draw(st.lists(item, min_size=1)))))
    sequence = builder.ranking(data.draw(st.lists(item, max_size=4))).ids
    without = data.draw(st.lists(item, max_size=2))
    scores = means(scorer, builder, sequence, items)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(topk, "PATIENCE", patience)
        patch.setattr(topk, "PIECE", 2)
        patch.setattr(topk, "PIECES", 2)
        searched = CandidateSearch(scorer, items)
        best, found, cost = searched.top(sequence, 3, without)
        target = data.draw(st.sampled_from(items.tolist()))
        better, tied, _ = searched.rank(sequence, target)
    allowed = ~np.isin(items, without)
    rounding = 1e-5 + 1e-6 * np.abs(scores).max()
    expected = np.sort(scores[allowed])[::-1][:3]
    np.testing.assert_allclose(found, expected, atol=rounding)
    np.testing.assert_allclose(found, scores[np.searchsorted(items, best)], atol=rounding)
    assert not np.isin(best, without).any() and len(set(best.tolist())) == len(best)
    assert cost.rows <= cost.of
    mine = scores[np.searchsorted(items, target)]
    assert (scores > mine + rounding).sum() <= better <= (scores > mine - rounding).sum()
    same = [builder.texts.ids_of(i).tobytes() for i in items].count(builder.texts.ids_of(target).tobytes())
    assert tied == same - 1


def test_a_good_bound_spares_most_prefixes(monkeypatch):
    """One text that the model finds likely, among many that share nothing with it."""
    rng = np.random.default_rng(0)
    words = ["red", "blue", "drum", "north", "flute", "harp", "stone", "river"]
    titles = ["zebra crossing", *[" ".join(rng.choice(words, size=9)) for _ in range(300)]]
    scorer, builder = scorer_and_builder(titles, MODELS[0])
    likely = torch.as_tensor(builder.texts.ids_of(0))

    def says_zebra(self, state, source, target):
        return torch.where(torch.isin(torch.as_tensor(target), likely), -0.1, -5.0)

    monkeypatch.setattr(T5Layers, "token_log_probs", says_zebra)
    monkeypatch.setattr(topk, "PIECES", 2)
    searched = CandidateSearch(scorer, np.arange(len(titles)))
    best, found, cost = searched.top(builder.ranking([5]).ids, 1)
    assert best.tolist() == [0] and found[0] == pytest.approx(-0.1)
    assert cost.plain == 0 and cost.rows < cost.of / 20
    better, tied, cost = searched.rank(builder.ranking([5]).ids, 0)
    assert (better, tied, cost.plain) == (0, 0, 0) and cost.rows < cost.of / 20


def test_what_is_searched_is_said():
    scorer, builder = scorer_and_builder(TITLES, MODELS[1])
    searched = CandidateSearch(scorer, np.arange(len(TITLES)))
    cost = searched.top(builder.ranking([1]).ids, 2)[2]
    assert cost.plain == 0 or f"{cost.plain:,} texts were scored plainly" in cost.note
    with pytest.raises(ValueError, match="not among the candidates"):
        CandidateSearch(scorer, np.array([1, 2])).rank(builder.ranking([1]).ids, 5)
