"""Small source files of known content."""

import gzip
import json

from hypothesis import strategies as st

ITEMS = [
    {"item_id": f"i{n}", "title": f"Title {n}", "category": ["Shop", "Aisle"], "brand": "Acme", "year": str(2000 + n)}
    for n in range(6)
]
# Six users buy all six items, each starting at another one; times rise along a user's events.
EVENTS = [(f"u{u}", f"i{(u + n) % 6}", 1_500_000_000 + 60 * n) for u in range(6) for n in range(6)]


def write_lines(path, lines):
    text = "".join(f"{line}\n" for line in lines)
    if path.suffix == ".gz":
        with gzip.open(path, "wt", encoding="utf-8") as file:
            file.write(text)
    else:
        path.write_text(text, encoding="utf-8")
    return path


def write_json_lines(path, rows):
    return write_lines(path, [json.dumps(row) for row in rows])


def write_table(path, rows, columns=("user_id", "item_id", "timestamp"), delimiter="\t"):
    return write_lines(path, [delimiter.join(columns), *(delimiter.join(map(str, row)) for row in rows)])


# Any value that a line of JSON may hold, with a liking for what cleaning mends.
TEXTS = st.text(st.sampled_from(' ab<>&{}[]",\\é\t\u00a0\u200b1'), max_size=8) | st.sampled_from(
    ["nan", "None", "", " x", "a  b", "$3.50", "1,234 in Toys & Games (", "&lt;b&gt;", "getTime()", "a|b", "x" * 20_001]
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 10**20) | st.floats(allow_nan=False, allow_infinity=False) | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["also_buy", "name", "k"]), inner),
    max_leaves=4,
)
