"""A pre-training that would see what the run is judged by is refused, whatever the data are called."""

from pathlib import Path

import pandas as pd
import pytest

from upsr_core.datasets.importing import import_dataset
from upsr_core.datasets.sample import sample_files
from upsr_core.datasets.spec import PreparationSpec
from upsr_core.errors import RunError
from upsr_core.runs.run import create_run
from upsr_core.runs.spec import plan_run
from upsr_core.text.design import parse_design

TITLE = parse_design("title")


def pretrained_on(source: str, ranked: str):
    return create_run(plan_run(ranked, TITLE, budget="smoke", pretrain_on=(source,)))


def imported(name: str, change, folder: Path, **preparation):
    """The sample with its log changed."""
    items, events = sample_files("movies")
    columns = {"reviewerID": "user_id", "asin": "item_id", "unixReviewTime": "timestamp"}
    log = pd.read_json(events, lines=True, dtype=False)[list(columns)].rename(columns=columns)
    change(log).to_csv(folder / f"{name}.csv", index=False)
    return import_dataset(name, items, folder / f"{name}.csv", preparation=PreparationSpec(**preparation))


@pytest.fixture
def fewer(movies, tmp_path):
    """The sample without its rarer items: histories end earlier, at events that the whole sample trains on."""
    made = imported("fewer", lambda log: log, tmp_path, min_user=5, min_item=9)
    assert made.n_items < movies.n_items
    return made


def test_one_log_prepared_twice_is_refused_and_counted(fewer):
    with pytest.raises(RunError, match="'sample:movies' holds events that 'fewer' is judged by") as found:
        pretrained_on("sample:movies", "fewer")
    assert "of its 1,594 held-out events, the same user, item and time," in found.value.where
    assert pretrained_on("fewer", "sample:movies"), "what ends earlier holds nothing of what is held out later"


def test_the_ranked_dataset_itself_and_other_events_may_be_learned_from(fewer, tmp_path):
    assert pretrained_on("fewer", "fewer")
    later = imported("later", lambda log: log.assign(timestamp=log.timestamp + 1), tmp_path)
    assert pretrained_on(later.name, "fewer")


def test_without_times_user_and_item_decide(fewer, tmp_path):
    untimed = imported("untimed", lambda log: log.drop(columns="timestamp"), tmp_path)
    with pytest.raises(RunError, match="is judged by") as found:
        pretrained_on(untimed.name, "fewer")
    assert "the same user and item," in found.value.where
