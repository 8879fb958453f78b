"""Source files as numbered lines: plain or gz, with every defect either counted or named in one error."""

import gzip
import hashlib
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from threading import Event

from upsr_core.errors import DataError
from upsr_core.runtime import Progress

LINES_SHOWN = 5
LINES_PER_REPORT = 4096
CHUNK = 1 << 22  # bytes
LONGEST_LINE = 24 << 20  # bytes; a line is held whole, and as JSON takes up to thirty times its size
# Tables of ids and texts pack to a fifth or a tenth. What unpacks to more than MOST_RATIO times its size was made to
# fill the memory or the hours of whoever opens it; looked at once it is larger than UNSUSPECTED bytes.
MOST_RATIO, UNSUSPECTED = 200, 2 << 20
MAGIC = {
    b"PK\x03\x04": "a zip archive or an Excel workbook",
    b"SQLite": "an SQLite database",
    b"%PDF": "a PDF document",
    b"\x89PNG": "an image",
    b"\xff\xd8\xff": "an image",
    b"\x80\x02": "a Python pickle",
    b"\x80\x03": "a Python pickle",
    b"\x80\x04": "a Python pickle",
    b"\x80\x05": "a Python pickle",
    b"BZh": "a bz2 archive",
    b"\xfd7zXZ": "an xz archive",
    b"\x28\xb5\x2f\xfd": "a zstd archive",
    b"\xff\xfe": "text in UTF-16",
    b"\xfe\xff": "text in UTF-16",
    b"<!doctype html": "a web page, not a table",
    b"<html": "a web page, not a table",
    b"<?xml": "an XML document",
}


@dataclass
class SourceFile:
    """What happened while one file was read; `line` is where the reader stands (1-based)."""

    path: Path
    progress: Progress | None = None
    line: int = 0
    rows: int = 0
    unreadable: int = 0
    unreadable_lines: list[int] = field(default_factory=list)
    replaced: int = 0
    replaced_lines: list[int] = field(default_factory=list)
    windows: int = 0
    windows_lines: list[int] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)

    def skip(self, line: int | None = None, count: int = 1) -> None:
        """Count lines that cannot be read and remember the first few."""
        self.unreadable += count
        if len(self.unreadable_lines) < LINES_SHOWN:
            self.unreadable_lines.append(line or self.line)

    def text(self, data: bytes) -> str:
        """A line as text. Spreadsheets save in the code page of their country: a line where no byte beyond ASCII makes
        sense as UTF-8 is read as Windows-1252; in a line of UTF-8 the bad bytes are replaced. Both are counted.

        >>> file = SourceFile(Path("a"))
        >>> file.text("café".encode("cp1252")), file.text("café".encode() + bytes([255]))
        ('café', 'café�')
        """
        try:
            return data.decode()
        except UnicodeDecodeError:
            replaced = data.decode(errors="replace")
        with suppress(UnicodeDecodeError):  # five of its bytes stand for nothing
            if all(letter.isascii() or letter == "\ufffd" for letter in replaced):
                other = data.decode("cp1252")
                self.windows += 1
                if len(self.windows_lines) < LINES_SHOWN:
                    self.windows_lines.append(self.line)
                return other
        self.replaced += 1
        if len(self.replaced_lines) < LINES_SHOWN:
            self.replaced_lines.append(self.line)
        return replaced

    @property
    def note(self) -> str:
        """One sentence per defect, and the remarks; empty when there was none.

        >>> SourceFile(Path("a"), unreadable=2, unreadable_lines=[3, 9]).note
        '2 unreadable lines (lines 3, 9).'
        """
        parts = []
        for count, lines, what in (
            (self.unreadable, self.unreadable_lines, "unreadable lines"),
            (self.replaced, self.replaced_lines, "lines with invalid UTF-8, the bad bytes replaced"),
            (self.windows, self.windows_lines, "lines that are not UTF-8, read as Windows-1252 (Latin-1)"),
        ):
            if count:
                more = ", …" if count > len(lines) else ""
                parts.append(f"{count:,} {what} (lines {', '.join(map(str, lines))}{more}).")
        return " ".join([*parts, *self.remarks])


def head(path: Path, size: int = 8) -> bytes:
    """The first bytes of a file.

    Raises DataError when there is no such file, or it is a folder, a device, empty or not readable.
    """
    try:
        if path.is_dir():
            raise DataError("A folder was given where a file is needed", str(path), "Name one file inside it.")
        if path.exists() and not path.is_file():  # a pipe or a terminal would keep the reader waiting for ever
            raise DataError("This is no file but a device or a pipe", str(path), "Name a file with a table.")
        with path.open("rb") as file:
            start = file.read(size)
    except FileNotFoundError as error:
        raise DataError("There is no such file", str(path), "Check the path.") from error
    except OSError as error:
        where = str(path) if len(str(path)) < 300 else f"{str(path)[:300]}…"
        raise DataError(
            f"The file cannot be read: {error.strerror}", where, "Check the path and permissions."
        ) from error
    except ValueError as error:  # a NUL byte or half a surrogate pair
        raise DataError("No file can have this path", ascii(str(path)), "Check the path.") from error
    if not start:
        raise DataError("The file is empty", str(path), "Export or download it again.")
    return start


def is_gzip(path: Path) -> bool:
    return head(path).startswith(b"\x1f\x8b")


def is_parquet(path: Path) -> bool:
    return head(path).startswith(b"PAR1")


def sha256(path: Path, stopped: Event | None = None) -> str:
    """The SHA-256 of a file as it lies on the disk, compressed or not; of its beginning, once it is `stopped`."""
    head(path)
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while (data := file.read(CHUNK)) and not (stopped and stopped.is_set()):
            digest.update(data)
    return digest.hexdigest()


@contextmanager
def _damage_named(source_file: SourceFile) -> Iterator[None]:
    try:
        yield
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise DataError(
            "The compressed file is damaged or incomplete",
            f"{source_file.path}, after line {source_file.line}",
            "Download or copy it again.",
        ) from error
    except OSError as error:
        where = f"{source_file.path}, after line {source_file.line}"
        raise DataError(f"The file cannot be read: {error}", where, "Check the disk, or copy it again.") from error


def lines(source_file: SourceFile) -> Iterator[str]:
    """The lines of a text file, plain or gz, each with its line end; `source_file.line` is the number of the last.

    What is not UTF-8 is read as `SourceFile.text` says. Raises DataError for a missing, empty, damaged or binary file,
    for a line longer than LONGEST_LINE, and for a gz file made to explode.
    """
    path = source_file.path
    _reject_binary(path, head(path, 4096))
    size = path.stat().st_size
    with _damage_named(source_file), path.open("rb") as raw:
        file = gzip.GzipFile(fileobj=raw) if is_gzip(path) else raw
        read = 0
        for data in iter(partial(file.readline, LONGEST_LINE), b""):
            read += len(data)
            if read > UNSUSPECTED:
                _reject_explosion(path, read, raw.tell())
            if len(data) == LONGEST_LINE:
                raise DataError(
                    f"The line is longer than {LONGEST_LINE >> 20} MiB",
                    f"{path}, line {source_file.line + 1}",
                    "Write one row per line.",
                )
            if source_file.line == 0:
                data = data.removeprefix(b"\xef\xbb\xbf")
                _reject_binary(path, data[:4096], unpacked=True)
            source_file.line += 1
            if source_file.progress and source_file.line % LINES_PER_REPORT == 1:
                source_file.progress(raw.tell(), size, f"Reading {path.name}")
            yield source_file.text(data)
        if source_file.line == 0:
            raise DataError("The compressed file holds no text", str(path), "Export or download it again.")


def is_intact(path: Path, stopped: Event) -> bool:
    """Whether a gz file is whole and its check sums are right; a plain file has none. Ends early once `stopped`.

    Raises DataError for one that was made to explode.
    """
    if not is_gzip(path):
        return True
    try:
        with path.open("rb") as raw, gzip.GzipFile(fileobj=raw) as file:
            read = 0
            while not stopped.is_set() and (part := file.read(CHUNK)):
                read += len(part)
                _reject_explosion(path, read, raw.tell())
    except (EOFError, zlib.error, OSError):
        return False
    return True


def _reject_explosion(path: Path, unpacked: int, packed: int) -> None:
    if unpacked > UNSUSPECTED and unpacked > MOST_RATIO * packed:
        raise DataError(
            f"The compressed file unpacks to more than {MOST_RATIO} times its size: it was made to fill the memory",
            str(path),
            "If it is yours, unpack it and give the plain file.",
        )


def _reject_binary(path: Path, start: bytes, unpacked: bool = False) -> None:
    if start.startswith(b"\x1f\x8b"):
        if not unpacked:
            return
        raise DataError("The file was compressed twice", str(path), "Unpack it once.")
    name = next((name for magic, name in MAGIC.items() if start.lower().startswith(magic.lower())), "")
    if name or b"\x00" in start:
        raise DataError(
            f"The file is {name or 'binary, not text'}",
            str(path),
            "Wanted are CSV, TSV, JSON lines or RecBole atomic files in UTF-8, plain or .gz, or Parquet.",
        )
