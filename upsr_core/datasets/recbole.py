"""RecBole's atomic files with typed headers, and the sequence files of UniSRec made of them."""

from collections.abc import Iterator
from pathlib import Path

from upsr_core.datasets.file_layouts import Layout, detect, rows
from upsr_core.datasets.source_lines import SourceFile, lines
from upsr_core.errors import DataError

SEQUENCE = "item_id_list"
Sample = tuple[list[str], str, int]  # the items so far, the next one, and the line


def is_sequence_file(layout: Layout) -> bool:
    return SEQUENCE in layout.columns


def index_file(path: Path) -> Path | None:
    """UniSRec numbers the items of its sequences in DATASET.item2index, beside DATASET.train.inter."""
    beside = path.with_name(path.name.split(".")[0] + ".item2index")
    return beside if beside.is_file() else None


def held_out_files(path: Path) -> list[Path]:
    """UniSRec's NAME.train.inter has every user's events but the last two, whose rows are in these files beside it."""
    return [file for file in _held_out(path) if file.is_file()]


def _held_out(path: Path) -> list[Path]:
    name, found, end = path.name.partition(".train.")
    return [path.with_name(f"{name}.{part}.{end}") for part in ("valid", "test")] if found else []


def sequence_events(layout: Layout, user: str, item: str, source_file: SourceFile) -> Iterator[tuple[str, str]]:
    """One (user, item) per event from rows of (user, items so far, next item), each user's events in order.

    The rows of a user may stand from the shortest to the longest sequence or the other way round; the sequences
    may be cut at the old end, as UniSRec cuts at 50. Rows of the files beside a NAME.train.inter go on where its own
    end; a remark says which are not there. A row that does not continue its user's sequence is counted as unreadable.
    Raises DataError for a row that names no item.
    """
    index = index_file(source_file.path)
    items, where = (_raw_names(index), f"{source_file.path.name}, {index.name}") if index else (None, "")
    samples: dict[str, list[Sample]] = {}
    for name, so_far, target in rows(layout, (user, SEQUENCE, item), source_file):
        samples.setdefault(name, []).append((so_far.split(), target.strip(), source_file.line))
    for found in samples.values():
        if _longest_first(found):
            found.reverse()
    for file in held_out_files(source_file.path):
        beside = SourceFile(file)
        for name, so_far, target in rows(detect(file), (user, SEQUENCE, item), beside):
            samples.setdefault(name, []).append((so_far.split(), target.strip(), beside.line))
        if beside.unreadable:
            source_file.remarks.append(f"{file.name}: {beside.note}")
    if missing := [file.name for file in _held_out(source_file.path) if not file.is_file()]:
        source_file.remarks.append(
            f"The last events of every user are missing: no {' and no '.join(missing)} beside it."
        )
    for name, found in samples.items():
        for event in _unrolled(found, source_file):
            yield name, event if items is None else _raw_name(items, event, where)


def _unrolled(ordered: list[Sample], source_file: SourceFile) -> list[str]:
    events = list(ordered[0][0])
    for so_far, target, line in ordered:
        if events[len(events) - len(so_far) :] != so_far:
            source_file.skip(line)
            continue
        events.append(target)
    return events


def _longest_first(samples: list[Sample]) -> bool:
    first, last = len(samples[0][0]), len(samples[-1][0])
    if first != last:
        return first > last
    # All are cut to one length: then each row's target ends the sequence of the row that is one event longer.
    return len(samples) > 1 and samples[1][0][-1:] != [samples[0][1]]


def _raw_names(index: Path) -> dict[str, str]:
    pairs = (line.rstrip("\r\n").split("\t") for line in lines(SourceFile(index)))
    return {pair[1]: pair[0] for pair in pairs if len(pair) == 2}


def _raw_name(items: dict[str, str], event: str, where: str) -> str:
    if event not in items:
        raise DataError(f"The item number {event!r} is not in the index file", where, "Use files that belong together.")
    return items[event]
