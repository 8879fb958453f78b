"""The page Users with item texts that try to break it, and by the keyboard alone."""

import os
import subprocess
import sys
from urllib.parse import urlencode

import pytest
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.browser
expect.set_options(timeout=60_000)

# Written into the home folder of the running studio by a process of its own.
MAKE = """
import json, sys
import numpy as np, pandas as pd
from pathlib import Path
from upsr_core.datasets.importing import import_dataset
from upsr_core.datasets.spec import PreparationSpec
from upsr_core.datasets.folders import RECORD, TABLES
from upsr_core.datasets.store import load_dataset
from upsr_core.runs.user_ranking import evaluated_users, ranked
from upsr_core.runs.run import create_run
from upsr_core.runs.spec import plan_run
from upsr_core.runs.pipeline import execute
from upsr_core.storage.records import read_record, write_record
from upsr_core.text.design import parse_design

folder, model = Path(sys.argv[1]), sys.argv[2]
hostile = json.loads(sys.argv[3])
rng = np.random.default_rng(0)
titles = [hostile[n] if n < len(hostile) else f"Plain thing {n}" for n in range(130)]
items = pd.DataFrame({"item_id": [f"i{n}" for n in range(130)], "title": titles, "brand": "<i>Zyqor</i> & Co"})
items.to_csv(folder / "items.csv", index=False)
rows = [(f"u{u}", f"i{i}", t) for u in range(60) for t, i in enumerate(rng.permutation(130)[:9])]
rows += [("hostile", f"i{i}", i) for i in range(len(hostile))] + [("hostile", "i99", 999)]
pd.DataFrame(rows, columns=["user_id", "item_id", "timestamp"]).to_csv(folder / "events.csv", index=False)
rule = PreparationSpec(min_user=3, min_item=1)
import_dataset("hostile", folder / "items.csv", folder / "events.csv", preparation=rule)
# Whatever cleaning takes away, the page must stand: the texts are stored as they are.
stored = load_dataset("hostile")
raw = stored.items.assign(title=stored.items.item_id.map(dict(zip(items.item_id, items.title))), brand=items.brand[0])
raw.to_parquet(stored.folder / "items.parquet", index=False)
record = read_record(stored.folder / RECORD, "dataset")
write_record(stored.folder / RECORD, "dataset", record, TABLES)
run = create_run(plan_run("hostile", parse_design("title,brand"), model, budget="zero-shot"))
run.write_status(state="running", queued=1.0)
execute(run, lambda *_: None)
run.write_status(state="done", phase="done", queued=1.0, started=1.0, finished=2.0)
user = int(evaluated_users(run).query("user_id == 'hostile'").user.iloc[0])
table = ranked(run, user)
print(json.dumps({"run": run.id, "b": table[~table.target].item_id.iloc[0]}))
"""
HOSTILE = [
    "<script>document.title='broken'</script> lamp",
    "<img src=x onerror=\"document.title='broken'\"> stool",
    "مصباح أحمر كبير",
    "\u202eturned round\u202c shelf",
    "👩‍👩‍👧‍👦 family 🇪🇺 table 👍🏽",
    "zero\u200bwidth\u2060marks\ufeff here",
    "long " + "word" * 2500,
    "**bold** [link](http://x.example) $x^2$ :red[red]",
]


@pytest.fixture(scope="module")
def hostile(server, browser_home, small_t5, tmp_path_factory):
    """The query of a link to the user whose history holds every hostile text."""
    import json

    done = subprocess.run(
        [sys.executable, "-c", MAKE, str(tmp_path_factory.mktemp("hostile")), str(small_t5), json.dumps(HOSTILE)],
        env={**os.environ, "UPSR_HOME": str(browser_home)}, capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    made = json.loads(done.stdout.splitlines()[-1])
    return {"runs": made["run"], "user": "hostile", "a": "i99", "b": made["b"]}


def settled(page: Page) -> None:
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    expect(page.get_by_test_id("stApp")).to_have_attribute("data-test-script-state", "notRunning")
    expect(page.get_by_test_id("stSkeleton")).to_have_count(0)
    expect(page.get_by_test_id("stException")).to_have_count(0)
    expect(page.get_by_test_id("stAlertContentError")).to_have_count(0)


@pytest.mark.parametrize("view", ["ranking", "why", "what-if", "sides"])
def test_hostile_texts_are_text_and_break_no_layout(chromium, server, shots, hostile, view):
    page = chromium.new_page(viewport={"width": 1280, "height": 900})
    page.goto(f"{server}/users?{urlencode({**hostile, 'view': view})}")
    settled(page)
    assert "broken" not in page.title(), "a script of the data ran"
    if view == "why":
        expect(page.get_by_text("Token by token")).to_be_visible()
        expect(page.locator(".js-plotly-plot")).to_have_count(3)
        labels = " ".join(page.locator(".js-plotly-plot .ytick").all_text_contents())
        assert "⟨200B⟩" in labels and "⟨202E⟩" in labels, "marks without width are seen"
        assert "<script>" in labels and "<img src=x" in labels
        assert "مصباح" in labels and "👩‍👩‍👧‍👦" in labels and "**bold**" in labels
        assert page.locator("table bdi").filter(has_text="<").count() > 0, "the brand's markup is text"
    wide = page.get_by_test_id("stMain").evaluate("element => element.scrollWidth - element.clientWidth")
    assert wide <= 0, "the page must not scroll sideways"
    height = page.get_by_test_id("stMain").evaluate("element => element.scrollHeight")
    assert height < 6000, "a long text must not stretch the page"
    page.set_viewport_size({"width": 1280, "height": height + 60})
    page.wait_for_timeout(500)
    page.screenshot(path=shots / f"users-{view}.png")
    page.close()


def test_the_keyboard_alone_opens_an_explanation(chromium, server, hostile):
    page = chromium.new_page(viewport={"width": 1280, "height": 900})
    page.goto(f"{server}/users?{urlencode({'runs': hostile['runs'], 'user': 'hostile'})}")
    settled(page)

    def tab_to(what: str) -> None:
        for _ in range(80):
            page.keyboard.press("Tab")
            focused = page.evaluate("() => document.activeElement.innerText || ''")
            if len(focused) < 40 and focused.strip().endswith(what):
                return
        pytest.fail(f"Tab does not reach {what!r}")

    tab_to("Ranking")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Token by token")).to_be_visible(timeout=180_000)  # the model is loaded first
    settled(page)
    assert "view=why" in page.url and "a=" in page.url
    a_before = page.url
    tab_to("Swap")
    page.keyboard.press("Enter")
    expect(page).not_to_have_url(a_before)
    settled(page)
    page.close()
