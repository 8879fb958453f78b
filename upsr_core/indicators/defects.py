"""What is wrong inside single values: markup, boilerplate, stacked keywords, words said again and again."""

import re

import numpy as np
import pandas as pd

from upsr_core.indicators.attribute_tokens import Catalogue

PHRASE = 6  # words of a phrase that counts as boilerplate
TIMES, SHARE = 3, 0.2  # a word is repeated when it is said so often and makes up so much of a value

MARKUP = re.compile(
    r"</?[a-zA-Z!][^<>]*>"  # tags and comments
    r"|&(?:#\d+|#x[0-9a-fA-F]+|[a-zA-Z]{2,8});"  # entities
    r"|https?://\S+|\bwww\.\S+"
    r"|\{[^{}]{0,200}[:;][^{}]{0,200}\}"  # style sheets and scripts
    r"|\[/?[a-z]{1,6}\]"  # forum markup
    r"|\\[nrt](?![a-z])|\\u[0-9a-f]{4}"  # escapes that were never read
    r"|\ufffd|Ã[\x80-\xbf]|â€"  # text read in the wrong encoding
    r"|([^\w\s])\1{4,}"  # rows of signs
)
_KEYWORD = r"[^\W_][\w'’-]*(?:\s[^\W_][\w'’-]*)?"
STACKED = re.compile(rf"(?<![\w'’-])(?:{_KEYWORD}\s?[,/|;•]\s?){{5,}}{_KEYWORD}")


def markup(catalogue: Catalogue, name: str) -> pd.DataFrame:
    """Columns item, attribute, found: the first markup of each value that has any."""
    return _search(catalogue, name, MARKUP)


def stacked(catalogue: Catalogue, name: str) -> pd.DataFrame:
    """Columns item, attribute, found: rows of at least six keywords of one or two words (paper, section 3.2).

    A category path is such a row by its nature and is left out.
    """
    return _search(catalogue, name, STACKED) if name != "category" else _nothing()


def _nothing(*more: str) -> pd.DataFrame:
    return pd.DataFrame({"item": np.zeros(0, np.int64), **{column: [] for column in ("attribute", "found", *more)}})


def _search(catalogue: Catalogue, name: str, pattern: re.Pattern) -> pd.DataFrame:
    codes, values = pd.factorize(catalogue.items[name])
    hits = {code: match[0][:80] for code, value in enumerate(values) if (match := pattern.search(value))}
    rows = np.flatnonzero(np.isin(codes, list(hits)))
    found = [hits[code] for code in codes[rows]]
    return pd.DataFrame({"item": rows, "attribute": name, "found": found}) if len(rows) else _nothing()


def repeated(catalogue: Catalogue, name: str) -> pd.DataFrame:
    """Columns item, attribute, found, times: a word said at least three times that is a fifth of its value's words.

    Words of English grammar, numbers and words of one or two letters do not count, nor does a category path.
    """
    flat, words = catalogue.words(name)
    if name == "category" or not len(words):
        return _nothing("times")
    counts = _counted(words)[flat.values]
    pairs, times = np.unique(flat.row[counts] * len(words) + flat.values[counts], return_counts=True)
    item, code = pairs // len(words), pairs % len(words)
    often = (times >= TIMES) & (times >= SHARE * flat.lengths[item])
    table = pd.DataFrame({"item": item[often], "attribute": name, "found": words[code[often]], "times": times[often]})
    return table.sort_values("times", ascending=False, kind="stable").drop_duplicates("item").sort_values("item")


def _counted(words: np.ndarray) -> np.ndarray:
    from sklearn.feature_extraction.text import ENGLISH_STOP_WORDS

    return np.array([len(word) > 2 and not word.isdigit() and word not in ENGLISH_STOP_WORDS for word in words], bool)


def boilerplate(catalogue: Catalogue, name: str) -> pd.DataFrame:
    """Columns item, attribute, found: phrases of six words in at least 1 % (and five) of an attribute's longer values.

    Values are counted once however many items have them, and only those that say more than the phrase. Category paths
    share their beginnings by their nature and are left out.
    """
    flat, words = catalogue.words(name)
    if name == "category" or not len(words):
        return _nothing()
    codes, _ = pd.factorize(catalogue.items[name])
    one = np.unique(codes, return_index=True)[1]
    distinct = flat.take(one)
    long = distinct.lengths > PHRASE
    starts = np.arange(max(0, len(distinct.values) - PHRASE + 1))
    value = distinct.row[starts]
    starts = starts[(distinct.row[starts + PHRASE - 1] == value) & long[value]]
    value = distinct.row[starts]
    phrases = np.stack([distinct.values[starts + place] for place in range(PHRASE)], axis=1)
    _, label = np.unique(phrases @ _WEIGHTS, return_inverse=True)
    pairs = np.unique(label.astype(np.int64) * max(1, len(one)) + value)
    spread = np.bincount(pairs // max(1, len(one)), minlength=1)
    common = spread >= max(5, 0.01 * len(one))
    hits = common[label] if len(label) else np.zeros(0, bool)
    # Of the phrases of a value the most common one is shown.
    table = pd.DataFrame({"value": value[hits], "start": starts[hits], "spread": spread[label[hits]]})
    table = table.sort_values(["spread", "start"], ascending=[False, True]).drop_duplicates("value")
    said = {
        row.value: " ".join(words[distinct.values[row.start : row.start + PHRASE]]) for row in table.itertuples()
    }  # fmt: skip
    rows = np.flatnonzero(np.isin(codes, list(said)))
    found = [said[code] for code in codes[rows]]
    return pd.DataFrame({"item": rows, "attribute": name, "found": found}) if len(rows) else _nothing()


_WEIGHTS = np.random.default_rng(6).integers(1, 2**62, size=PHRASE, dtype=np.int64)  # a hash of six codes that wraps
