"""Small source files of known content."""

import gzip
import json

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
