"""The way of a dataset into the store: recognise, read, prepare, save."""

import time
from pathlib import Path

from upsr_core.datasets import atomic
from upsr_core.datasets.events import read_events
from upsr_core.datasets.files import sha256
from upsr_core.datasets.items import read_items
from upsr_core.datasets.preparation import prepare
from upsr_core.datasets.sniff import Guess, guess
from upsr_core.datasets.spec import ColumnMapping, DatasetSpec, PreparationSpec, SourceSpec
from upsr_core.datasets.store import Dataset, check_name, save_dataset
from upsr_core.errors import DataError
from upsr_core.logs import note, telling
from upsr_core.runtime import Progress


@telling("import of {}")
def import_dataset(
    name: str,
    items_path: Path | str,
    events_path: Path | str,
    *,
    item_mapping: ColumnMapping | None = None,
    event_mapping: ColumnMapping | None = None,
    kind: str | None = None,
    preparation: PreparationSpec | None = None,
    synthetic: bool = False,
    progress: Progress | None = None,
) -> Dataset:
    """Import an item file and an event file and store them as a dataset.

    A mapping replaces the guessed one as a whole (`guess(path).mapping.changed(...)` corrects a part of it); `kind`
    replaces the recognised kind of both files; `preparation` is the 5-core unless given. One file may be both: a log
    that carries the titles, say.

    Raises DataError when a file cannot be read or used, nothing is left, or it cannot be stored; what was stored
    under this name stays as it was.
    """
    check_name(name)
    started = time.monotonic()
    preparation = preparation or PreparationSpec()
    if item_mapping is None and event_mapping is None:
        _check_not_swapped(guess(items_path, kind), guess(events_path, kind))
    items, events = guess(items_path, kind, "items"), guess(events_path, kind, "events")
    item_mapping, event_mapping = _item_mapping(items, item_mapping), _event_mapping(events, event_mapping)
    spec = DatasetSpec(
        items=_source(items, item_mapping), events=_source(events, event_mapping), preparation=preparation
    )
    raw_events = read_events(events, event_mapping, progress)
    raw_items = read_items(items, item_mapping, progress)
    prepared = prepare(raw_items, raw_events, preparation)
    prepared.report["seconds"] = round(time.monotonic() - started, 2)
    sources = {"items": items.path.name, "events": events.path.name}
    dataset = save_dataset(name, prepared, spec, sources=sources, synthetic=synthetic)
    size = f"{len(dataset.users)} users, {len(dataset.items)} items, {len(dataset.sequence)} interactions"
    note(f"dataset {name}: stored, {size}, digest {dataset.digest}")
    return dataset


def _check_not_swapped(items: Guess, events: Guess) -> None:
    if items.role == "events" and events.role == "items":
        raise DataError(
            "The item file and the event file are swapped",
            f"{items.path.name} holds events, {events.path.name} holds items",
            "Exchange the two files (--items, --events).",
        )


def _item_mapping(items: Guess, mapping: ColumnMapping | None) -> ColumnMapping:
    mapping = mapping or items.mapping
    if not mapping.item_id:
        raise _unmapped("item_id", items, "--map-item")
    if not mapping.attributes:
        raise _unmapped("an attribute such as title", items, "--map-item")
    return mapping


def _event_mapping(events: Guess, mapping: ColumnMapping | None) -> ColumnMapping:
    mapping = mapping or events.mapping
    for field in ("user_id", "item_id"):
        if not getattr(mapping, field):
            raise _unmapped(field, events, "--map-event")
    return mapping


def _unmapped(field: str, source: Guess, option: str) -> DataError:
    name = field if field.endswith("_id") else "title"
    return DataError(
        f"No column was recognised as {field}",
        str(source.path),
        f"The columns are: {', '.join(source.columns)}. Say which it is ({option} {name}=COLUMN).",
    )


def _source(source: Guess, mapping: ColumnMapping) -> SourceSpec:
    files = [source.path]
    if atomic.is_sequence_file(source.layout) and (index := atomic.index_file(source.path)):
        files.append(index)
    return SourceSpec(kind=source.kind, mapping=mapping, sha256=tuple(sha256(file) for file in files))
