"""Broken arguments of `upsr`, run in this process as a terminal would."""

import contextlib
import io
import os
import shutil
import sys
import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path

from broken_files import EVENTS, ITEMS, table
from fuzz_case import Case, Refusal


def run(*words: str) -> Callable[[Path], str]:
    """`upsr WORDS`; {} in a word stands for the folder, which holds items.csv, events.csv and junk.bin."""

    def act(folder: Path) -> str:
        from upsr_core.cli.main import main

        arguments = [word.replace("{}", str(folder)) for word in words]
        out, error, before = io.StringIO(), io.StringIO(), sys.argv
        sys.argv, code = ["upsr", *arguments], 0
        try:
            with contextlib.redirect_stdout(out), contextlib.redirect_stderr(error):
                main()
        except SystemExit as ending:
            code = ending.code
        finally:
            sys.argv = before
        told = out.getvalue() + error.getvalue()
        if code in (0, None):
            return told
        if code == 1:
            said = [line for line in error.getvalue().splitlines() if line.strip()]
            assert len(said) == 1, f"an error is one line: {said}"
            assert ". " in said[0], f"no way out: {said}"
        raise Refusal(" ".join(told.split()))

    return act


def files(folder: Path) -> None:
    (folder / "items.csv").write_bytes(table(ITEMS))
    (folder / "events.csv").write_bytes(table(EVENTS))
    (folder / "junk.bin").write_bytes(bytes(range(256)) * 4)
    (folder / "full").mkdir()
    (folder / "full" / "file").touch()


@cache
def _stock() -> tempfile.TemporaryDirectory:
    """A home folder with the sample, imported once, and with a dataset whose name is markup for a terminal."""
    from upsr_core.datasets.importing import import_dataset
    from upsr_core.datasets.sample import ensure_sample
    from upsr_core.datasets.spec import PreparationSpec

    stock = tempfile.TemporaryDirectory(prefix="upsr-fuzz-stock-")
    folder, before = Path(stock.name), os.environ["UPSR_HOME"]
    files(folder)
    os.environ["UPSR_HOME"] = str(folder / "home")
    try:
        rule = PreparationSpec(min_user=1, min_item=1)
        import_dataset("a[/b]", folder / "items.csv", folder / "events.csv", preparation=rule)
        ensure_sample()
    finally:
        os.environ["UPSR_HOME"] = before
    return stock


def stocked(folder: Path) -> None:
    """Give a case the files and the home folder of the stock."""
    shutil.copytree(Path(_stock().name) / "home", os.environ["UPSR_HOME"], dirs_exist_ok=True)
    files(folder)


FILES = ("--items", "{}/items.csv", "--events", "{}/events.csv")
ALL = (*FILES, "--min-user", "1", "--min-item", "1")

USAGE = [
    (("nonsense",), "nonsense"), (("--nonsense",), "nonsense"), (("data",), ""), (("data", "nonsense"), "nonsense"),
    (("data", "import"), "NAME"), (("data", "import", "d"), "--items"), (("data", "import", "d", "--items"), "--items"),
    (("data", "import", "d", *FILES, "--min-user", "0"), "--min-user"), (("data", "import", "d", *FILES, "--min-user", "many"), "--min-user"),
    (("data", "import", "d", *FILES, "--min-item", "9" * 30), "reach|Lower|--min-item"), (("data", "import", "d", *FILES, "--min-item", "-3"), "--min-item"),
    (("data", "import", "d", *FILES, "--kind", "excel"), "excel"), (("data", "import", "d", *FILES, "--map-item", "title"), "--map-item"),
    (("data", "import", "d", *FILES, "--map-item", "=title"), "mapping"), (("data", "import", "d", *FILES, "--map-item", "title=nowhere"), "nowhere"),
    (("data", "import", "d", *FILES, "--map-item", "item_id="), "item_id"), (("data", "import", "d", *FILES, "--map-event", "user_id=nowhere"), "nowhere"),
    (("data", "import", "d", *FILES, "--map-event", "user_id="), "user_id"), (("data", "import", "d", *FILES, "--map-event", "timestamp=user_id"), "user_id|time"),
    (("data", "import", "", *FILES), "named"), (("data", "import", "..", *FILES), "named"), (("data", "import", "x" * 300, *FILES), "named"),
    (("data", "import", "d", "--items", "{}/nowhere", "--events", "{}/events.csv"), "nowhere"), (("data", "import", "d", "--items", "{}", "--events", "{}/events.csv"), "folder"),
    (("data", "import", "d", "--items", "{}/junk.bin", "--events", "{}/events.csv"), "junk.bin"), (("data", "import", "d", "--items", "{}/events.csv", "--events", "{}/items.csv"), "swapped"),
    (("data", "import", "d", *FILES, "extra"), "extra"), (("data", "show"), "NAME"), (("data", "show", "nowhere"), "nowhere"), (("data", "show", "\ud800"), "named"),
    (("data", "delete", "nowhere"), "nowhere"), (("data", "delete", "../.."), "named"), (("data", "list", "--jsn"), "--jsn"), (("data", "delete", "\x1b[31mred"), "named"),
    (("run",), "--dataset"), (("run", "--dataset", "d", "--seed", "x"), "--seed"), (("rank",), "RUN"), (("rank", "nothing", "--user", "u"), "nothing"), (("top", "x", "--user", "u", "-k", "0"), "-k"),
    (("rank", "x"), "--user"), (("resume", "x"), "x"), (("cancel", "x"), "x"), (("work", "x"), "x"), (("explain", "x", "--user", "u"), "x"), (("explain", "x", "--user", "u", "--candidates", "a"), "--candidates"),
    (("compare",), "runs"), (("compare", "x"), "x"), (("compare", "--again", "{}/full"), "full"), (("compare", "--again", "{}/nowhere"), "nowhere"), (("compare", "x", "--again", "{}/full"), "run"),
    (("study", "indicators"), "DATASET"), (("study", "indicators", "d", "--seeds", "0"), "--seeds"), (("plm", "show", "nowhere/x/y"), "nowhere"), (("plm", "nonsense"), "nonsense"),
    (("bench", "nonsense"), "nonsense"), (("health",), "--dataset"), (("indicators",), "DATASET"), (("indicators", "d", "--cap", "0"), "--cap"), (("designs", "d"), "--attributes"), (("indicators", "d", "--sample", "-1"), "--sample"),
]  # fmt: skip

# With the sample and a dataset whose name is markup for a terminal.
STORED = [
    (("run", "--dataset", "nowhere", "--design", "title"), "nowhere"), (("run", "--dataset", "sample:movies"), "texts|design"), (("run", "--dataset", "sample:movies", "--design", ","), "attribute"),
    (("run", "--dataset", "sample:movies", "--design", "title,title"), "title"), (("run", "--dataset", "sample:movies", "--design", "nothing"), "nothing"), (("run", "--dataset", "sample:movies", "--design", "{title}"), "title"),
    (("run", "--dataset", "sample:movies", "--design", "title", "--budget", "huge"), "huge"), (("run", "--dataset", "sample:movies", "--design", "title", "--score", "best"), "best"), (("run", "--dataset", "sample:movies", "--design", "title", "--mode", "all"), "all"),
    (("run", "--dataset", "sample:movies", "--design", "title", "--mode", ","), "mode"), (("run", "--dataset", "sample:movies", "--design", "title", "--model", "gpt"), "gpt"), (("run", "--dataset", "sample:movies", "--design", "title", "--model", "sasrec"), "text|sasrec"),
    (("run", "--dataset", "sample:movies", "--design", "title", "--plm", "/nowhere"), "/nowhere"), (("run", "--dataset", "sample:movies", "--design", "title", "--pretrain-on", "nowhere"), "nowhere"), (("run", "--dataset", "sample:movies", "--design", "title", "--pretrain-design", ","), "attribute"),
    (("health", "--dataset", "nowhere"), "nowhere"), (("health", "gpt", "--dataset", "sample:movies"), "gpt"), (("indicators", "nowhere"), "nowhere"), (("indicators", "sample:movies", "--only", "beauty"), "beauty"), (("indicators", "sample:movies", "--design", "nothing"), "nothing"),
    (("indicators", "sample:movies", "--naturalness", "guess"), "guess"), (("indicators", "sample:movies", "--domains", "nowhere"), "nowhere"), (("indicators", "sample:movies", "--only", ","), "indicator"), (("attributes", "sample:movies", "--only", "nothing"), "nothing"), (("designs", "sample:movies", "--attributes", ","), "attribute"),
    (("designs", "sample:movies", "--attributes", "title,title"), "title"), (("experiment", "table99"), "table99"), (("experiment", "table5", "--dataset", "nowhere"), "nowhere"), (("experiment", "table5", "--scale", "huge"), "huge"), (("experiment", "table5", "--backend", "spark"), "spark"), (("experiment", "table5", "--dataset", ","), "dataset"),
    (("experiment", "../../x"), "x"), (("study", "indicators", "sample:movies", "--designs", ";"), "design"), (("study", "indicators", "sample:movies", "--designs", "nothing;title;brand"), "nothing"), (("study", "indicators", "sample:movies", "--budget", "huge"), "huge"),
]  # fmt: skip

TAKEN = [
    (("data", "import", "[bold]x[/y]", *ALL), r"\[bold\]x\[/y\]"), (("data", "import", "-", *ALL), "6 users"), (("data", "list"), r"a\[/b\]"), (("data", "show", "a[/b]"), r"a\[/b\]"), (("runs",), ""), (("models",), "sasrec"), (("experiment",), "table5"),
]  # fmt: skip


def cases() -> list[Case]:
    def of(words: tuple[str, ...], says: str, ends: str, prepare) -> Case:
        return Case(f"command/{' '.join(words)[:90]}", run(*words), says, ends, prepare)

    return [
        *(of(words, says, "refused", files) for words, says in USAGE),
        *(of(words, says, "refused", stocked) for words, says in STORED),
        *(of(words, says, "taken", stocked) for words, says in TAKEN),
    ]
