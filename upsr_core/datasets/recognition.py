"""What a file is and which of its columns is what, guessed so that it can be shown and corrected."""

import re
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from pathlib import Path
from typing import Any

from upsr_core.datasets import amazon, recbole
from upsr_core.datasets.file_layouts import DATE, HEAD_ROWS, Layout, detect, rows
from upsr_core.datasets.source_lines import SourceFile
from upsr_core.datasets.spec import KINDS, ColumnMapping, Kind, Role
from upsr_core.errors import DataError
from upsr_core.schema import ATTRIBUTES

PREVIEW_ROWS = 20

# Compared without case, blanks and underscores; the first that is found wins.
USERS = (
    "userid reviewerid user customerid visitorid memberid uid username customer reviewer member buyer buyerid client "
    "clientid visitor account accountid profileid personid cust custid customerno customernumber userno"
)
ITEMS = (
    "itemid parentasin asin productid movieid gameid appid businessid bookid trackid songid gmapid articleid stockcode "
    "isbn sku item iid id itemno productno productcode articleno article product"
)
TIMES = (
    "timestamp unixreviewtime time unixtime ts datetime date eventtime createdat "
    "invoicedate reviewtime purchasedate orderdate purchasedat boughtat orderedat boughton orderedon when"
)
ALIASES = {
    "title": "title name productname producttitle itemname itemtitle movietitle booktitle gametitle appname text",
    "category": "category categories genres genre maincategory maincat class productcategory department",
    "brand": "brand store developer company manufacturer maker publisher author artist vendor",
    "price": "price unitprice listprice retailprice saleprice sellingprice priceusd priceeur pricegbp cost",
    "description": "description plot overview synopsis about blurb summary details",
    "related": "related",
    "salesrank": "salesrank",
}
RELATED = "alsobought alsobuy alsoviewed alsoview boughttogether"
# Numbers about behaviour, pictures and addresses describe no item in words.
NO_TEXT = ("rating", "score", "vote", "count", "image", "img", "url", "link", "poster", "thumbnail", "video", "overall")

MOST_FURTHER = 50  # text columns taken besides the paper's attributes; the mapping can name more


@dataclass(frozen=True)
class Guess:
    """What was recognised: columns in file order, the mapping, and the first rows for a preview; `note` says what was
    odd about the rows that were looked at."""

    path: Path
    kind: Kind
    role: Role
    layout: Layout
    mapping: ColumnMapping
    preview: list[dict[str, Any]]
    note: str = ""

    @property
    def columns(self) -> tuple[str, ...]:
        return self.layout.columns


def guess(path: Path | str, kind: str | None = None, role: Role | None = None) -> Guess:
    """Recognise a source file by its content.

    Parameters
    ----------
    path
        JSON lines, Python literals, delimited text (all plain or gz), or Parquet.
    kind, role
        What the file is (one of KINDS) and what it is about, instead of what is recognised.

    Raises
    ------
    DataError
        The file cannot be read, or there is no such kind.
    """
    path = Path(path)
    known = None if kind is None else _known(kind)
    layout = detect(path)
    sample, note = _sample(path, layout)
    if not sample:
        columns = f"Its columns are {', '.join(layout.columns)}."
        raise DataError("The file has no rows that can be read", str(path), columns)
    found = amazon.recognise(set(layout.columns), layout.form == "literal") if _is_objects(layout) else None
    role = role or (found[1] if found else _role(layout))
    kind_found: Kind = known or (found[0] if found else "atomic" if layout.types else "table")
    published = amazon.EVENTS if role == "events" else amazon.ITEMS
    mapping = published[kind_found] if kind_found in published else _mapping(layout, sample, role)
    return Guess(path, kind_found, role, layout, mapping, sample[:PREVIEW_ROWS], note)


def _known(kind: str) -> Kind:
    for known in KINDS:
        if known == kind:
            return known
    raise DataError(f"There is no kind of file {kind!r}", how=f"The kinds are: {', '.join(KINDS)}.")


def _is_objects(layout: Layout) -> bool:
    return layout.form in ("json", "literal")


def _sample(path: Path, layout: Layout) -> tuple[list[dict], str]:
    """The first rows, and what was odd about them."""
    source_file = SourceFile(path)
    found = islice(rows(layout, layout.columns, source_file), HEAD_ROWS)
    return [dict(zip(layout.columns, row, strict=True)) for row in found], source_file.note


def attribute_name(column: str) -> str:
    """What a column is called as an attribute, so that a design can name it; empty where nothing of it can be.

    >>> attribute_name("Price (EUR)"), attribute_name("2nd line"), attribute_name("<>")
    ('price_eur', '_2nd_line', '')
    """
    name = "_".join(re.findall(r"\w+", column.lower()))
    return f"_{name}" if name[:1].isdigit() else name


def _plain(column: str) -> str:
    return "".join(letter for letter in column.lower() if letter.isalnum())


@lru_cache(maxsize=16)
def _by_plain_name(columns: tuple[str, ...]) -> dict[str, str]:
    return {_plain(column): column for column in reversed(columns)}


def _first(aliases: str, layout: Layout) -> str | None:
    by_name = _by_plain_name(layout.columns)
    return next((by_name[alias] for alias in aliases.split() if alias in by_name), None)


def _role(layout: Layout) -> Role:
    if not _first(ITEMS, layout):
        return "unknown"
    if _first(USERS, layout):
        return "events"
    return "items" if any(_first(aliases, layout) for aliases in ALIASES.values()) else "unknown"


def _mapping(layout: Layout, sample: list[dict], role: Role) -> ColumnMapping:
    item = _first(ITEMS, layout)
    if role == "events":
        timestamp = None if recbole.is_sequence_file(layout) else _first(TIMES, layout) or _dates(layout, sample)
        return ColumnMapping(user_id=_first(USERS, layout), item_id=item, timestamp=timestamp)
    # A log that carries the texts of its items: who bought them and when says nothing about them.
    behaviour = {_first(USERS, layout), _first(TIMES, layout)} if _first(USERS, layout) else set()
    return ColumnMapping(item_id=item, attributes=tuple(_attributes(layout, sample, {item} | behaviour)))


def _dates(layout: Layout, sample: list[dict]) -> str | None:
    """The first column that holds nothing but dates: overlooked, it would leave the events in the order of rows."""
    for column in layout.columns:
        values = [str(row[column]) for row in sample if row[column] not in (None, "")]
        if values and all(DATE.match(value) for value in values):
            return column
    return None


def _attributes(layout: Layout, sample: list[dict], taken: set) -> list[tuple[str, str]]:
    pairs = []
    for attribute in ATTRIBUTES:
        column = _first(ALIASES[attribute], layout)
        columns = [column] if column and column not in taken else []
        if attribute == "related" and not columns:
            columns = [found for alias in RELATED.split() if (found := _first(alias, layout))]
        pairs += [(attribute, column) for column in columns]
        taken.update(columns)
    names, most = {name for name, _ in pairs} | {"item_id", "user_id", "timestamp"}, len(pairs) + MOST_FURTHER
    for column in layout.columns:
        name = attribute_name(column)
        if not name or name.startswith("unnamed") or len(pairs) == most:  # a row number that was written without a name
            continue
        if column not in taken and name not in names and _is_text(column, sample):
            pairs.append((name, column))
            names.add(name)
    return pairs


def _is_text(column: str, sample: list[dict]) -> bool:
    if any(part in _plain(column) for part in NO_TEXT) or _plain(column).endswith("id"):
        return False
    values = [row[column] for row in sample if row[column] not in (None, "", [])]
    flat = [value[0] if isinstance(value, list) else value for value in values]
    if {str(value) for value in flat} <= {"0", "1"}:  # a flag: neither value says anything in words
        return False
    return bool(flat) and not any(
        isinstance(value, (dict, list, bool)) or str(value).startswith(("http://", "https://")) for value in flat
    )
