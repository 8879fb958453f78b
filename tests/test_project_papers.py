"""The papers of the project say what is so: checks before a commit, citation, files and folders that they name."""

import re
import subprocess
from pathlib import Path

import pytest
import yaml

import upsr_core

ROOT = Path(__file__).resolve().parents[1]
PAPERS = [ROOT / name for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md")]
PAPERS += sorted((ROOT / "docs").rglob("*.md"))
FOLDERS = "upsr_core|app|pages|assets|workshop|tests|docs"


def test_the_checks_before_a_commit_are_those_of_make_test():
    plan = subprocess.run(["make", "-n", "test"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    made = [line for line in plan.splitlines() if re.match(r"\.venv/bin/(?!pip |pytest)", line)]
    (local,) = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8"))["repos"]
    assert [hook["entry"] for hook in local["hooks"]] == made and len(made) == 4
    assert all(hook["language"] == "system" and not hook["pass_filenames"] for hook in local["hooks"])


def test_the_citation_names_this_version_and_the_paper():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert citation["version"] == upsr_core.__version__ and citation["license"] == "MIT"
    assert {"cff-version", "message", "title", "authors"} <= citation.keys()
    paper = citation["preferred-citation"]
    assert paper["authors"][0] == {"given-names": "Zekai", "family-names": "Qu"} and paper["year"] == 2023
    assert paper["title"] in (ROOT / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("paper", PAPERS, ids=lambda paper: str(paper.relative_to(ROOT)))
def test_files_and_modules_that_are_named_exist(paper):
    text = paper.read_text(encoding="utf-8")
    for named in re.findall(rf"`((?:{FOLDERS})/[\w./-]*)`", text):
        assert (ROOT / named).exists(), f"{paper.name}: {named}"
    for module in re.findall(r"(?:^::: |from )(upsr_core[\w.]*)", text, re.MULTILINE):
        place = ROOT / module.replace(".", "/")
        assert place.is_dir() or place.with_suffix(".py").is_file(), f"{paper.name}: {module}"


def test_every_page_of_the_documentation_is_named_by_another():
    for page in (ROOT / "docs").glob("*.md"):
        others = [paper.read_text(encoding="utf-8") for paper in PAPERS if paper != page]
        assert any(f"{page.name})" in text for text in others), f"no paper links to {page.name}"


@pytest.mark.parametrize("paper", PAPERS, ids=lambda paper: str(paper.relative_to(ROOT)))
def test_every_link_leads_somewhere_in_the_repository(paper):
    for target in re.findall(r"\]\((?!https?:)([^)#]+)", paper.read_text(encoding="utf-8")):
        assert (paper.parent / target).exists(), f"{paper.name}: {target}"
