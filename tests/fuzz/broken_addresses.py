"""Broken addresses of pages, paths typed and files uploaded there: a page says what it cannot show, and stands."""

import json
import os
import time
from collections.abc import Callable
from pathlib import Path

from broken_commands import stocked
from broken_words import JSON_DESIGNS
from fuzz_case import Case
from streamlit.testing.v1 import AppTest

ROOT = Path(__file__).resolve().parents[2]
PAGES = ("data", "item_text", "prompts", "indicators", "trials", "users", "compare", "paper")


def opened(page: str, **query: str | list[str]) -> AppTest:
    """A page of the studio as its navigation opens it."""
    at = AppTest.from_file(str(ROOT / "app" / "main.py"), default_timeout=60)
    for name, value in query.items():
        at.query_params[name] = value
    at.run() if page == "data" else at.switch_page(str(ROOT / "pages" / f"{page}.py")).run()
    return at


def told(at: AppTest) -> str:
    """What a page says of what is wrong. Raises AssertionError for a traceback on screen."""
    assert not at.exception, [(element.message, element.value) for element in at.exception]
    assert at.title, "an empty page"
    return " ".join(element.value for kind in (at.error, at.warning, at.info) for element in kind).replace("\\", "")


def visited(page: str, **query: str | list[str]) -> Callable[[Path], str]:
    return lambda folder: told(opened(page, **query))


def _trained(folder: Path) -> None:
    """A finished run without weights, so that the pages about runs have something to open."""
    import numpy as np
    import pandas as pd

    from upsr_core.datasets.splits import split
    from upsr_core.datasets.store import load_dataset
    from upsr_core.evaluation.candidates import candidates_for
    from upsr_core.runs.results import Ranked, write_result
    from upsr_core.runs.run import create_run
    from upsr_core.runs.spec import plan_run
    from upsr_core.text.design import parse_design

    stocked(folder)
    run = create_run(plan_run("sample:movies", parse_design("title"), budget="smoke"))
    data = load_dataset("sample:movies")
    test = candidates_for(data, split(data, run.spec.split), run.spec.candidates)
    items = np.concatenate([test.items(row) for row in range(len(test))])
    rng, count = np.random.default_rng(0), len(items)
    table = pd.DataFrame(
        {
            "row": np.repeat(np.arange(len(test)), 101), "user": np.repeat(test.instances.user.to_numpy(), 101),
            "item": items, "target": np.tile(np.arange(101) == 0, len(test)), "logprob": rng.normal(-60, 5, count),
            "borrowed": rng.normal(-60, 5, count), "unconditional": rng.normal(-70, 5, count),
            "tokens": rng.integers(10, 41, count), "popularity": np.bincount(data.sequence, minlength=len(data.items))[items],
        }
    )  # fmt: skip
    table.to_parquet(run.folder / "scores.parquet")
    write_result(run, Ranked.of(table, run.spec.candidates.mode), test, 1.0, False, {"identical_texts": 0})
    run.write_status(state="done", phase="done", queued=1.0, started=1.0, finished=time.time())


ODD = ["nowhere", "../../etc/passwd", "<script>alert(1)</script>", "a\0b", "x" * 20_000, "[x](javascript:alert(1))", "\u202egnp", "%2e%2e%2f"]  # fmt: skip
FIELDS = {  # of each page: what its address may ask for
    "data": ["dataset"], "item_text": ["dataset"], "prompts": ["dataset", "user"], "indicators": ["dataset"],
    "trials": ["dataset", "model", "run"], "users": ["runs", "user", "view"], "compare": ["run", "metric", "by"],
    "paper": ["experiment", "on", "after", "scale"],
}  # fmt: skip


def addresses() -> list[Case]:
    found, turn = [], 0
    for page, fields in FIELDS.items():
        for field in fields:
            for value in (ODD[0], ODD[1 + turn % (len(ODD) - 1)]):
                query = {"experiment": "table3"} if field == "after" else {}
                says = (
                    "not here|not among" if len(value) > 80 or not value.isprintable() else "not here|not among|nowhere"
                )
                found.append(
                    Case(
                        f"page/{page}?{field}={value[:20]!r}",
                        visited(page, **query, **{field: value}),
                        says,
                        "mended",
                        _trained,
                    )
                )
                turn += 1
    for n, value in enumerate(["/nowhere", "/etc", "a/b/c", "http://127.0.0.1/x", "~nobody/x", "x" * 5000, "<b>"]):
        page = ("item_text", "prompts", "indicators", "trials", "paper")[n % 5]
        found.append(
            Case(
                f"page/{page}?plm={value[:20]!r}",
                visited(page, plm=value),
                "model|hub id|folder|configuration",
                "mended",
                stocked,
            )
        )
    for n, (name, text) in enumerate(JSON_DESIGNS.items()):
        page = ("item_text", "prompts", "indicators", "trials")[n % 4]
        found.append(
            Case(f"page/{page}?design of {name}", visited(page, design=text), "design in this link", "mended", stocked)
        )
    other = json.dumps({"finetune": {"attributes": ["nothing"]}, "pretrain": {"attributes": ["nothing"]}})
    for page in ("item_text", "prompts", "indicators", "trials"):
        found.append(
            Case(f"page/{page}?design of another dataset", visited(page, design=other), "nothing", "mended", stocked)
        )
    for page in PAGES:
        found.append(Case(f"page/{page}?unknown", visited(page, nonsense="1", __proto__="x"), "", "taken", stocked))
    for pair in ({"a": "nothing"}, {"a": "i1", "b": "nothing"}, {"a": "<b>", "b": "<b>"}):
        found.append(Case(f"page/users?pair {pair}", visited("users", view="ranking", **pair), "", "taken", _trained))
    return found


def typed() -> list[Case]:
    """Paths and names typed on the page Data, which confines them where the studio is asked from afar."""

    def path(text: str) -> Callable[[Path], str]:
        def act(folder: Path) -> str:
            at = opened("data")
            at.segmented_control(key="data_view").set_value("Import").run()
            at.text_input(key="path_items").set_value(text.replace("{}", str(folder))).run()
            return told(at)

        return act

    def named(name: str) -> Callable[[Path], str]:
        def act(folder: Path) -> str:
            at = opened("data")
            at.segmented_control(key="data_view").set_value("Import").run()
            for role in ("items", "events"):
                at.text_input(key=f"path_{role}").set_value(str(folder / f"{role}.csv")).run()
            at.text_input(key="import_name").set_value(name).run()
            at.button(key="import_start").click().run()
            return told(at)

        return act

    def broken(make: Callable[[Path], object]) -> Callable[[Path], None]:
        def prepare(folder: Path) -> None:
            stocked(folder)
            make(folder / "odd.csv")

        return prepare

    paths = {"/nowhere": "no such file", "/": "folder", "{}": "folder", "/dev/zero": "device", "~nobody/x": "home folder|no such", "\0": "path|file", "x" * 5000: "file", "{}/junk.bin": "junk.bin"}  # fmt: skip
    odd = {
        "pipe": os.mkfifo, "loop": lambda place: place.symlink_to(place), "empty": Path.touch,
        "header alone": lambda place: place.write_text("item_id,title\n"), "markup": lambda place: place.write_text("item_id,<script>alert(1)</script>\ni1,x\n"),
        "one name twice": lambda place: place.write_text("a,a\n1,2\n"), "carriage returns": lambda place: place.write_text("a,b\r1,2\r"),
    }  # fmt: skip
    return [
        *(Case(f"typed/path {text[:20]!r}", path(text), says, "mended", stocked) for text, says in paths.items()),
        *(Case(f"typed/{name}", path("{}/odd.csv"), "odd.csv|Give both files", "mended", broken(make)) for name, make in odd.items()),
        *(Case(f"typed/name {name[:20]!r}", named(name), "named|left", "mended", stocked) for name in (".", ".hidden", "x" * 300, "a\x07b", "../../x")),
    ]  # fmt: skip


def cases() -> list[Case]:
    return [*addresses(), *typed()]
