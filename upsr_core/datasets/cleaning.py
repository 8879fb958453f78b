"""Cleaning of one attribute value at a time; every mend is named so that it can be counted.

Each function takes the raw value (text, number, list, dict or None) and a set that collects the names of the mends
it made: "HTML", "entities", "control characters", "white space", "repeated category", "number form", "junk", "cut".
An empty text means: missing.
"""

import ast
import html
import json
import math
import re
from typing import Any

LONGEST = 20_000  # characters kept of one value; a text sequence holds 512 tokens
LONGEST_RAW = 200_000  # characters looked at, so that no regular expression meets a field of megabytes

MISSING = {"nan", "NaN", "NAN", "None", "null", "NULL", "<NA>"}
INLINE = (
    "a abbr b bdi bdo big cite code del dfn em font i ins kbd mark nobr q s samp small span strike strong sub sup tt u "
    "var"
)
BLOCK = (
    "address article aside blockquote body br button caption center col colgroup dd div dl dt embed fieldset figure "
    "footer form frame h1 h2 h3 h4 h5 h6 head header hr html iframe img input label legend li link main map meta nav "
    "noscript object ol option p param picture pre script section select source style svg table tbody td textarea "
    "tfoot th thead title tr ul video"
)
# A browser drops a script, a style sheet or a comment that is never closed with all that follows; so do we.
_HIDDEN = re.compile(r"<(script|style)\b(?:.*?</\1\s*>|.*)|<!--(?:.*?-->|.*)", re.DOTALL | re.IGNORECASE)
_INLINE = re.compile(rf"</?(?:{'|'.join(INLINE.split())})(?=[\s/>])[^<>]*>", re.IGNORECASE)
_BLOCK = re.compile(rf"</?(?:{'|'.join(BLOCK.split())})(?=[\s/>])[^<>]*>|<!doctype[^<>]*>", re.IGNORECASE)
_UNCLOSED = re.compile(rf"</?(?:{'|'.join((INLINE + ' ' + BLOCK).split())})\b[^<>]*$", re.IGNORECASE)
# C0 and C1 controls that are not white space, invisible marks, halves of surrogate pairs.
_CONTROL = re.compile("[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\u200b\u2060\ufeff\ufff9-\ufffb\ud800-\udfff]")
_PROGRAM = re.compile(r"\bgetTime\(\)|^\s*[.#@][\w-]+[^{}]*\{[^{}]*[:;]", re.DOTALL)

_SIGN = r"(?:US|CA|AU|NZ|HK)?\s?[$£€¥₹]|USD|EUR|GBP|CAD|AUD|INR|Rs\.?"
_AMOUNT = rf"(?:{_SIGN})?\s?(\d[\d.,]*)\s?(?:{_SIGN})?"
_PRICE = re.compile(rf"{_AMOUNT}(?:\s*(?:-|–|to)\s*{_AMOUNT})?", re.IGNORECASE)
_FREE = re.compile(r"(?:play )?(?:for )?free(?: to (?:play|use))?!?", re.IGNORECASE)
_RANK = re.compile(r"[>#\s]*(\d[\d,]*)\s+in\s+(.+?)(?:\s*\(.*)?", re.DOTALL)


def clean(attribute: str, value: Any, mends: set[str]) -> str:
    """The text of one attribute: prices, categories, related items and sales ranks each have their own form."""
    return _CLEANERS.get(attribute, clean_text)(value, mends)


def clean_text(value: Any, mends: set[str]) -> str:
    """Plain text on one line; a list is joined by blanks, a dict written as "key: value" pairs.

    >>> clean_text("<b>Tom</b> &amp; Jerry<br>The\\tMovie", mends := set()), sorted(mends)
    ('Tom & Jerry The Movie', ['HTML', 'entities', 'white space'])
    >>> clean_text(["Two parts,", "one text"], set()), clean_text(1995.0, set()), clean_text("nan", set())
    ('Two parts, one text', '1995', '')
    >>> clean_text("I <3 C, if a < b > c", set())
    'I <3 C, if a < b > c'
    """
    text = _raw(value)
    if not text or text in MISSING:
        return ""
    if len(text) > LONGEST_RAW:
        text = text[:LONGEST_RAW]
        mends.add("cut")
    if "<" in text or "&" in text:
        text = _without_markup(text, mends)
    if _CONTROL.search(text):
        text = _CONTROL.sub("", text)
        mends.add("control characters")
    if _PROGRAM.search(text):
        mends.add("junk")
        return ""
    single = " ".join(text.split())
    if single != text:
        mends.add("white space")
    if not single and _raw(value).strip():
        mends.add("junk")
    if len(single) > LONGEST:
        single = single[:LONGEST].rstrip()
        mends.add("cut")
    return "" if single in MISSING else single


def clean_price(value: Any, mends: set[str]) -> str:
    """An amount with two decimals, or a range of two; what holds no amount is junk and becomes missing.

    >>> [clean_price(price, set()) for price in ("$1,234.56", 9.5, "$7.99 - $15.00", "1.234,50 €", "Free to Play")]
    ['1234.56', '9.50', '7.99 - 15.00', '1234.50', 'Free']
    >>> clean_price(".a-box-inner{background-color:#fff}", mends := set()), sorted(mends)
    ('', ['junk'])
    """
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return f"{value:.2f}" if math.isfinite(value) and value >= 0 else ""
    text = clean_text(value, mends)
    if not text:
        return ""
    if _FREE.fullmatch(text):
        return "Free"
    found = _PRICE.fullmatch(text) if len(text) < 60 else None
    if not found:
        mends.add("junk")
        return ""
    price = " - ".join(f"{_amount(group):.2f}" for group in found.groups() if group)
    if price != text:
        mends.add("number form")
    return price


def clean_category(value: Any, mends: set[str]) -> str:
    """The category path in its order, joined by ", "; of several paths the first; repeats in a row once.

    >>> clean_category([["Beauty", "Makeup", "Nails"], ["Beauty", "Gifts"]], set())
    'Beauty, Makeup, Nails'
    >>> clean_category(["Gift Cards", "Gift Cards"], mends := set()), sorted(mends)
    ('Gift Cards', ['repeated category'])
    >>> clean_category("Animation|Comedy", set()), clean_category("['Arts, Crafts', 'Sewing']", set())
    ('Animation, Comedy', 'Arts, Crafts, Sewing')
    """
    path: list[str] = []
    for part in _category_path(value):
        name = clean_text(part, mends)
        if path and name == path[-1]:
            mends.add("repeated category")
        elif name:
            path.append(name)
    return ", ".join(path)


def clean_related(value: Any, mends: set[str]) -> str:
    """The ids of related items joined by ", ": also bought, also viewed, bought together, then any other list.

    >>> clean_related({"also_viewed": ["B2"], "also_bought": ["B1"]}, set()), clean_related(["B1", "B2"], set())
    ('B1, B2', 'B1, B2')
    """
    if isinstance(value, dict):
        known = ("also_bought", "also_buy", "also_viewed", "also_view", "bought_together")
        ordered = [name for name in known if name in value] + [name for name in value if name not in known]
        value = [item for name in ordered for item in _as_list(value[name])]
    return clean_text(", ".join(_raw(item) for item in _as_list(value)), mends)


def clean_salesrank(value: Any, mends: set[str]) -> str:
    """Every category with the rank in it, "Beauty 123"; several joined by ", ".

    >>> clean_salesrank({"Beauty": 123}, set()), clean_salesrank("2,255 in Gift Cards (", set())
    ('Beauty 123', 'Gift Cards 2255')
    >>> clean_salesrank([">#14,223 in Toys & Games (See Top 100 in Toys & Games)", ">#9 in Dolls"], set())
    'Toys & Games 14223, Dolls 9'
    """
    if isinstance(value, dict):
        value = [f"{name} {_raw(rank)}" for name, rank in value.items() if rank is not None]
    ranks = []
    for entry in _as_list(value):
        text = clean_text(entry, mends)
        found = _RANK.fullmatch(text)
        if found:
            mends.add("number form")
            text = f"{found[2]} {found[1].replace(',', '')}"
        if text:
            ranks.append(text)
    return ", ".join(ranks)


_CLEANERS = {
    "price": clean_price,
    "category": clean_category,
    "related": clean_related,
    "salesrank": clean_salesrank,
}


def identifier(value: Any) -> str:
    """The text of an id, empty when there is none.

    >>> identifier(" B00X "), identifier(12.0), identifier(None)
    ('B00X', '12', '')
    """
    text = value if type(value) is str else _raw(value)
    text = text.strip()
    if not text.isascii() and _CONTROL.search(text):
        text = _CONTROL.sub("\ufffd", text)
    return "" if text in MISSING else text


def _raw(value: Any) -> str:
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    if isinstance(value, float):
        if not math.isfinite(value):
            return ""
        return str(int(value)) if value.is_integer() and abs(value) < 1e15 else str(value)
    if isinstance(value, dict):
        return ", ".join(f"{key}: {text}" for key, part in value.items() if (text := _raw(part)))
    if isinstance(value, (list, tuple)):
        return " ".join(text for part in value if (text := _raw(part)))
    return str(value)


def _as_list(value: Any) -> list:
    if value is None:
        return []
    return list(value) if isinstance(value, (list, tuple)) else [value]


def _without_markup(text: str, mends: set[str]) -> str:
    for _ in range(2):  # markup is often escaped once more: &amp;amp; or &lt;br&gt;
        plain = _HIDDEN.sub(" ", text)
        plain = _BLOCK.sub(" ", _INLINE.sub("", plain))
        plain = _UNCLOSED.sub(" ", plain)
        if plain != text:
            mends.add("HTML")
        text = html.unescape(plain) if "&" in plain else plain
        if text != plain:
            mends.add("entities")
    return text


def _amount(text: str) -> float:
    """A number in either notation: of several marks, the last followed by one or two digits starts the decimals."""
    if "," not in text and text.count(".") <= 1:
        return float(text)
    text = text.rstrip(".,")
    decimals = re.search(r"[.,](\d{1,2})$", text)
    whole = text[: decimals.start()] if decimals else text
    digits = re.sub(r"[.,]", "", whole) or "0"
    return float(f"{digits}.{decimals[1]}" if decimals else digits)


def _category_path(value: Any) -> list:
    if isinstance(value, str):
        value = _parsed(value)
    parts = _as_list(value)
    if parts and isinstance(parts[0], (list, tuple)):
        return list(next((path for path in parts if path and isinstance(path, (list, tuple))), []))
    return [part.get("name") if isinstance(part, dict) else part for part in parts]


def _parsed(text: str) -> Any:
    """A category written as text: a list in JSON or Python form, or a path with "|" or " > " between its parts."""
    if text.lstrip().startswith("[") and len(text) <= LONGEST_RAW:
        for parse in (json.loads, ast.literal_eval):
            try:
                return parse(text)
            except (ValueError, SyntaxError, RecursionError, MemoryError, TypeError):
                continue
    for mark in ("|", " > "):
        if mark in text:
            return text.split(mark)
    return text
