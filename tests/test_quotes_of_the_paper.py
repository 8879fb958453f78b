"""What documentation and screens say of the paper is in the table of its values."""

import ast
import re
from pathlib import Path

from upsr_core.paper.published_values import PUBLISHED, TEXT, PublishedValue
from upsr_core.training.recipes import RECIPES

ROOT = Path(__file__).resolve().parents[1]
NAMES = ["two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"]
WORDS = {name: number for number, name in enumerate(NAMES, 2)}
# A number of the text that is no value: the name of a place, a seed, a date, a label such as NDCG@10 or T5.
NAMED = re.compile(
    r"`[^`]*`|\b(Tables?|Figures?|[Ss]ections?|equation|seeds?) [\d.]+(( and |, | to )[\d.]+)*"
    r"|[\w-]*[A-Za-z@][\d.]+[\w-]*|\[[^\]]*\]|\([^)]*20\d\d\)"
)
NUMBER = re.compile(r"(?<![\w.])[-+]?(\d[\d,]*\.?\d*(e-\d+)?|\.\d+)(?![\w@])")
# Sections of figures that were measured here, beside the paper's or by a recipe that is named after it.
MEASURED = {"### Against the paper's Table 1", "## What was seen", "## The behaviour-tuned one"}


def prose(file: Path) -> str:
    """What a person may read of a file: a page of documentation as it is, of code the strings."""
    text = file.read_text(encoding="utf-8")
    if file.suffix == ".md":
        text = re.sub(r"```.*?```", "", text, flags=re.DOTALL)
        parts = re.split(r"^(?=##+ )", text, flags=re.MULTILINE)
        return "\n\n".join(part for part in parts if part.partition("\n")[0] not in MEASURED)
    strings = [
        node.value
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and " " in node.value
    ]
    return "\n\n".join(strings)


def sentences(text: str) -> list[str]:
    parts = re.split(r"(?<=[.;?!])\s+(?=[^a-z])|;\s|\n\s*\n|\n(?=[|-])", text)
    return [" ".join(part.split()) for part in parts]


def numbers(sentence: str) -> set[float]:
    bare = NAMED.sub(" ", sentence)
    found = {float(match[1].replace(",", "")) for match in NUMBER.finditer(bare)}
    return found | {float(WORDS[word]) for word in re.findall(r"[a-z]+", bare) if word in WORDS}


def test_every_number_that_is_said_to_be_the_papers_is_kept_with_its_place():
    known = {float(each.value) for each in PUBLISHED if not isinstance(each.value, str)}
    files = [ROOT / "README.md", *sorted(ROOT.glob("docs/*.md"))]
    for folder in ("app", "pages", "upsr_core"):
        files += sorted((ROOT / folder).rglob("*.py"))
    strange = {}
    for file in files:
        for sentence in sentences(prose(file)):
            if re.search(r"\b[Tt]he paper\b", sentence) and (unknown := numbers(sentence) - known):
                strange[file.relative_to(ROOT).as_posix(), sentence] = sorted(unknown)
    assert not strange, "a record with its place for each, or words that do not say it is the paper's"


def test_such_numbers_are_found():
    """The two that were wrong, as they were said."""
    rate = "| `paper`, the reference, of the paper's tables | one item in ten at random | 1e-3 | nothing | all |"
    assert numbers(rate) == {10.0, 1e-3} and sentences(f"{rate}\n| next |")[0] == rate
    assert numbers("The paper loses 4.4 % (Figure 3, `--seed 5`) of NDCG@10 on nine domains.") == {4.4, 9.0}


def test_the_documentation_lists_what_the_text_says():
    listed = (ROOT / "docs" / "paper.md").read_text(encoding="utf-8").partition("## Every value that is quoted")[2]
    rows = [line for line in listed.splitlines() if line.startswith("| ")][1:]
    assert rows == [row_of(each) for each in PUBLISHED if each in TEXT]


def row_of(each: PublishedValue) -> str:
    what = ", ".join(part for part in (each.what, each.dataset, each.column) if part)
    value = f"`{each.value}`" if "<" in str(each.value) else f"{each.value}"
    return f"| {what} | {' '.join(part for part in (value, each.unit) if part)} | {each.where} |"


def test_the_documentation_of_recipes_has_their_rates():
    table = (ROOT / "docs" / "recipes.md").read_text(encoding="utf-8")
    for name, recipe in RECIPES.items():
        (row,) = re.findall(rf"^\| `{name}`.*", table, re.MULTILINE)
        assert recipe.training["learning_rate"] in numbers(row.replace("the paper's", "")), name
