"""What the user has chosen - dataset, language model, design, run: kept over pages and written into the address."""

import json

import streamlit as st
from pydantic import ValidationError

from app import cache
from app.allowed_paths import allowed_model
from app.components import plain
from upsr_core.datasets.store import Dataset
from upsr_core.errors import DesignError, UpsrError
from upsr_core.plm import loading
from upsr_core.runs.run import Run
from upsr_core.text.design import Design
from upsr_core.text.tokenizer import TextTokenizer

FIRST_DATASET = "sample:movies"


def keep(name: str, value: str | None) -> None:
    """Write a choice into the address, so that the link opens the same view; None takes it out."""
    if value is None:
        st.query_params.pop(name, None)
    elif st.query_params.get(name) != value:
        st.query_params[name] = value


def choose(label: str, name: str, options: list[str], first: str | None = None, **options_of_box) -> str:
    """A select box whose value stays over page changes and stands in the address under `name`; empty where there is
    nothing to choose."""
    key = f"{name}_choice"
    wanted, current = st.query_params.get(name), st.session_state.get(key)
    if current is None and wanted:
        current = wanted
        if wanted not in options and not options_of_box.get("accept_new_options"):
            not_here(label, [wanted])
    if current not in options and not (current and options_of_box.get("accept_new_options")):
        current = first if first in options else (options[0] if options else None)
    st.session_state[key] = current
    value = st.selectbox(label, options, key=key, persist_state="session", **options_of_box)
    keep(name, value)
    return value or ""


def not_here(what: str, values: list[str]) -> None:
    """Say that a link asks for what is not here, so that nobody takes what is shown for it."""
    some = ", ".join(plain(value if len(value) < 80 else f"{value[:79]}…") for value in values[:5])
    st.warning(f"{plain(what)}: this link asks for {some}, which is not here. Shown is another choice.")


def asked(what: str, name: str, options, default: str) -> str:
    """What the address asks for under `name`, else the default; a value that is no option is named."""
    wanted = st.query_params.get(name)
    if wanted is None or wanted in options:
        return wanted or default
    not_here(what, [wanted])
    return default


def asked_all(what: str, name: str, options) -> list[str]:
    """All that the address asks for under `name` and that is an option; the others are named."""
    wanted = st.query_params.get_all(name)
    if missing := [value for value in wanted if value not in options]:
        not_here(what, missing)
    return [value for value in wanted if value in options]


def choose_dataset(label: str = "Dataset") -> Dataset:
    entries = {entry["name"]: entry for entry in cache.datasets() if not entry["problem"]}
    name = choose(
        label,
        "dataset",
        list(entries),
        FIRST_DATASET,
        format_func=lambda name: f"{name}  ·  {entries[name]['users']:,} users, {entries[name]['items']:,} items",
    )
    return cache.dataset(name)


def take_dataset(name: str) -> None:
    """Make a dataset the chosen one before its select box is drawn next."""
    st.session_state["dataset_choice"] = name


def of_dataset_first(runs: list[Run]) -> list[Run]:
    """Those of the chosen dataset before the others, else as they came."""
    name = st.session_state.get("dataset_choice", st.query_params.get("dataset"))
    return sorted(runs, key=lambda run: run.spec.dataset.name != name)


def choose_plm(label: str = "Language model") -> str:
    """Name of a language model: one of those at hand, or a folder or hub id typed in."""
    titles = {info.name: info.title for info in loading.available()}
    name = choose(
        label,
        "plm",
        list(titles),
        "embedded",
        format_func=lambda name: titles.get(name, name),
        accept_new_options=True,
        help="Choose one, or type the folder of a T5, T5 v1.1 or FLAN-T5 model.",
    )
    return allowed_model(name)


def choose_tokenizer() -> TextTokenizer:
    return loading.load_tokenizer(choose_plm("Tokenizer of"))


def design() -> Design:
    """The design that is being worked on: this session's, else the address's, else the paper's as far as the dataset
    has its attributes."""
    if "design" not in st.session_state:
        written = st.query_params.get("design")
        st.session_state.design = Design() if written is None else _design_of_address(written)
        st.session_state.design_untouched = written is None
    if st.session_state.get("design_untouched"):
        st.session_state.design = _first_design()
    _write(st.session_state.design)
    return st.session_state.design


def set_design(new: Design) -> None:
    """Make a design the one that is being worked on, whatever the dataset has."""
    st.session_state.design, st.session_state.design_untouched = new, False
    _write(new)


def _first_design() -> Design:
    """The paper's design, cut to what the chosen dataset has."""
    name = st.session_state.get("dataset_choice")
    try:
        there = cache.dataset(name).attributes if name else ()
    except UpsrError:
        there = ()
    return Design().only(there) if there else Design()


def _write(new: Design) -> None:
    written = new.model_dump(mode="json", exclude_defaults=True)
    keep("design", json.dumps(written, separators=(",", ":")) if written else None)


def _design_of_address(written: str) -> Design:
    try:
        return Design.model_validate_json(written)
    except (ValidationError, DesignError, RecursionError) as error:
        reason = error.errors()[0]["msg"] if isinstance(error, ValidationError) else str(error)
        st.warning(f"The design in this link cannot be read ({plain(reason)}); this is the paper's design instead.")
        return Design()
