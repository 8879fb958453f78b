"""The way of a dataset into the store: recognise, read, prepare, save."""

import time
from collections.abc import Callable
from pathlib import Path

from upsr_core.datasets import recbole
from upsr_core.datasets.event_file import read_events
from upsr_core.datasets.folders import check_name, new_folder
from upsr_core.datasets.import_cost import Cost, cost_of
from upsr_core.datasets.import_scratch import scratch_in
from upsr_core.datasets.item_file import read_items
from upsr_core.datasets.preparation import prepare
from upsr_core.datasets.recognition import Guess, attribute_name, guess
from upsr_core.datasets.source_sums import Checks
from upsr_core.datasets.spec import ColumnMapping, DatasetSpec, PreparationSpec, SourceSpec
from upsr_core.datasets.store import Dataset, save_dataset
from upsr_core.errors import DataError
from upsr_core.logs import logs_as, note
from upsr_core.runtime import Progress
from upsr_core.schema import ATTRIBUTE_NAME


@logs_as("import of {}")
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
    memory: int | None = None,
    on_cost: Callable[[Cost], object] | None = None,
    progress: Progress | None = None,
) -> Dataset:
    """Import an item file and an event file and store them as a dataset.

    Parameters
    ----------
    name
        Under which it is stored; a dataset of this name is replaced once everything is written.
    items_path, events_path
        A row per item, and a row per event, in any form that `guess` recognises. One file may be both: a log that
        carries the titles, say.
    item_mapping, event_mapping
        Which column is what, instead of what was guessed (`guess(path).mapping.changed(...)` corrects a part of it).
    kind
        The kind of both files, one of KINDS, instead of what was recognised.
    preparation
        Thresholds of the k-core; 5 events of every user and item unless given.
    synthetic
        Whether the data are invented; said wherever the dataset is shown.
    memory
        Bytes that the import may use, about half of what is free unless given: larger files are worked on from the
        disk.
    on_cost
        Called before a long import with what it will take.
    progress
        Called with (done, total, what); what it raises stops the import.

    Returns
    -------
    Dataset
        As `load_dataset` gives it.

    Raises
    ------
    DataError
        A file cannot be read or used, nothing is left, or it cannot be stored. What was stored under this name stays
        as it was.
    """
    check_name(name)
    started = time.monotonic()
    preparation = preparation or PreparationSpec()
    if item_mapping is None and event_mapping is None:
        _check_not_swapped(guess(items_path, kind), guess(events_path, kind))
    items, events = guess(items_path, kind, "items"), guess(events_path, kind, "events")
    if item_mapping is None and items.path == events.path:
        item_mapping = without_behaviour(items.mapping, event_mapping or events.mapping)
    item_mapping, event_mapping = _item_mapping(items, item_mapping), _event_mapping(events, event_mapping)
    files = _files(events) + _files(items)
    with new_folder(name) as folder, scratch_in(folder, memory, progress) as scratch, Checks(files) as checks:
        scratch.progress = checks.watched(progress)
        cost = cost_of(scratch, items, item_mapping, events, event_mapping)
        if cost and on_cost:
            on_cost(cost)
        raw_events = read_events(scratch, events, event_mapping, lambda: checks.whole(events.path))
        raw_items = read_items(scratch, items, item_mapping, lambda: checks.whole(items.path))
        prepared = prepare(scratch, raw_items, raw_events, preparation)
        spec = DatasetSpec(
            items=_source(items, item_mapping, checks),
            events=_source(events, event_mapping, checks),
            preparation=preparation,
        )
        prepared.report["seconds"] = round(time.monotonic() - started, 2)
        sources = {"items": items.path.name, "events": events.path.name}
        dataset = save_dataset(name, prepared, spec, folder, sources=sources, synthetic=synthetic, progress=progress)
    size = f"{len(dataset.users)} users, {dataset.n_items} items, {len(dataset.sequence)} interactions"
    note(f"dataset {name}: stored, {size}, digest {dataset.digest}")
    return dataset


def _check_not_swapped(items: Guess, events: Guess) -> None:
    if items.role == "events" and events.role == "items":
        raise DataError(
            "The item file and the event file are swapped",
            f"{items.path.name} holds events, {events.path.name} holds items",
            "Exchange the two files (--items, --events).",
        )


def without_behaviour(items: ColumnMapping, events: ColumnMapping) -> ColumnMapping:
    """The mapping of items of a file that is the log too: who bought them and when says nothing about them."""
    behaviour = (events.user_id, events.timestamp)
    return items.changed([(name, "") for name, column in items.attributes if column in behaviour])


def _item_mapping(items: Guess, mapping: ColumnMapping | None) -> ColumnMapping:
    mapping = mapping or items.mapping
    if not mapping.item_id:
        raise _unmapped("item_id", items, "--map-item")
    if not mapping.attributes:
        raise _unmapped("an attribute such as title", items, "--map-item")
    for name in mapping.names:
        if not ATTRIBUTE_NAME.fullmatch(name):
            raise DataError(
                f"No design could name an attribute {name!r}",
                str(items.path),
                f"Use letters, digits and '_', such as {attribute_name(name) or 'title'}={mapping.sources(name)[0]}.",
            )
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


def _files(source: Guess) -> list[Path]:
    if not recbole.is_sequence_file(source.layout):
        return [source.path]
    index = recbole.index_file(source.path)
    return [source.path, *recbole.held_out_files(source.path), *([index] if index else [])]


def _source(source: Guess, mapping: ColumnMapping, checks: Checks) -> SourceSpec:
    sums = tuple(checks.sha256(file) for file in _files(source))
    return SourceSpec(kind=source.kind, mapping=mapping, sha256=sums)
