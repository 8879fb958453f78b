"""What is computed once and kept while the server runs; every key is a digest, so nothing can go stale."""

import re
import tempfile
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import pandas as pd
import streamlit as st

from app.run_tables import validation_references
from upsr_core.comparison.entries import Compared, load
from upsr_core.datasets.sample import DOMAINS, ensure_sample
from upsr_core.datasets.store import Dataset, list_datasets, load_dataset
from upsr_core.errors import DataError
from upsr_core.explain import model_agreement, users_to_inspect
from upsr_core.indicators.profile import Setting
from upsr_core.models.base import Ranker
from upsr_core.runs.forecast import Forecast, forecast
from upsr_core.runs.run import Run
from upsr_core.runs.spec import RunSpec
from upsr_core.runs.text_cuts import TextCuts, text_cuts
from upsr_core.runs.user_ranking import load_ranker, own_scores, ranked, top_of_catalogue
from upsr_core.runs.weight_reuse import trained_run
from upsr_core.studies.study import Study, StudySpec, plan_study
from upsr_core.studies.worker import StudyForecast, forecast_study
from upsr_core.text import catalogue_overview
from upsr_core.text.design import Design, ItemDesign
from upsr_core.text.prompt import SequenceBuilder
from upsr_core.text.render import ItemTexts
from upsr_core.text.text_cache import texts_of
from upsr_core.text.tokenizer import TextTokenizer

T = TypeVar("T")
EXPLAINED = 64  # explanations kept, each some kilobytes


def datasets() -> list[dict]:
    """What is stored; the embedded sample is imported if it is not there yet."""
    stored = list_datasets()
    names = {entry["name"] for entry in stored}
    if all(f"sample:{domain}" in names for domain in DOMAINS):
        return stored
    with st.spinner("Preparing the embedded sample (first start only)…"):
        bar = st.progress(0.0)
        ensure_sample(progress=lambda done, total, what: bar.progress(min(1.0, done / max(total, 1)), text=what))
        bar.empty()
    return list_datasets()


def dataset(name: str) -> Dataset:
    digests = {entry["name"]: entry["digest"] for entry in list_datasets()}
    if name not in digests:
        raise DataError(f"There is no dataset named {name!r}", how="It may have been deleted: choose another one.")
    return _dataset(name, digests[name])


@st.cache_resource(max_entries=12, show_spinner="Reading the dataset…")
def _dataset(name: str, digest: str) -> Dataset:
    return load_dataset(name)


def item_texts(data: Dataset, design: ItemDesign, tokens: TextTokenizer) -> ItemTexts:
    return _item_texts(data.digest, design.digest, tokens.digest, data, design, tokens)


@st.cache_resource(max_entries=24, show_spinner="Rendering all items…")
def _item_texts(data: str, look: str, tokens: str, _data: Dataset, _design: ItemDesign, _tokens: TextTokenizer):
    return texts_of(_data, _design, _tokens)


def builder(data: Dataset, design: Design, tokens: TextTokenizer) -> SequenceBuilder:
    return SequenceBuilder(design, item_texts(data, design.finetune, tokens))


def text_summary(data: Dataset, design: ItemDesign, tokens: TextTokenizer) -> dict[str, float]:
    return _text_summary(data.digest, design.digest, tokens.digest, item_texts(data, design, tokens))


@st.cache_data(max_entries=64, show_spinner=False)
def _text_summary(data: str, design: str, tokens: str, _texts: ItemTexts) -> dict[str, float]:
    return catalogue_overview.summary(_texts)


def cuts(spec: RunSpec) -> TextCuts | None:
    """What the caps leave of the texts that a run reads."""
    return _cuts(spec.digest, spec)


@st.cache_data(max_entries=256, show_spinner="Reading all item texts…")
def _cuts(digest: str, _spec: RunSpec) -> TextCuts | None:
    return text_cuts(_spec, dataset)


def references(run: Run) -> dict[str, float]:
    return _references(run.id, run)


@st.cache_data(max_entries=64, show_spinner=False)
def _references(run_id: str, _run: Run) -> dict[str, float]:
    return validation_references(_run, dataset(_run.spec.dataset.name))


def predicted(specs: list[RunSpec]) -> Forecast:
    """How long runs will take; asked again after a while, because finished runs correct it."""
    trained = [source.id if (source := trained_run(spec)) else "" for spec in specs]
    return _predicted(tuple(spec.digest for spec in specs), tuple(trained), specs)


@st.cache_data(ttl="5m", max_entries=64, show_spinner="Predicting the time…")
def _predicted(digests: tuple[str, ...], trained: tuple[str, ...], _specs: list[RunSpec]) -> Forecast:
    return forecast(*_specs)


def planned_study(data: Dataset, designs: tuple[str, ...], seeds: int, budget: str, plm: str) -> StudySpec:
    stored = tuple(entry["digest"] for entry in list_datasets())
    return _planned_study(data.name, data.digest, stored, designs, seeds, budget, plm)


@st.cache_data(max_entries=16, show_spinner=False)
def _planned_study(name: str, digest: str, stored: tuple, designs: tuple, seeds: int, budget: str, plm: str):
    return plan_study(name, list(designs), seeds, budget, plm)


def predicted_study(spec: StudySpec) -> StudyForecast:
    """How long what is left of a study will take; asked again after a while, because finished runs correct it."""
    return _predicted_study(spec.digest, spec)


@st.cache_data(ttl="5m", max_entries=16, show_spinner="Predicting the time…")
def _predicted_study(digest: str, _spec: StudySpec) -> StudyForecast:
    return forecast_study(_spec, _spec.setting(dataset))


def study_setting(study: Study) -> Setting:
    """With what the indicators of a study are read; its datasets are those that pages have read."""
    return study.spec.setting(dataset)


def ranked_candidates(run: Run, user: int, score: str) -> pd.DataFrame:
    return _ranked(run.id, run.status().finished, user, score, run)


@st.cache_data(max_entries=256, show_spinner=False)
def _ranked(run_id: str, finished: float | None, user: int, score: str, _run: Run) -> pd.DataFrame:
    return ranked(_run, user, score)


def best_of_catalogue(run: Run, user: int, k: int) -> tuple[pd.DataFrame, str]:
    return _best_of_catalogue(run.id, run.status().finished, user, k, run)


@st.cache_data(max_entries=256, show_spinner="Searching the whole catalogue…")
def _best_of_catalogue(run_id: str, finished: float | None, user: int, k: int, _run: Run) -> tuple[pd.DataFrame, str]:
    return top_of_catalogue(_run, _ranker(run_id, finished, _run), user, k)


def ranker(run: Run) -> Ranker:
    """The ranker of a run, its trained model loaded; imports torch."""
    return _ranker(run.id, run.status().finished, run)


@st.cache_resource(max_entries=3, show_spinner="Loading the trained model…")
def _ranker(run_id: str, finished: float | None, _run: Run) -> Ranker:
    return load_ranker(_run)


def compared(runs: list[Run]) -> Compared:
    """Runs on what they have in common."""
    return _compared(tuple((run.id, run.status().finished) for run in runs), runs)


@st.cache_resource(max_entries=8, show_spinner="Reading the results…")
def _compared(key: tuple, _runs: list[Run]) -> Compared:
    return load(_runs)


def comparison_part(these: Compared, part: str, metric: str, make: Callable):
    """What is computed of a comparison, by the name of the part."""
    return _part(tuple((run.id, run.status().finished) for run in these.runs), part, metric, make)


@st.cache_data(max_entries=64, show_spinner="Resampling users…")
def _part(key: tuple, part: str, metric: str, _make: Callable):
    return _make()


def users_worth_looking_at(run: Run, other: Run | None) -> pd.DataFrame:
    second = (other.id, other.status().finished) if other else None
    return _users_worth_looking_at(run.id, run.status().finished, second, run, other)


@st.cache_data(max_entries=16, show_spinner="Looking through the users…")
def _users_worth_looking_at(run_id: str, finished: float | None, second: tuple | None, _run: Run, _other: Run | None):
    return users_to_inspect.users_worth_looking_at(_run, _other)


def leanings(run: Run, lengths: Run | None) -> pd.DataFrame:
    """What a run's scores lean towards; text lengths are those of `lengths` where it has none of its own."""
    second = lengths.id if lengths else None
    return _leanings(run.id, run.status().finished, second, run, lengths)


@st.cache_data(max_entries=16, show_spinner="Looking at all users…")
def _leanings(run_id: str, finished: float | None, second: str | None, _run: Run, _lengths: Run | None):
    tokens = own_scores(_lengths).drop_duplicates("item").set_index("item").tokens if _lengths else None
    return model_agreement.leanings(own_scores(_run, whole=True), tokens)


def item_index(data: Dataset):
    """Full-text search over the items of a dataset."""
    return _item_index(data.digest, data)


@st.cache_resource(max_entries=4, show_spinner="Reading all item texts…")
def _item_index(digest: str, _data: Dataset):
    from upsr_core.explain.item_search import ItemIndex

    return ItemIndex(_data.items)


@st.cache_resource
def _explained() -> OrderedDict:
    return OrderedDict()


def once(key: tuple, work: Callable[[], T]) -> T:
    """What `work` gives, kept under a key of digests; unlike the above, it may draw its progress on the page."""
    kept = _explained()
    if key not in kept:
        kept[key] = work()
    kept.move_to_end(key)
    while len(kept) > EXPLAINED:
        kept.popitem(last=False)
    return kept[key]


@st.cache_resource
def _upload_folder() -> tempfile.TemporaryDirectory:
    return tempfile.TemporaryDirectory(prefix="upsr-upload-")


def uploaded_path(upload) -> Path:
    """An uploaded file as a file on disk, under its own name; gone when the server ends."""
    folder = Path(_upload_folder().name) / upload.file_id
    path = folder / (re.sub(r"[^\w.\- ()]", "_", Path(upload.name).name)[-120:].lstrip(".") or "upload")
    if not path.exists():
        folder.mkdir(exist_ok=True)
        path.write_bytes(upload.getbuffer())
    return path
