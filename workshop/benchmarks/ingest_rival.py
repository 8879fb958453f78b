"""The obvious pandas program that an import is measured against: it reads both files whole and works on DataFrames.

python -m workshop.benchmarks.ingest_rival ITEMS EVENTS FOLDER

It does less than an import: texts are stripped of tags and entities, but nothing is counted, checked or mended besides.
"""

import html
import sys
from pathlib import Path

import pandas as pd

ATTRIBUTES = ["title", "category", "brand", "price", "description", "also_buy", "also_view", "rank", "feature"]
LEAST = 5


def prepare(items_file: str, events_file: str, folder: str) -> None:
    """The 5-core of Amazon-2018 files, as `items.parquet` and `events.parquet` in a folder."""
    events = pd.read_json(events_file, lines=True)[["reviewerID", "asin", "unixReviewTime"]]
    items = pd.read_json(items_file, lines=True)[["asin", *ATTRIBUTES]].drop_duplicates("asin")
    for name in ATTRIBUTES:
        text = items[name].map(lambda value: " ".join(map(str, value)) if isinstance(value, list) else str(value))
        items[name] = text.str.replace(r"<[^<>]+>", " ", regex=True).map(html.unescape).str.strip()
    events = events[events["asin"].isin(items["asin"])].drop_duplicates()
    while True:
        by_user = events["reviewerID"].map(events["reviewerID"].value_counts())
        by_item = events["asin"].map(events["asin"].value_counts())
        kept = events[(by_user >= LEAST) & (by_item >= LEAST)]
        if len(kept) == len(events):
            break
        events = kept
    items = items[items["asin"].isin(events["asin"])].reset_index(drop=True)
    events["item"] = events["asin"].map(pd.Series(items.index, index=items["asin"]))
    events["user"] = pd.factorize(events["reviewerID"])[0]
    events = events.sort_values(["user", "unixReviewTime"], kind="stable")
    items.to_parquet(Path(folder) / "items.parquet")
    events[["user", "item", "unixReviewTime"]].to_parquet(Path(folder) / "events.parquet")


if __name__ == "__main__":
    prepare(*sys.argv[1:])
