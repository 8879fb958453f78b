"""Every page in Chromium, wide and narrow, light and dark, empty and full, under axe-core: `make a11y`.

Screenshots are left in build/a11y for people to look at. The last line is one JSON object; a serious finding of our
own making, a slow start or a slow page ends with 1. `--home FOLDER` takes a home folder with trials instead of making
two; `--only WORD` visits the pages whose name has it.
"""

import argparse
import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect, sync_playwright
from running import ARGUMENTS, ROOT, chromium_path, running_studio

SHOTS = ROOT / "build" / "a11y"
WIDTHS, THEMES = (1280, 1920), ("light", "dark")
SERIOUS = ("serious", "critical")
COLD, WARM = 3.0, 1.0  # seconds to the first useful page, and to a page that needs no model, once visited
STARTS = 7  # of which the median counts
# Inside components of Streamlit, which give no handle to mend them: rule, pattern of the element, and what it is.
OF_STREAMLIT = ()
TITLES = ("Data", "Item text", "Prompts", "Indicators", "Trials", "Users", "Compare", "Paper")
EMPTY = {title: title.lower().replace(" ", "_") for title in TITLES} | {"Data": ""}  # the page at the root
FULL = EMPTY | {
    "Users why": "users?view=why",
    "Users what-if": "users?view=what-if",
    "Users sides": "users?view=sides",
    "Compare two": "compare",
    "Paper table6": "paper?experiment=table6",
    "Broken link": "prompts?user=nobody&dataset=nowhere",
    "Broken model": "item_text?plm=/nowhere",
}


# How far what is on the page moves by itself while it loads, as browsers count it (Cumulative Layout Shift).
SHIFT = """() => new Promise(resolve => {
    let sum = 0;
    const add = list => list.getEntries().forEach(each => { if (!each.hadRecentInput) sum += each.value; });
    new PerformanceObserver(add).observe({type: 'layout-shift', buffered: true});
    setTimeout(() => resolve(sum), 100);
})"""


# When the first number of a page was there: an assertion asks only every second.
FIRST_NUMBER = """const look = () => {
    if (!document.querySelector('[data-testid=stMetric]')) return requestAnimationFrame(look);
    window.firstNumber = performance.timeOrigin + performance.now();
};
look();"""


def settle(page: Page) -> None:
    expect(page.get_by_role("heading", level=1)).to_be_visible(timeout=300_000)
    app = page.get_by_test_id("stApp")
    expect(app).to_have_attribute("data-test-script-state", "notRunning", timeout=300_000)
    expect(page.get_by_test_id("stSkeleton")).to_have_count(0, timeout=300_000)


def import_view(page: Page) -> None:
    page.get_by_role("radio", name="Import").click()
    expect(page.get_by_role("textbox", name="Item file")).to_be_visible(timeout=300_000)
    settle(page)


def shot(page: Page, name: str, width: int) -> None:
    height = page.get_by_test_id("stMain").evaluate("element => element.scrollHeight")
    page.set_viewport_size({"width": width, "height": min(height + 60, 9000)})
    page.wait_for_timeout(400)
    page.screenshot(path=SHOTS / f"{name}.png")
    page.set_viewport_size({"width": width, "height": 900})


def findings(page: Page) -> list[dict]:
    """Serious violations, one per element: rule, element, what is wrong with it, and whose it is."""
    found = []
    for violation in Axe().run(page).response["violations"]:
        if violation["impact"] not in SERIOUS:
            continue
        for node in violation["nodes"]:
            place = f"{' '.join(map(str, node['target']))} {node['html']}"
            known = [why for rule, part, why in OF_STREAMLIT if rule == violation["id"] and re.search(part, place)]
            said = next((check["message"] for check in [*node["any"], *node["all"], *node["none"]]), violation["help"])
            found.append(
                {"rule": violation["id"], "place": place, "html": node["html"][:300], "said": said, "known": known}
            )
    return found


def visit(browser, address: str, state: str, pages: dict[str, str], report) -> None:
    for theme in THEMES:
        context = browser.new_context(viewport={"width": WIDTHS[0], "height": 900}, color_scheme=theme)
        for name, path in pages.items():
            page = context.new_page()
            page.goto(f"{address}/{path}")
            settle(page)
            for view, act in [(name, None)] + ([("Data import", import_view)] if name == "Data" else []):
                if act:
                    act(page)
                assert not page.get_by_test_id("stException").count(), f"a traceback on {view}"
                for width in WIDTHS:
                    page.set_viewport_size({"width": width, "height": 900})
                    page.wait_for_timeout(500)
                    report(f"{state}-{view}-{width}-{theme}", findings(page))
                    shot(page, f"{state}-{view.replace(' ', '_')}-{width}-{theme}", width)
            page.close()
        context.close()


def cold_start(browser, home: Path, log: Path) -> float:
    """Seconds from the start of the server to the first number on the first page, in a browser that is open."""
    started = time.time()
    with running_studio(home, log) as (address, _):
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        page.add_init_script(FIRST_NUMBER)
        page.goto(address)
        expect(page.get_by_test_id("stMetric").first).to_be_visible(timeout=300_000)
        seconds = page.evaluate("window.firstNumber") / 1000 - started
        settle(page)
        page.close()
    return seconds


def timings(browser, home: Path, log: Path) -> tuple[dict[str, float], dict[str, float]]:
    """Seconds to each page once it was visited; and the layout shift of each page opened by its address."""
    with running_studio(home, log) as (address, _):
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        page.goto(address)
        settle(page)
        warm = {}
        for turn in range(2):
            for title in (*TITLES[1:], TITLES[0]):
                started = time.monotonic()
                page.get_by_role("link", name=title, exact=True).click()
                expect(page.get_by_role("heading", name=title, level=1)).to_be_visible()
                settle(page)
                warm[title] = time.monotonic() - started if turn else 0.0
        shift = {}
        for title in TITLES:
            page.goto(f"{address}/{EMPTY[title]}")
            settle(page)
            shift[title] = page.evaluate(SHIFT)
        page.close()
    return warm, shift


def make_home(folder: Path) -> Path:
    """A home folder with the sample and two small trials."""
    for design in ("category,title,brand", "title"):
        command = [
            sys.executable,
            "-m",
            "upsr_core",
            "run",
            "--dataset",
            "sample:movies",
            "--design",
            design,
            "--budget",
            "smoke",
        ]
        subprocess.run(
            command, cwd=ROOT, env={**os.environ, "UPSR_HOME": str(folder)}, check=True, stdout=subprocess.DEVNULL
        )
    return folder


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--home", type=Path)
    parser.add_argument("--only", default="")
    options = parser.parse_args()
    shutil.rmtree(SHOTS, ignore_errors=True)
    SHOTS.mkdir(parents=True)
    visited, ours, theirs = [], Counter(), Counter()
    first = {}

    def report(name: str, found: list[dict]) -> None:
        visited.append(name)
        for each in found:
            if each["known"]:
                theirs[f"{each['rule']}: {each['known'][0]}"] += 1
                continue
            key = (each["rule"], re.sub(r"st-emotion-cache-\w+|\be\w{7,}\b|\d+", "", each["html"]))
            ours[key] += 1
            if key not in first:
                first[key] = (name, each)
                print(f"{name}: {each['rule']}, {each['said']}\n    {each['place'][-500:]}", flush=True)
        print(f"{name}: {len(found)} findings", flush=True)

    with tempfile.TemporaryDirectory(prefix="upsr-a11y-") as made, sync_playwright() as play:
        place = Path(made)
        browser = play.chromium.launch(executable_path=chromium_path(), args=ARGUMENTS)
        full = options.home or make_home(place / "full")
        for state, home, pages in (("empty", place / "empty", EMPTY), ("full", full, FULL)):
            chosen = {name: path for name, path in pages.items() if options.only in name}
            with running_studio(home, place / f"{state}.txt") as (address, _):
                visit(browser, address, state, chosen, report)
        cold = [cold_start(browser, full, place / "cold.txt") for _ in range(STARTS)]
        warm, shift = timings(browser, full, place / "timings.txt")
        browser.close()
    for key, count in ours.most_common():
        print(f"{count} times, first on {first[key][0]}: {key[0]} {key[1]}")
    for what, count in theirs.items():
        print(f"of Streamlit, {count} times: {what}")
    result = {
        "pages": len(visited), "serious": sum(ours.values()), "of_streamlit": sum(theirs.values()),
        "cold_start_seconds": round(statistics.median(cold), 2),
        "cold_starts": [round(each, 2) for each in cold],
        "warm_page_seconds": {name: round(each, 2) for name, each in warm.items()},
        "layout_shift": {name: round(each, 3) for name, each in shift.items()},
        "screenshots": str(SHOTS.relative_to(ROOT)),
    }  # fmt: skip
    print(json.dumps(result))
    return int(bool(ours) or statistics.median(cold) > COLD or max(warm.values()) > WARM)


if __name__ == "__main__":
    sys.exit(main())
