"""The documentation as one site: `make docs`. Papers that lie at the top of the repository become pages of it too.

Links are written as they are followed in the repository; here they are turned to where the pages lie in the site.
"""

import re
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).resolve().parents[1]
PAPERS = {"README.md": "index.md", "SECURITY.md": "SECURITY.md", "CONTRIBUTING.md": "CONTRIBUTING.md"}
PAPERS |= {"CHANGELOG.md": "CHANGELOG.md", "LICENSE": "LICENSE.md", "CITATION.cff": "CITATION.md"}
IMAGES = "assets/images"
_LINK = re.compile(r"(\]\()([^)#\s]+)(#[^)\s]*)?(\))")


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the papers and the images that they show; a hook of mkdocs."""
    for name, place in PAPERS.items():
        text = (ROOT / name).read_text(encoding="utf-8")
        text = text if name.endswith(".md") else f"# {name.partition('.')[0].title()}\n\n```\n{text}```\n"
        files.append(File.generated(config, place, content=text))
    for image in (ROOT / IMAGES).iterdir():
        files.append(File.generated(config, f"{IMAGES}/{image.name}", abs_src_path=str(image)))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Turn the links of a page; a hook of mkdocs."""
    place = page.file.src_uri
    here = next((name for name, paper in PAPERS.items() if paper == place), f"docs/{place}")
    return _LINK.sub(lambda link: f"{link[1]}{in_site(link[2], here)}{link[3] or ''}{link[4]}", markdown)


def in_site(target: str, here: str) -> str:
    """Where a link of the page `here` leads in the site; both are places in the repository.

    >>> in_site("docs/tutorial.md", "README.md"), in_site("../SECURITY.md", "docs/file-formats.md")
    ('tutorial.md', 'SECURITY.md')
    >>> in_site("../comparisons.md", "docs/api/comparison.md"), in_site("https://x.org", "README.md")
    ('../comparisons.md', 'https://x.org')
    """
    if "://" in target or target.startswith("mailto:"):
        return target
    parts: list[str] = here.split("/")[:-1]
    for part in target.split("/"):
        parts = parts[:-1] if part == ".." else [*parts, part]
    found = "/".join(parts)
    found = PAPERS.get(found, found.removeprefix("docs/"))
    depth = here.removeprefix("docs/").count("/")
    return "../" * depth + found
