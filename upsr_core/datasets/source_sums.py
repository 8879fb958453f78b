"""The check sums of source files, found beside the reading."""

from collections.abc import Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from threading import Event

from upsr_core.datasets.source_lines import is_intact, sha256
from upsr_core.runtime import Progress


class Checks:
    """Looks at files one after the other in a thread, each once; as a context it ends with the import."""

    def __init__(self, files: Iterable[Path]):
        self._stopped, self._pool = Event(), ThreadPoolExecutor(1)
        self._found: dict[Path, tuple[Future, Future]] = {
            path: (self._pool.submit(is_intact, path, self._stopped), self._pool.submit(sha256, path, self._stopped))
            for path in dict.fromkeys(files)
        }

    def __enter__(self) -> "Checks":
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped.set()
        self._pool.shutdown(cancel_futures=True)

    def whole(self, path: Path) -> bool:
        """Whether a gz file is whole and its check sums are right; a plain file has none."""
        return self._found[path][0].result()

    def watched(self, progress: Progress | None) -> Progress:
        """A progress callback that also raises what a check found wrong, so that no reader goes on till the end."""

        def tell(done: float, total: float, what: str) -> None:
            for whole, _ in self._found.values():
                if whole.done() and (error := whole.exception()):
                    raise error
            if progress:
                progress(done, total, what)

        return tell

    def sha256(self, path: Path) -> str:
        return self._found[path][1].result()
