"""Ten browser sessions at once on one studio while trainings run: `make soak`, or `make soak MINUTES=2`.

Every session keeps a dataset, a design and a user of its own and clicks through all pages; whatever page it comes to
has to show its own choices. Trials run one after the other meanwhile. The last line is one JSON object; an error, a
choice of another session, a lost job, a slow 95th percentile or growing memory ends with 1.
"""

import argparse
import asyncio
import json
import os
import random
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import numpy as np
import pandas as pd
import psutil
from playwright.async_api import Page, async_playwright
from playwright.async_api import expect as expected
from running import ARGUMENTS, ROOT, chromium_path, running_studio

SESSIONS = 10
TITLES = ("Data", "Item text", "Prompts", "Indicators", "Trials", "Users", "Compare", "Paper")
DOMAINS = ("movies", "books", "arts", "clothing", "instruments", "pantry", "sports")
ATTRIBUTES = ("title", "category", "brand", "price", "description")
SLOWEST, GROWTH = 3.0, 5.0  # seconds of the 95th percentile, per cent of the memory after the first third
# Ten browsers without a graphics card would draw with the processor that the studio needs.
PLAIN = ("--disable-software-rasterizer", "--blink-settings=imagesEnabled=false")
WAIT = 120_000  # milliseconds after which a page counts as broken

MAKE = """
import sys
from upsr_core.datasets.sample import ensure_sample
from upsr_core.runs import queue
from upsr_core.runs.run import create_run
from upsr_core.runs.spec import plan_run
from upsr_core.text.design import parse_design
ensure_sample()
for seed in range(int(sys.argv[2])):
    queue.start(run := create_run(plan_run("sample:movies", parse_design("title"), budget=sys.argv[1], seed=seed)))
    print(run.id)
"""
STATES = """
import json
from upsr_core.runs.run import list_runs
print(json.dumps({run.id: run.status().state for run in list_runs()}))
"""


class Session:
    """One browser context with choices of its own."""

    def __init__(self, number: int, page: Page, address: str, record):
        self.number, self.page, self.address, self.record = number, page, address, record
        rng = random.Random(number)
        self.dataset = f"sample:{DOMAINS[number % len(DOMAINS)]}"
        order = ["title", *rng.sample(ATTRIBUTES[1:], 1 + number % 3)]
        self.attributes = order if number % 2 else order[::-1]
        self.rng = rng

    async def open(self) -> None:
        design = json.dumps({"finetune": {"attributes": self.attributes}, "pretrain": {"attributes": ["title"]}})
        query = f"dataset={self.dataset}&design={design}"
        await asyncio.sleep(self.number)  # people do not come in one second
        await self.page.goto(f"{self.address}/item_text?{query}", timeout=WAIT)
        await self.settled()

    async def settled(self) -> None:
        await expected(self.page.get_by_role("heading", level=1)).to_be_visible(timeout=WAIT)
        app = self.page.get_by_test_id("stApp")
        await expected(app).to_have_attribute("data-test-script-state", "notRunning", timeout=WAIT)

    async def interact(self) -> None:
        """Go to another page, or use something on this one, and see that everything is one's own."""
        title = self.rng.choice(TITLES)
        started = time.monotonic()
        await self.page.get_by_role("link", name=title, exact=True).click(timeout=WAIT)
        await expected(self.page.get_by_role("heading", name=title, level=1)).to_be_visible(timeout=WAIT)
        await self.settled()
        self.record("seconds", time.monotonic() - started)
        self.record("page", title)
        await self.check(title)
        if title == "Prompts":
            started = time.monotonic()
            await self.page.get_by_role("button", name="Next").click(timeout=WAIT)
            await self.settled()
            self.record("seconds", time.monotonic() - started)
            self.record("page", "Prompts, next")
            await self.check(title)

    async def check(self, title: str) -> None:
        """Raises AssertionError for an error on screen or a choice that is not this session's."""
        page = self.page
        for kind in ("stException", "stAlertContentError"):
            if await page.get_by_test_id(kind).count():
                text = await page.get_by_test_id(kind).first.inner_text()
                raise AssertionError(f"{title} shows {text[:300]}")
        wanted = {"dataset"} if title in ("Data", "Trials") else {"dataset", "design"}
        if title in ("Data", "Item text", "Prompts", "Indicators", "Trials"):
            # A link of the navigation has no choices in it; the page writes them into its address.
            await page.wait_for_url(lambda url: wanted <= set(parse_qs(urlsplit(url).query)), timeout=WAIT)
        asked = parse_qs(urlsplit(page.url).query)
        if title in ("Data", "Item text", "Prompts", "Indicators", "Trials"):
            assert asked.get("dataset") == [self.dataset], f"{title}: {asked.get('dataset')} instead of {self.dataset}"
            shown = page.get_by_role("combobox").first  # its choice is no text of the page
            await expected(shown).to_have_value(re.compile(re.escape(self.dataset)), timeout=WAIT)
        if title in ("Item text", "Prompts", "Indicators"):
            chosen = json.loads(asked.get("design", ["{}"])[0]).get("finetune", {}).get("attributes")
            assert chosen == self.attributes, f"{title}: the design {chosen} instead of {self.attributes}"


def states(home: Path) -> dict[str, str]:
    return json.loads(_python(home, STATES))


def _python(home: Path, program: str, *words: str) -> str:
    environment = {**os.environ, "UPSR_HOME": str(home)}
    command = [sys.executable, "-c", program, *words]
    return subprocess.run(command, cwd=ROOT, env=environment, check=True, capture_output=True, text=True).stdout


async def soak(address: str, process, sessions: int, minutes: float, record) -> None:

    end = time.monotonic() + 60 * minutes
    async with async_playwright() as play:
        browser = await play.chromium.launch(executable_path=chromium_path(), args=[*ARGUMENTS, *PLAIN])

        async def live(number: int) -> None:
            context = await browser.new_context(viewport={"width": 1280, "height": 900}, reduced_motion="reduce")
            page = await context.new_page()
            page.on("pageerror", lambda error: record("error", f"session {number}: {error}"))
            session = Session(number, page, address, record)
            try:
                await session.open()
                while time.monotonic() < end:
                    await session.interact()
                    await asyncio.sleep(session.rng.uniform(1, 5))  # a person looks at the page
            except Exception as error:
                record("error", f"session {number}: {type(error).__name__} {str(error)[:600]}")

        async def weigh() -> None:
            while time.monotonic() < end:
                record("memory", psutil.Process(process.pid).memory_info().rss / 2**20)
                await asyncio.sleep(5)

        await asyncio.gather(weigh(), *(live(number) for number in range(sessions)))
        await browser.close()


def growth(memory: list[float]) -> float:
    """Per cent by which the last third of the readings exceeds the middle one; caches fill in the first."""
    third = len(memory) // 3
    if not third:
        return 0.0
    return 100 * (float(np.median(memory[2 * third :])) / float(np.median(memory[third : 2 * third])) - 1)


def main() -> int:

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--sessions", type=int, default=SESSIONS)
    parser.add_argument("--budget", default="first-look")
    parser.add_argument("--trials", type=int, default=8)
    options = parser.parse_args()
    seen: dict[str, list] = {"seconds": [], "page": [], "memory": [], "error": []}

    def record(kind: str, value) -> None:
        seen[kind].append(value)
        if kind == "error":
            print(value, flush=True)

    with tempfile.TemporaryDirectory(prefix="upsr-soak-", ignore_cleanup_errors=True) as folder:
        home = Path(folder) / "home"
        started = set(_python(home, MAKE, options.budget, str(options.trials)).split())
        with running_studio(home, Path(folder) / "log.txt") as (address, process):
            asyncio.run(soak(address, process, options.sessions, options.minutes, record))
        ended = states(home)
        log = (Path(folder) / "log.txt").read_text(errors="replace")
        _python(home, "from upsr_core.runs import queue, run\nfor each in run.list_runs(): queue.cancel(each)")
        deadline = time.monotonic() + 120
        while {"queued", "running", "cancelling"} & set(states(home).values()) and time.monotonic() < deadline:
            time.sleep(1)
    lost = [run for run in started if ended.get(run) not in ("done", "running", "queued")]
    per_page = pd.Series(seen["seconds"]).groupby(seen["page"]).quantile(0.95).round(2)
    result = {
        "sessions": options.sessions, "interactions": len(seen["seconds"]),
        "errors": len(seen["error"]) + log.count("Traceback"),
        "p95_seconds": round(float(np.percentile(seen["seconds"], 95)), 2) if seen["seconds"] else None,
        "p95_by_page": per_page.to_dict(),
        "memory_growth": round(growth(seen["memory"]), 1), "memory_mib": round(max(seen["memory"], default=0)),
        "jobs_lost": len(lost), "jobs": {run: ended.get(run) for run in sorted(started)}, "minutes": options.minutes,
    }  # fmt: skip
    print(json.dumps(result))
    slow = result["p95_seconds"] is None or result["p95_seconds"] > SLOWEST
    return int(bool(result["errors"] or lost or slow or result["memory_growth"] > GROWTH))


if __name__ == "__main__":
    sys.exit(main())
