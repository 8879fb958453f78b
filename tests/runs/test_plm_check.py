import gzip
import json
from types import SimpleNamespace

import numpy as np
import pytest

from upsr_core.errors import DataError
from upsr_core.likelihood.reference import reference_log_likelihood
from upsr_core.likelihood.text_perplexity import mean_log_probs
from upsr_core.plm.loading import load_model, load_tokenizer
from upsr_core.runs.plm_check import (
    DRAWS,
    FURTHER,
    ORDERED,
    PLOTS,
    TITLES,
    WITH_YEAR,
    ZERO_SHOT,
    _dataset,
    _order,
    _zero_shot,
    check,
)


@pytest.fixture
def folder(movies, tmp_path):
    """A few users and all items of the sample in the layout of the shared datasets, under their names."""
    rows = movies.items[["item_id", "title", "category", "brand", "description"]].to_dict("records")
    events = [
        f"{movies.users[user]}\t{movies.items.item_id[item]}\t{place}"
        for user in range(40)
        for place, item in enumerate(movies.history(user))
    ]
    for name in {PLOTS, TITLES, *ORDERED, *ZERO_SHOT, FURTHER[0]}:
        (tmp_path / name).mkdir()
        with gzip.open(tmp_path / name / "items.jsonl.gz", "wt") as file:
            file.writelines(json.dumps(row) + "\n" for row in rows)
        with gzip.open(tmp_path / name / "interactions.tsv.gz", "wt") as file:
            file.write("\n".join(["user_id\titem_id\ttimestamp", *events]) + "\n")
    return tmp_path


def test_the_report_is_measured_on_the_data(folder):
    seen = []
    report = check("embedded", folder, 20, lambda done, total, what: seen.append(done / total))
    assert seen == sorted(seen) and seen[-1] == 1
    assert report["plot_over_shuffled"] > 0.8, "word order of English sentences"
    assert 0 < report["title_over_shuffled"] < 1 and report["titles"] > 100
    for name in ORDERED:
        values = report["order_of_perplexity"][name]
        rising = values["description"] < values["title"] < values["brand"] < values["random words"]
        assert values["ordered"] == rising and values["description"] < values["random words"]
    assert report["texts_per_second"] > 10
    assert list(report["zero_shot"]) == [*ZERO_SHOT, FURTHER[0]], "one that is there and was not needed"
    for name in report["zero_shot"]:
        for values in report["zero_shot"][name].values():
            for gap in ("random", "popularity", "user_dependence"):
                found = values[gap]
                assert found["why"] if found["low"] is None else found["low"] <= found["mean"] <= found["high"]
                assert found["users"] == 20
    again = _zero_shot(load_model("embedded"), load_tokenizer("embedded"), _dataset(folder, ZERO_SHOT[0]), 20, 0)
    assert again == report["zero_shot"][ZERO_SHOT[0]]


def test_a_year_at_the_end_of_titles_does_not_count(movies):
    dated = movies.items.assign(title=[f"{title} (19{n % 90 + 10})" for n, title in enumerate(movies.items.title)])
    costs = {"description": 1.0, "title": 2.0, "brand": 3.0, "random words": 4.0, WITH_YEAR: 0.5}
    scored = iter(costs.values())
    texts = []

    def score(part):
        texts.append(part)
        return np.full(len(part), -np.log(next(scored)))

    values = _order(score, SimpleNamespace(items=dated), 0)
    assert values == pytest.approx({**costs, "ordered": True})
    assert len(texts[3]) == DRAWS * len(texts[1]), "one draw of random words is luck"
    assert not any("(19" in text for text in texts[1]) and all("(19" in text for text in texts[4])


def test_a_missing_dataset_is_named(tmp_path):
    with pytest.raises(DataError, match=PLOTS):
        check("embedded", tmp_path, 20, lambda *_: None)


def test_texts_by_themselves_equal_the_reference():
    model, tokenizer = load_model("embedded"), load_tokenizer("embedded")
    texts = ["The old man went to the river.", "river the old to man went The.", "x", "The old man"]
    mask = np.array([tokenizer.sentinels[0], tokenizer.end])
    expected = [
        reference_log_likelihood(model, mask, tokenizer.sentinels[0], np.array(ids)) / len(ids)
        for ids in map(tokenizer.encode, texts)
    ]
    found = mean_log_probs(model, tokenizer, texts)
    np.testing.assert_allclose(found, expected, atol=1e-5)
    assert found[0] > found[1]
    with pytest.raises(ValueError, match="text 1 has no tokens"):
        mean_log_probs(model, tokenizer, ["a", ""])
