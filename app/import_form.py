"""Import of a dataset: files by path or upload, the guessed mapping shown and correctable, thresholds, progress."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import streamlit as st

from app import cache
from app.allowed_paths import allowed
from app.components import empty_state, errors_shown, plain, section
from upsr_core.datasets.importing import import_dataset, without_behaviour
from upsr_core.datasets.recognition import Guess, attribute_name, guess
from upsr_core.datasets.spec import ColumnMapping, PreparationSpec, Role
from upsr_core.datasets.store import list_datasets
from upsr_core.errors import DataError
from upsr_core.schema import ATTRIBUTES, ITEM, TIME, USER

ROLES: dict[Role, str] = {"items": "Item file", "events": "Event file"}
HELP = {
    "items": "One row per item: an id and its texts. Amazon metadata, .item, CSV, TSV, JSON lines or Parquet, gz too.",
    "events": "One row per interaction: user, item and, where known, time. Amazon reviews, .inter, or any such table.",
}
ROW_ORDER = "none: the order of the rows"
UNKNOWN = "not recognised: choose"
PRESETS = (
    ("5-core", PreparationSpec(), "Users and items with 5 or more events: how published datasets are prepared."),
    ("New domain", PreparationSpec.new_domain(), "Users with 4 or more events, and every item that somebody took."),
)


def import_form() -> str | None:
    """Draw the form; the name of a dataset that was imported just now."""
    way = st.segmented_control(
        "Files", ["Path", "Upload"], default="Path", required=True, key="import_way", persist_state="session"
    )
    found: dict[str, Guess] = {}
    for column, role in zip(st.columns(2, gap="large"), ROLES, strict=True):
        with column, errors_shown():
            path = _path(role) if way == "Path" else _upload(role)
            if path is not None:
                found[role] = _recognised(path, role)
    if len(found) < len(ROLES):
        empty_state("Give both files: what is in them is recognised and shown before anything is stored.")
        return None
    columns = dict(zip(ROLES, st.columns(2, gap="large"), strict=True))
    mappings = {}
    for role, column in columns.items():
        with column:
            section(f"{ROLES[role]}: {plain(found[role].path.name)}", f"Recognised as {found[role].kind}.")
            if found[role].note:
                st.warning(f"Among the first rows: {plain(found[role].note)} Look at the texts below.")
    with columns["events"]:
        events = mappings["events"] = _event_mapping(found["events"])
        _preview(found["events"])
    with columns["items"]:
        guessed = found["items"]
        if guessed.path == found["events"].path:
            guessed = replace(guessed, mapping=without_behaviour(guessed.mapping, events))
        mappings["items"] = _item_mapping(guessed)
        _preview(guessed)
    return _start(found, mappings)


def _path(role: Role) -> Path | None:
    text = st.text_input(
        ROLES[role], key=f"path_{role}", placeholder="/folder/file.jsonl.gz", help=HELP[role], persist_state="session"
    )
    return allowed(_expanded(text.strip())) if text.strip() else None


def _expanded(text: str) -> Path:
    try:
        return Path(text).expanduser()
    except RuntimeError as error:  # ~ of somebody who is not here
        raise DataError("The home folder of this path is not known", text, "Write the path from its root.") from error


def _upload(role: Role) -> Path | None:
    upload = st.file_uploader(ROLES[role], key=f"upload_{role}", help=HELP[role])
    return cache.uploaded_path(upload) if upload else None


def _recognised(path: Path, role: Role) -> Guess:
    try:
        changed = path.stat().st_mtime_ns
    except (OSError, ValueError):  # what is wrong with it is said below
        changed = 0
    other = _guess(str(path), changed, None).role
    if other not in (role, "unknown"):
        st.warning(f"This looks like the {ROLES[other].lower()}. Are the two exchanged?")
    return _guess(str(path), changed, role)


@st.cache_resource(max_entries=16, show_spinner="Looking into the file…")
def _guess(path: str, changed: int, role: Role | None) -> Guess:
    return guess(path, role=role)


def _column(label: str, guessed: Guess, value: str | None, absent: str) -> str | None:
    options = [absent, *guessed.columns]
    index = options.index(value) if value in options else 0
    chosen = st.selectbox(label, options, index=index, key=f"{guessed.role}_{guessed.path}_{label}")
    return None if chosen == absent else chosen


def _event_mapping(guessed: Guess) -> ColumnMapping:
    mapping = ColumnMapping(
        user_id=_column("User", guessed, guessed.mapping.user_id, UNKNOWN),
        item_id=_column("Item", guessed, guessed.mapping.item_id, UNKNOWN),
        timestamp=_column("Time", guessed, guessed.mapping.timestamp, ROW_ORDER),
    )
    if mapping.timestamp is None:
        st.caption("Without a time the order of the rows says which item of a user is the last, the one to predict.")
    return mapping


def _item_mapping(guessed: Guess) -> ColumnMapping:
    item_id = _column("Item id", guessed, guessed.mapping.item_id, UNKNOWN)
    by_column = {column: name for name, column in guessed.mapping.attributes}
    table = pd.DataFrame(
        {
            "column": list(guessed.columns),
            "attribute": [by_column.get(column) for column in guessed.columns],
            "example": [_example(guessed, column) for column in guessed.columns],
        }
    )
    own = [attribute_name(column) for column in guessed.columns]
    names = [name for name in dict.fromkeys([*ATTRIBUTES, *own]) if name and name not in (USER, ITEM, TIME)]
    edited = st.data_editor(
        table[table.column != item_id],
        key=f"attributes_{guessed.path}",
        hide_index=True,
        disabled=["column", "example"],
        column_config={
            "column": st.column_config.TextColumn("Column of the file"),
            "attribute": st.column_config.SelectboxColumn("Attribute", options=names, help="Empty: not taken."),
            "example": st.column_config.TextColumn("First value", width="medium"),
        },
    )
    st.caption("Double-click a cell under *Attribute* to change what the column is; empty it to leave the column out.")
    taken = edited[edited.attribute.notna() & (edited.attribute != "")]
    # Columns of one attribute keep the order of the guess: bought comes before viewed.
    order = {column: place for place, (_, column) in enumerate(guessed.mapping.attributes)}
    pairs = sorted(zip(taken.attribute, taken.column, strict=True), key=lambda pair: order.get(pair[1], len(order)))
    return ColumnMapping(item_id=item_id, attributes=tuple(pairs))


def _example(guessed: Guess, column: str) -> str:
    return next((_short(row[column]) for row in guessed.preview if row.get(column) not in (None, "", [])), "")


def _short(value: Any) -> str:
    text = str(value)
    return text if len(text) <= 120 else text[:119] + "…"


def _preview(guessed: Guess) -> None:
    rows = [{name: _short("" if value is None else value) for name, value in row.items()} for row in guessed.preview]
    st.dataframe(pd.DataFrame(rows), hide_index=True, height=220)


def _start(found: dict[str, Guess], mappings: dict[str, ColumnMapping]) -> str | None:
    with st.container(horizontal=True, vertical_alignment="bottom"):
        name = st.text_input(
            "Name of the dataset", key="import_name", placeholder="such as beauty", width=240, persist_state="session"
        ).strip()
        # Under a key of its own: a widget that is not drawn for a moment, as when a file is replaced, loses its value.
        least = st.session_state.setdefault("thresholds", PreparationSpec())
        st.session_state["min_user"], st.session_state["min_item"] = least.min_user, least.min_item
        box: dict[str, Any] = {"min_value": 1, "max_value": 1000, "width": 150, "on_change": _typed}
        st.number_input("Events per user, at least", key="min_user", **box)
        st.number_input("Events per item, at least", key="min_item", **box)
        for title, preset, use in PRESETS:
            st.button(title, on_click=_thresholds, args=(preset,), help=use)
        lacking = _lacking(name, mappings)
        pressed = st.button("Import", type="primary", key="import_start", disabled=bool(lacking))
    if lacking:
        st.caption(f"To import, {' and '.join(lacking)}.")
    if name in {entry["name"] for entry in list_datasets()}:
        st.warning(f"There is a dataset named {plain(name)}; it is replaced once the import has succeeded.")
    if not pressed:
        return None
    bar = st.progress(0.0, text="Reading")
    try:
        with errors_shown():
            import_dataset(
                name,
                found["items"].path,
                found["events"].path,
                item_mapping=mappings["items"],
                event_mapping=mappings["events"],
                preparation=st.session_state.thresholds,
                on_cost=lambda cost: st.caption(plain(str(cost))),
                progress=lambda done, total, what: bar.progress(min(1.0, done / max(total, 1)), text=plain(what)),
            )
            return name
    finally:
        bar.empty()
    return None


def _lacking(name: str, mappings: dict[str, ColumnMapping]) -> list[str]:
    """What is still to be done before the import can begin."""
    items, events = mappings["items"], mappings["events"]
    unknown = {"Item id": items.item_id, "User": events.user_id, "Item": events.item_id}
    todo = [f"choose the column of {', '.join(label for label, column in unknown.items() if not column)}"]
    return (
        todo * (not all(unknown.values()))
        + ["give at least one column an attribute, such as title"] * (not items.attributes)
        + ["give the dataset a name"] * (not name)
    )


def _thresholds(preset: PreparationSpec) -> None:
    st.session_state["thresholds"] = preset


def _typed() -> None:
    _thresholds(PreparationSpec(min_user=st.session_state["min_user"], min_item=st.session_state["min_item"]))
