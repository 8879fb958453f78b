"""The three published forms of the Amazon review data: how each is recognised and which field is what."""

from upsr_core.datasets.spec import ColumnMapping, Kind, Role

EVENTS: dict[Kind, ColumnMapping] = {
    "amazon-2014": ColumnMapping(user_id="reviewerID", item_id="asin", timestamp="unixReviewTime"),
    "amazon-2018": ColumnMapping(user_id="reviewerID", item_id="asin", timestamp="unixReviewTime"),
    "amazon-2023": ColumnMapping(user_id="user_id", item_id="parent_asin", timestamp="timestamp"),
}

ITEMS: dict[Kind, ColumnMapping] = {
    "amazon-2014": ColumnMapping(
        item_id="asin",
        attributes=(
            ("title", "title"),
            ("category", "categories"),
            ("brand", "brand"),
            ("price", "price"),
            ("description", "description"),
            ("related", "related"),
            ("salesrank", "salesRank"),
        ),
    ),
    "amazon-2018": ColumnMapping(
        item_id="asin",
        attributes=(
            ("title", "title"),
            ("category", "category"),
            ("brand", "brand"),
            ("price", "price"),
            ("description", "description"),
            ("related", "also_buy"),
            ("related", "also_view"),
            ("salesrank", "rank"),
            ("feature", "feature"),
        ),
    ),
    "amazon-2023": ColumnMapping(
        item_id="parent_asin",
        attributes=(
            ("title", "title"),
            ("category", "categories"),
            ("brand", "store"),
            ("price", "price"),
            ("description", "description"),
            ("related", "bought_together"),
            ("features", "features"),
        ),
    ),
}


def recognise(columns: set[str], literal: bool) -> tuple[Kind, Role] | None:
    """The kind and the role ("items" or "events") of a file with these fields, None when it is not Amazon's.

    >>> recognise({"reviewerID", "asin", "unixReviewTime", "verified"}, literal=False)
    ('amazon-2018', 'events')
    """
    if {"reviewerID", "asin"} <= columns:
        return ("amazon-2014" if literal or "helpful" in columns else "amazon-2018"), "events"
    if "parent_asin" in columns:
        if {"user_id", "timestamp"} <= columns:
            return "amazon-2023", "events"
        return ("amazon-2023", "items") if {"title", "store"} & columns else None
    if "asin" in columns:
        if literal or {"salesRank", "imUrl"} & columns:
            return "amazon-2014", "items"
        if {"also_buy", "also_view", "main_cat", "rank", "imageURL", "tech1"} & columns:
            return "amazon-2018", "items"
    return None
