"""Draws docs/images/architecture.svg from the code: the folders of the library in their order, and who imports whom.

Folders and their order are those of the import contract in pyproject.toml, the sentences are their docstrings, the
lines their imports. `python -m workshop.architecture_picture` writes the file; a test holds it against the code.
"""

import ast
import tomllib
from html import escape
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PICTURE = ROOT / "docs" / "images" / "architecture.svg"
LEFT, WIDTH, ROW, HEIGHT, BEND = 20, 790, 50, 38, 17


def layers() -> list[str]:
    """Folders of the library, the lowest first; modules beside them are left out."""
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    names = [layer.removeprefix("upsr_core.") for layer in contracts[0]["layers"]]
    return [name for name in reversed(names) if (ROOT / "upsr_core" / name).is_dir()]


def imports(folder: str) -> set[str]:
    """The folders of the library that the modules of one import from."""
    found = set()
    for file in (ROOT / "upsr_core" / folder).glob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("upsr_core."):
                found.add(node.module.split(".")[1])
    return found - {folder}


def sentence(folder: str) -> str:
    """The first line of a folder's docstring."""
    text = ast.get_docstring(ast.parse((ROOT / "upsr_core" / folder / "__init__.py").read_text(encoding="utf-8")))
    return (text or "").splitlines()[0]


def picture() -> str:
    """The SVG: data go down the list, an arc leads from a folder up to each that it imports."""
    folders = layers()
    places = {name: number for number, name in enumerate(folders)}
    middle = {name: 30 + number * ROW + HEIGHT / 2 for name, number in places.items()}
    arcs, boxes = [], []
    for name in folders:
        for other in sorted(imports(name) & set(folders), key=places.__getitem__):
            out = LEFT + WIDTH + BEND * abs(places[name] - places[other])
            start, end = middle[name], middle[other]
            arcs.append(
                f'<path d="M{LEFT + WIDTH} {start:g} C{out} {start:g} {out} {end:g} {LEFT + WIDTH} {end:g}"/>'
                f'<circle cx="{LEFT + WIDTH}" cy="{end:g}" r="2.5"/>'
            )
        top = middle[name] - HEIGHT / 2
        boxes.append(
            f'<rect x="{LEFT}" y="{top:g}" width="{WIDTH}" height="{HEIGHT}" rx="6"/>'
            f'<text x="{LEFT + 14}" y="{middle[name] + 5:g}" class="name">{escape(name)}/</text>'
            f'<text x="{LEFT + 120}" y="{middle[name] + 5:g}">{escape(sentence(name).replace("`", ""))}</text>'
        )
    size = f"{LEFT + WIDTH + 260} {30 + len(folders) * ROW + 10}"
    style = (
        "rect{fill:#F2F5F5;stroke:#22686F} text{font:13px sans-serif;fill:#071214} .name{font-weight:650} "
        "path{fill:none;stroke:#22686F;stroke-opacity:.45} circle{fill:#22686F}"
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {size}"><style>{style}</style>'
        '<rect x="0" y="0" width="100%" height="100%" style="fill:#FFFFFF;stroke:none"/>\n'
        + "\n".join([*arcs, *boxes])
        + "\n</svg>\n"
    )


if __name__ == "__main__":
    PICTURE.parent.mkdir(exist_ok=True)
    PICTURE.write_text(picture(), encoding="utf-8")
