"""Design search: the values of each design alone, early stopping that keeps the best, a front nobody beats."""

from itertools import pairwise

import numpy as np
import pytest
from made_data import silent

from upsr_core.datasets.importing import import_dataset
from upsr_core.datasets.sample import sample_files, sample_name
from upsr_core.errors import DesignError
from upsr_core.indicators import design_search as module
from upsr_core.indicators.attribute_table import PAPER, attribute_table
from upsr_core.indicators.attribute_tokens import Catalogue
from upsr_core.indicators.attribute_use import BOTH
from upsr_core.indicators.best_designs import STAGES, clearly_better, eligible, finished, pareto_front
from upsr_core.indicators.design_search import cheap, race, search, space
from upsr_core.indicators.profile import Setting, profile
from upsr_core.runtime import Cancelled
from upsr_core.text.design import ItemDesign

FOUR = ("brand", "category", "price", "title")
SHARED = ("informativeness", "noise", "length", "naturalness", "familiarity")
CHEAP = SHARED[:3]
EVERY_USE = dict.fromkeys((*FOUR, "description"), BOTH)


def test_values_are_those_of_each_design_alone(movies, tokenizer, reader):
    made = space(Catalogue(movies, tokenizer), ("brand", "category", "title"), 40, 20, 0)
    table = eligible(cheap(Catalogue(movies, tokenizer), made).assign(familiarity=0.5), EVERY_USE)
    together = race(made, table, reader.likelihoods, False, silent)
    assert together.shape == (20, 15)
    for number, texts in enumerate(made.texts):
        alone = reader.likelihoods(texts, silent) / texts.lengths
        np.testing.assert_allclose(together[:, number], alone, atol=1e-4)


@pytest.mark.parametrize("seed", range(4))
def test_early_stopping_keeps_the_ten_best_of_each_stage_and_the_front(movies, tokenizer, seed):
    """Scores with known means stand for the model."""
    catalogue = Catalogue(movies, tokenizer)
    made = space(catalogue, FOUR, 40, 240, seed)
    rng = np.random.default_rng(seed)
    table = cheap(catalogue, made)
    table = eligible(table.assign(familiarity=rng.choice([0.45, 0.5, 0.55], len(table))), EVERY_USE)
    truth = rng.normal(-6, 0.5, len(made.designs)) + rng.normal(0, 1, (len(made.rows), 1))
    truth = truth + rng.normal(0, 0.3, truth.shape)
    lookup = {}
    for number, texts in enumerate(made.texts):
        for row in range(len(made.rows)):
            lookup.setdefault(texts.values[texts.offsets[row] : texts.offsets[row + 1]].tobytes(), truth[row, number])

    def score(texts, _):
        ends = texts.offsets
        return np.array([lookup[texts.values[a:b].tobytes()] * (b - a) for a, b in pairwise(ends)])

    whole = finished(table, race(made, table, score, False, silent))
    quick = finished(table, race(made, table, score, True, silent))
    assert quick.stopped.sum() > 10
    for stage in STAGES:
        assert quick[stage].tolist() == whole[stage].tolist()
    assert quick.design[quick.front].tolist() == whole.design[whole.front].tolist()


def test_search_is_kept_and_can_be_stopped(movies, monkeypatch):
    setting = Setting(movies)

    def stop(done, total, what):
        raise Cancelled

    with pytest.raises(Cancelled):
        search(setting, ("title", "brand"), stop, items=10)
    found = search(setting, ("title", "brand"), silent, items=10)
    monkeypatch.setattr(module, "race", None)
    again = search(setting, ("brand", "title"), silent, items=10)
    assert again.tables["designs"].equals(found.tables["designs"])
    assert set(found.tables["designs"].design) == {"title", "brand", "title,brand", "brand,title"}


def test_what_cannot_be_searched_says_so(movies, make):
    with pytest.raises(DesignError, match="No item has all"):
        search(Setting(make({"title": ["a", ""], "brand": ["", "b"]})), ("title", "brand"), silent)
    with pytest.raises(DesignError, match="7 attributes"):
        search(Setting(movies), tuple("abcdefg"), silent)
    with pytest.raises(DesignError, match="no attribute weight"):
        search(Setting(movies), ("title", "weight"), silent)


def test_nobody_beats_the_front(movies, reader):
    table = search(Setting(movies), ("title", "brand", "category"), silent, items=12, early=False).tables["designs"]
    front = pareto_front(table, {"perplexity": False, "bits": True})
    for row in table[front].itertuples():
        assert not ((table.perplexity < row.perplexity) & (table.bits >= row.bits)).any()
    assert front[table.perplexity == table.perplexity.min()].any() and front[table.bits == table.bits.max()].any()


def test_clearly_better_needs_evidence():
    rng = np.random.default_rng(0)
    items = rng.normal(size=(50, 1))
    scores = np.concatenate([items, items - 0.5 + rng.normal(0, 0.1, (50, 1)), rng.normal(0, 3, (50, 1))], axis=1)
    better = clearly_better(scores)
    assert better[0, 1] and not better[1, 0] and not better[0, 2] and not better.diagonal().any()


def test_the_users_own_table(movies, make):
    noisy = [
        "/".join(np.random.default_rng(n).permutation([f"zq{k}x" for k in range(30)])[:12])
        for n in range(len(movies.items))
    ]
    data = make({name: movies.items[name].tolist() for name in ("title", "category", "brand")} | {"related": noisy})
    made = attribute_table(Setting(data, sample=60), ("title", "category", "related", "brand"), silent)
    table = made.bands.set_index("attribute")
    assert table.defects_band["related"] == "high" and table.defects["related"] == 1
    assert table.use["related"] in ("discard", "tuning only") and "defects or conflict high" in table.reason["related"]
    assert table.paper_use["related"] == "discard" and "is unknown" in " ".join(table.reason)
    assert "paper" in "".join(table.differs) and not table.differs.str.contains("alignment").any()
    assert set(made.results) == set(table.index)


FIVE = ("title", "category", "brand", "price", "description")


def test_advice_is_that_of_the_papers_table_1_on_the_sample(movies):
    """Of the table with another domain, and of the search; perplexity alone would advise price for everything."""
    books = import_dataset(sample_name("books"), *sample_files("books"))
    setting = Setting(movies, domains=(books,), sample=40)
    table = attribute_table(setting, FIVE, silent).bands.set_index("attribute")
    assert table.use.to_dict() == {name: PAPER[name][-1] for name in FIVE}
    assert table.naturalness.idxmin() == table.familiarity.idxmin() == "price", "likely digit by digit, and not known"
    assert (
        table.familiarity_band["price"] == "low" and table.familiarity_band[["title", "description"]].eq("high").all()
    )
    found = search(setting, FIVE, silent, items=10)
    assert {name: said["use"] for name, said in found.facts["attributes"].items()} == table.use.to_dict()
    designs = found.tables["designs"]
    assert set(designs[designs.pretrain > 0].design) == {"category,title", "title,category"}
    assert designs.set_index("design").perplexity.idxmin() == "price" and "price" not in set(
        designs[designs.finetune > 0].design
    )


@pytest.mark.parametrize("cap", [6, 40])
def test_a_searched_design_has_the_numbers_of_its_indicators(movies, make, cap):
    """In every column: over all items, of which some lack an attribute; of what the model reads, on the same items."""
    columns = {name: movies.items[name].tolist()[:45] for name in ("title", "brand", "category")}
    columns["brand"] = [""] * 30 + [brand or "Ox" for brand in columns["brand"][30:]]
    columns["title"][3] = columns["title"][5]
    for data in (make(columns, [range(12)] * 4), make({name: part[30:] for name, part in columns.items()}, [range(9)])):
        setting = Setting(data, sample=0)
        table = search(setting, ("title", "brand", "category"), silent, items=45, cap=cap, early=False).tables[
            "designs"
        ]
        whole = all((data.items[name] != "").all() for name in columns)
        for row in table.to_dict("records"):
            found = profile(setting, ItemDesign.of(row["design"], cap=cap), silent, SHARED if whole else CHEAP)
            assert row["bits"] == pytest.approx(found["informativeness"].value, abs=1e-12)
            assert row["distinguishable"] == found["informativeness"].facts["distinguishable"]
            assert row["noise"] == found["noise"].value
            assert (row["length"], row["kept"]) == (found["length"].value, found["length"].facts["kept"])
            if whole:
                assert row["familiarity"] == pytest.approx(found["familiarity"].value, abs=1e-6)
                assert row["perplexity"] == pytest.approx(found["naturalness"].value, rel=1e-4)
    assert whole, "the second has all attributes of every item"
