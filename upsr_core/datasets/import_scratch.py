"""The workbench of an import: a DuckDB database on the disk that keeps to the memory the user gave."""

import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import psutil

from upsr_core.errors import DataError
from upsr_core.runtime import Progress

LEAST = 512 * 2**20  # bytes; DuckDB's reader of JSON lines holds 32 MiB for each core
SHARE = 0.5  # of the memory is DuckDB's; the rest is for Python, the cleaning processes and what they pass on
POLL = 0.1  # seconds between two looks at a running query
# Nothing is fetched from the network, whatever a file may look like.
_CONFIG = {"autoload_known_extensions": "false", "autoinstall_known_extensions": "false"}


class Scratch:
    """Tables of one import, in a folder that goes with it."""

    def __init__(self, folder: Path, memory: int | None = None, progress: Progress | None = None):
        """`memory` in bytes; None is half of what is free."""
        import duckdb

        self.folder, self.progress = folder, progress
        limit = int(SHARE * (memory or max(psutil.virtual_memory().available // 2, LEAST)))
        config: dict[str, str | bool | int | float | list[str]] = {
            **_CONFIG,
            "memory_limit": f"{limit}B",
            "temp_directory": str(folder / "spilled"),
        }
        self.connection = duckdb.connect(str(folder / "import.duckdb"), config=config)

    def run(self, query: str, what: str, parameters: dict[str, Any] | None = None) -> None:
        """Run a query that gives no rows and tell how far it is; a progress callback that raises stops it.

        Raises what DuckDB raises.
        """
        failed: list[BaseException] = []

        def work() -> None:
            try:
                self.connection.execute(query, parameters)
            except BaseException as error:
                failed.append(error)

        thread = threading.Thread(target=work, daemon=True)
        thread.start()
        try:
            while thread.is_alive():
                self.tell(max(self.connection.query_progress(), 0.0), 100, what)
                thread.join(POLL)
        except BaseException:
            self.connection.interrupt()
            thread.join()
            raise
        if failed:
            raise failed[0]

    def one(self, query: str) -> tuple:
        """The only row of a quick query."""
        [row] = self.connection.execute(query).fetchall()
        return row

    def batches(self, query: str, rows: int, parameters: dict[str, Any] | None = None) -> Iterator:
        """The rows of a query as Arrow batches of about so many; other queries may run meanwhile."""
        import duckdb

        with closing(self.connection.cursor()) as cursor:
            try:
                yield from cursor.sql(query, params=parameters).to_arrow_reader(rows)
            except OSError as error:  # what DuckDB says in the midst of reading comes through Arrow as such
                if _first_line(error).startswith(("Invalid Input Error", "Conversion Error")):
                    raise duckdb.InvalidInputException(str(error)) from error
                raise

    def append(self, table: str, rows, columns: str = "*") -> None:
        """Append the rows of an Arrow table to a table, in their order."""
        self.connection.register("appended", rows)
        self.connection.execute(f"INSERT INTO {table} SELECT {columns} FROM appended")
        self.connection.unregister("appended")

    def tell(self, done: float, total: float, what: str) -> None:
        if self.progress:
            self.progress(done, total, what)


@contextmanager
def scratch_in(folder: Path, memory: int | None = None, progress: Progress | None = None) -> Iterator[Scratch]:
    """A scratch below `folder`, which goes with it.

    Raises DataError where the memory does not suffice, OSError where the disk does not.
    """
    import duckdb

    if memory is not None and memory < LEAST:
        raise DataError(f"{memory / 1e6:,.0f} MB of memory are too few", how=f"An import needs {LEAST / 1e6:,.0f} MB.")
    place = folder / "scratch"
    place.mkdir()
    scratch = Scratch(place, memory, progress)
    try:
        yield scratch
    except duckdb.OutOfMemoryException as error:
        how = "Give the import more (--memory)."
        raise DataError("The memory does not suffice for this import", _first_line(error), how) from error
    except (duckdb.IOException, duckdb.TransactionException) as error:
        raise OSError(_first_line(error)) from error
    finally:
        scratch.connection.close()


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0]
