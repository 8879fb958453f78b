"""The documentation as a site: `make docs` in a temporary folder, where a warning is an error."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

import upsr_core

ROOT = Path(__file__).resolve().parents[1]
PAPERS = ("README", "SECURITY", "CONTRIBUTING", "CHANGELOG", "LICENSE", "CITATION")
# Neither the library nor torch can be imported while the site is made: the reference is read from the sources.
BUILD = """
import sys
sys.modules["torch"] = sys.modules["upsr_core"] = None
from mkdocs.__main__ import cli
cli()
"""


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    words = ["build", "--strict", "--config-file", str(ROOT / "mkdocs.yml"), "--site-dir", str(folder)]
    done = subprocess.run([sys.executable, "-c", BUILD, *words], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


def anchors(page: Path) -> set[str]:
    return set(re.findall(r'id="(upsr_core[\w.]*)"', page.read_text(encoding="utf-8")))


def test_every_page_of_the_repository_is_a_page_of_the_site(site):
    pages = {page.relative_to(ROOT / "docs").with_suffix(".html") for page in (ROOT / "docs").rglob("*.md")}
    pages |= {Path("index.html" if name == "README" else f"{name}.html") for name in PAPERS}
    assert len(pages) > 25
    assert {page for page in pages if not (site / page).is_file()} == set()


def test_every_folder_of_the_library_has_a_page_in_the_reference(site):
    folders = {place.parent.name for place in (ROOT / "upsr_core").glob("*/__init__.py")} - {"cli"}
    assert len(folders) > 10
    for folder in folders:
        named = anchors(site / "api" / f"{folder}.html")
        assert any(name.startswith(f"upsr_core.{folder}.") for name in named), folder


def test_the_front_door_lists_what_it_offers(site):
    offered = {f"upsr_core.{name}" for name in getattr(upsr_core, "__all__", ())}
    assert {"upsr_core"} | offered <= anchors(site / "api" / "index.html")


def test_the_search_finds_prose_and_reference(site):
    index = json.loads((site / "search" / "search_index.json").read_text(encoding="utf-8"))["docs"]
    found = {entry["location"]: entry["text"] for entry in index}
    assert "api/text.html#upsr_core.text.render.ItemTexts" in found
    assert any("best k" in text for place, text in found.items() if place.startswith("likelihood.html"))


def test_examples_of_docstrings_are_code(site):
    page = (site / "api" / "text.html").read_text(encoding="utf-8")
    assert "template_fields" in page and "&gt;&gt;&gt;" in page
    assert "<blockquote>" not in page, "Markdown took an example for a quotation"


def test_a_visit_asks_nothing_of_other_machines(site):
    for page in site.rglob("*.html"):
        loaded = re.findall(
            r"<(?:script|img|link|iframe)[^>]*(?:src|href)=\"?([^\" >]+)", page.read_text(encoding="utf-8")
        )
        assert loaded and not [place for place in loaded if re.match(r"(?:https?:)?//", place)], page
    for sheet in site.rglob("*.css"):
        assert not re.search(r"url\([\"']?(?:https?:)?//", sheet.read_text(encoding="utf-8")), sheet
