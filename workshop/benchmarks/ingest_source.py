"""Invented files in the format of Amazon's 2018 data, of any size: what the import is measured on.

Written by DuckDB row by row, so that the files may be larger than memory; one seed gives one pair of files.
"""

from pathlib import Path

EVENTS_PER_USER = 9
_SENTENCES = 4096
_VOCABULARY = """
able anchor apple arch autumn balance basket bench birch blanket bottle bracket bridge bright broad brush cabin candle
canvas carry castle cedar chain chair clear cliff clock cloud coast copper corner cotton cover craft crisp daily deep
desk door double dozen drawer dream early earth easy elm ember evening fabric family fern field fine firm flame flask
floor flow fold forest frame fresh garden gentle glass gold grain green grip handle harbor hazel heavy hinge hollow
home honey indoor iron island ivory jar kettle knit lamp large lasting latch leaf leather level light linen lock long
maple marble meadow metal mild mirror morning moss narrow needle north oak ocean olive open orbit outdoor paper path
pearl pebble pine plain plate pocket polish porch press proof quick quiet rack rain ridge ring river rope round row
sail salt sand satin shade sharp shelf shore silver simple slate small smooth snow soft solid spark spring steel stone
strap strong summer sun table tall thick thread tide timber tin trail travel tray trim true valley velvet vine wagon
walnut warm water wave wax west wheel white wide willow wind winter wire wood wool yard young
"""
_WORDS = _VOCABULARY.split()
_CATEGORIES = [
    [root, f"{word.title()} {root}", f"{other.title()} {root}"]
    for root in ("Tools", "Toys & Games", "Kitchen", "Garden", "Sports & Outdoors", "Office")
    for word, other in zip(_WORDS[::3], _WORDS[1::3], strict=False)
]

# Every draw is a hash of the row, so that any number of threads write the same file.
_SETUP = """
CREATE MACRO draw(n, salt, size) AS CAST(hash(n, salt, getvariable('seed')) % CAST(size AS UBIGINT) AS BIGINT);
CREATE MACRO part(n, salt) AS (hash(n, salt, getvariable('seed')) % 1000000) / 1e6;
CREATE MACRO word(n, salt) AS getvariable('words')[1 + draw(n, salt, len(getvariable('words')))];
CREATE MACRO code(n, width) AS lpad(upper(to_base((n * 2654435761) % 4294967291, 36)), width, '0');
CREATE MACRO asin(item) AS 'B' || code(item, 9);
CREATE MACRO neighbours(item, salt) AS
    [asin(draw(item * 100 + place, salt, getvariable('items'))) FOR place IN range(draw(item, salt, 9))];
CREATE MACRO sentence(n, salt) AS getvariable('sentences')[1 + draw(n, salt, len(getvariable('sentences')))];
"""

_ITEMS = """
SELECT
    getvariable('categories')[1 + draw(item, 1, len(getvariable('categories')))] AS category,
    '' AS tech1,
    CASE WHEN part(item, 2) < .2 THEN [] WHEN part(item, 2) < .9 THEN [sentence(item, 3) || ' ' || sentence(item, 4)]
        WHEN part(item, 2) < .95 THEN ['<b>' || sentence(item, 3) || '</b><br>' || sentence(item, 4)]
        ELSE [sentence(item, 3), sentence(item, 4) || '  Made for home &amp; garden.'] END AS description,
    '' AS fit,
    concat_ws(' ', upper(word(item, 5)), word(item, 6), word(item, 7), word(item, 8), 1 + draw(item, 9, 500))
        || CASE WHEN part(item, 10) < .03 THEN ' &amp; case' ELSE '' END AS title,
    neighbours(item, 11) AS also_buy,
    '' AS tech2,
    CASE WHEN part(item, 13) < .08 THEN '' ELSE upper(word(draw(item, 14, 5000), 15)) || ' '
        || word(draw(item, 14, 5000), 16) END AS brand,
    CASE WHEN part(item, 17) < .3 THEN [] ELSE [sentence(item, 18)] END AS feature,
    CASE WHEN part(item, 19) < .7 THEN to_json(format('{:,} in {} (', 1 + draw(item, 20, 3000000), category[1]))
        WHEN part(item, 19) < .85 THEN to_json([format('>#{:,} in {} (See Top 100)', 1 + draw(item, 20, 900000),
            category[1])])
        ELSE '[]' END AS rank,
    neighbours(item, 21) AS also_view,
    category[1] AS main_cat,
    '' AS similar_item,
    '' AS date,
    CASE WHEN part(item, 23) < .35 THEN '' WHEN part(item, 23) < .36 THEN '.a-box-inner{background-color:#fff}'
        ELSE format('${:,.2f}', .99 + draw(item, 24, 4000) / 4) END AS price,
    asin(item) AS asin
FROM (
    SELECT CASE WHEN row % 200 = 199 THEN row - 100 ELSE row END AS item
    FROM range(getvariable('items')) AS rows(row)
)
"""

# A few rows repeat the one before them, a few name items that the item file lacks.
_EVENTS = """
SELECT
    CAST(5 - draw(event, 31, 3) AS DOUBLE) AS overall,
    true AS verified,
    strftime(make_timestamp(day * 86400000000), '%m %d, %Y') AS "reviewTime",
    'A' || code(CAST(getvariable('users') * pow(part(event, 32), 1.5) AS BIGINT), 13) AS "reviewerID",
    asin(CAST(getvariable('items') * 1.01 * pow(part(event, 33), 2) AS BIGINT)) AS asin,
    upper(word(event, 34)) || ' ' || word(event, 35) AS "reviewerName",
    sentence(event, 36) AS "reviewText",
    word(event, 37) || ' ' || word(event, 38) AS summary,
    day * 86400 AS "unixReviewTime"
FROM (
    SELECT event, 15340 + draw(event, 39, 2400) AS day
    FROM (
        SELECT CASE WHEN row % 200 = 199 THEN row - 1 ELSE row END AS event
        FROM range(getvariable('events')) AS rows(row)
    )
)
"""


def write_source(folder: Path, events: int, items: int, seed: int = 0) -> tuple[Path, Path]:
    """Write `meta_synthetic.json` and `synthetic.json`, JSON lines, into an existing folder; returns the two paths.

    Items are drawn by a steep popularity and users by a flatter one, so that a 5-core drops a part of both and needs
    several rounds. Days are the finest time, as in Amazon's files: many events of a user share one.
    """
    import duckdb
    import numpy as np

    rng = np.random.default_rng(seed)
    sentences = [" ".join(rng.choice(_WORDS, size=rng.integers(8, 36))).capitalize() + "." for _ in range(_SENTENCES)]
    values = {
        "seed": seed,
        "events": events,
        "items": items,
        "users": max(events // EVENTS_PER_USER, 1),
        "words": _WORDS,
        "sentences": sentences,
        "categories": _CATEGORIES,
    }
    paths = folder / "meta_synthetic.json", folder / "synthetic.json"
    with duckdb.connect(config={"memory_limit": "1GB", "temp_directory": str(folder / ".spilled")}) as connection:
        for name, value in values.items():
            connection.execute(f"SET VARIABLE {name} = ?", [value])
        connection.execute(_SETUP)
        for path, query in zip(paths, (_ITEMS, _EVENTS), strict=True):
            target = str(path).replace("'", "''")
            connection.execute(f"COPY ({query}) TO '{target}' (FORMAT json)")
    return paths
