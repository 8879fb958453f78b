"""Broken source files for every reader: each is imported beside a whole file of the other role."""

import bz2
import gzip
import io
import json
import lzma
import os
import pickle
import random
import zipfile
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from fuzz_case import Case

ITEMS = [{"item_id": f"i{n}", "title": f"Title {n}", "category": "Shop|Aisle", "brand": "Acme"} for n in range(6)]
EVENTS = [
    {"user_id": f"u{u}", "item_id": f"i{(u + n) % 6}", "timestamp": 1_500_000_000 + 60 * n}
    for u in range(6)
    for n in range(6)
]
ROLES = {"items": ITEMS, "events": EVENTS}


def table(rows: list[dict], delimiter: str = ",", end: str = "\n") -> bytes:
    lines = [delimiter.join(rows[0]), *(delimiter.join(map(str, row.values())) for row in rows)]
    return (end.join(lines) + end).encode()


def json_lines(rows: list[dict]) -> bytes:
    return "".join(json.dumps(row) + "\n" for row in rows).encode()


def parquet(frame: pd.DataFrame | pa.Table, **options) -> bytes:
    found = io.BytesIO()
    pq.write_table(frame if isinstance(frame, pa.Table) else pa.Table.from_pandas(frame), found, **options)
    return found.getvalue()


def zip_of(content: bytes) -> bytes:
    found = io.BytesIO()
    with zipfile.ZipFile(found, "w") as archive:
        archive.writestr("xl/workbook.xml", content)
    return found.getvalue()


def imported(folder: Path, name: str = "d", minimum: int = 1, **files: str) -> str:
    """Import the two files of a folder and tell what preparation noted."""
    from upsr_core.datasets.importing import import_dataset
    from upsr_core.datasets.spec import PreparationSpec

    rule = PreparationSpec(min_user=minimum, min_item=1)
    data = import_dataset(name, files["items"], files["events"], preparation=rule)
    return " ".join(f"{step['name']}: {step['note']}" for step in data.report["steps"]) + json.dumps(
        data.report["mends"]
    )


def of_file(
    name: str, role: str, content: bytes | Callable[[], bytes] | None, says: str, ends: str = "refused"
) -> Case:
    """A case whose `role` file is broken; its file name is in the message besides `says`."""

    def prepare(folder: Path) -> None:
        for each, rows in ROLES.items():
            (folder / f"{each}.csv").write_bytes(table(rows))
        if content is not None:
            (folder / "broken.file").write_bytes(content() if callable(content) else content)

    def act(folder: Path) -> str:
        paths = {each: folder / f"{each}.csv" for each in ROLES}
        return imported(folder, **{**paths, role: folder / "broken.file"})

    return Case(f"file/{role}/{name}", act, says, ends, prepare)


def _noise(size: int) -> bytes:
    return random.Random(1).randbytes(size)


def _cut(content: bytes, share: float) -> bytes:
    return content[: int(len(content) * share)]


def of_no_text(role: str) -> list[Case]:
    """What is no table at all, whichever role it is given for."""
    whole = table(ROLES[role])
    packed, stored = gzip.compress(whole * 50, mtime=0), parquet(pd.DataFrame(ROLES[role]))
    deep = b'{"a":' * 100_000 + b"1" + b"}" * 100_000
    contents = {
        "missing": (None, "no such file"),
        "empty": (b"", "empty"),
        "blank lines": (b"\n \n\t\n", "blank"),
        "byte order mark alone": (b"\xef\xbb\xbf", "blank|empty|no rows"),
        "one NUL": (b"\0", "binary"),
        "NUL bytes": (b"\0" * 4096, "binary"),
        "NUL inside": (whole.replace(b"i3", b"i\x003", 1), "binary"),
        "noise": (_noise(5000), "binary|not text"),
        "program": (b"\x7fELF\x02\x01" + bytes(100), "binary"),
        "zip": (zip_of(whole), "zip archive or an Excel"),
        "sqlite": (b"SQLite format 3\0" + bytes(100), "SQLite"),
        "pdf": (b"%PDF-1.7\n%\xe2\xe3\n", "PDF"),
        "png": (b"\x89PNG\r\n\x1a\n" + bytes(50), "image"),
        "jpeg": (b"\xff\xd8\xff\xe0" + bytes(50), "image"),
        "pickle": (pickle.dumps(ROLES[role], protocol=4), "pickle"),
        "newest pickle": (pickle.dumps(ROLES[role], protocol=5), "pickle"),
        "bz2": (bz2.compress(whole), "bz2"),
        "xz": (lzma.compress(whole), "xz"),
        "zstd": (b"\x28\xb5\x2f\xfd" + bytes(50), "zstd"),
        "UTF-16": (whole.decode().encode("utf-16"), "UTF-16"),
        "UTF-16 without a mark": (whole.decode().encode("utf-16-le"), "binary|UTF-16"),
        "UTF-32": (whole.decode().encode("utf-32"), "UTF-16|UTF-32|binary"),
        "gz cut": (_cut(packed, 0.5), "damaged or incomplete"),
        "gz cut in its header": (packed[:6], "damaged or incomplete"),
        "gz with a wrong sum": (packed[:-8] + b"\1\2\3\4" + packed[-4:], "damaged or incomplete"),
        "gz of nothing": (gzip.compress(b"", mtime=0), "no text"),
        "gz of blank lines": (gzip.compress(b"\n\n", mtime=0), "blank"),
        "gz of a gz": (gzip.compress(packed, mtime=0), "compressed twice|binary"),
        "gz of a zip": (gzip.compress(zip_of(whole), mtime=0), "zip"),
        "gz of a tar": (gzip.compress(b"items.csv" + bytes(500), mtime=0), "binary"),
        "gz magic and noise": (b"\x1f\x8b\x08" + _noise(500), "damaged or incomplete"),
        "parquet magic alone": (b"PAR1", "Parquet file is damaged"),
        "parquet cut": (_cut(stored, 0.6), "Parquet file is damaged"),
        "parquet with noise": (stored[:40] + _noise(60) + stored[100:], "Parquet file|no such|row"),
        "parquet without rows": (parquet(pd.DataFrame(ROLES[role]).iloc[:0]), "no rows"),
        "parquet without columns": (parquet(pd.DataFrame(index=range(3))), "no rows|column"),
        "JSON list": (json.dumps(ROLES[role]).encode(), "JSON list"),
        "JSON over many lines": (json.dumps({"rows": ROLES[role]}, indent=1).encode(), "JSON object per line"),
        "JSON cut": (b'{"item_id": "i1", "tit', "JSON object per line"),
        "JSON number": (b"17\n", "no rows|recognised"),
        "JSON text": (b'"abc"\n"def"\n', "recognised|no rows"),
        "JSON without keys": (b"{}\n{}\n", "JSON object per line"),
        "JSON very deep": (deep, "JSON object per line"),
        "Python very deep": (deep.replace(b'"a"', b"'a'"), "object per line"),
        "header alone": (whole.splitlines(keepends=True)[0], "no rows"),
        "one word": (b"hello", "no rows"),
        "prose": (b"Dear reader,\nthis is no table.\nYours\n", "recognised|no rows|column"),
        "HTML page": (b"<!doctype html>\n<html><body>404 Not Found</body></html>\n", "web page"),
        "commas alone": (b",,,\n,,,\n", "broken.file"),
        "one header twice": (b"item_id,item_id,title,user_id\ni1,i1,t,u1\n", "one name"),
        "quotation mark in the header": (b'item_id,"title\ni1,t\n', "broken.file"),
        "carriage returns alone": (table(ROLES[role], end="\r"), "broken.file"),
        "every row too short": (b"user_id,item_id,title\n1\n2\n3\n", "no rows"),
    }  # fmt: skip
    return [
        of_file(name, role, content, rf"(?=.*broken\.file)(?=.*({says}))") for name, (content, says) in contents.items()
    ]


def _changed(rows: list[dict], number: int, **fields) -> list[dict]:
    return [{**row, **fields} if place == number else row for place, row in enumerate(rows)]


def _without(rows: list[dict], name: str) -> list[dict]:
    return [{key: value for key, value in row.items() if key != name} for row in rows]


def _all(rows: list[dict], **fields) -> list[dict]:
    return [{**row, **fields} for row in rows]


def of_items() -> list[Case]:
    whole = table(ITEMS)
    odd = "<script>alert(1)</script>"
    return [
        of_file("no id", "items", table(_without(ITEMS, "item_id")), "broken.file.*columns are"),
        of_file("id alone", "items", table([{"item_id": row["item_id"]} for row in ITEMS]), "broken.file"),
        of_file("every id empty", "items", table(_all(ITEMS, item_id="")), "broken.file|names an item"),
        of_file("every id the same", "items", table(_all(ITEMS, item_id="i0")), "duplicate|more than one row", "mended"),
        of_file("ids that differ in case", "items", table(ITEMS + _changed(ITEMS, 0, item_id="I0")[:1]), "", "taken"),
        of_file("every text empty", "items", table(_all(ITEMS, title="", category="", brand="")), "no text", "mended"),
        of_file("one row too long", "items", whole + b"i9,a,b,c,d,e\n", "unreadable lines .lines 8", "mended"),
        of_file("one row too short", "items", whole + b"i9,a\n", "unreadable lines .lines 8", "mended"),
        of_file("bytes that are not UTF-8", "items", whole.replace(b"Title 3", b"Caf\xe9 3"), "Windows-1252", "mended"),
        of_file("UTF-8 with a bad byte", "items", whole.replace(b"Title 3", b"\xc3\xa9 \xe9"), "invalid UTF-8", "mended"),
        of_file("Latin-1 throughout", "items", whole.replace(b"Title", b"\xc4\xd6\xdc"), "Windows-1252", "mended"),
        of_file("mark before the header", "items", b"\xef\xbb\xbf" + whole, "", "taken"),
        of_file("line ends of Windows", "items", table(ITEMS, end="\r\n"), "", "taken"),
        of_file("empty column name", "items", whole.replace(b"brand", b"", 1), "", "taken"),
        of_file("blank column name", "items", whole.replace(b"brand", b"   ", 1), "", "taken"),
        of_file("script as column name", "items", whole.replace(b"brand", odd.encode(), 1), "", "taken"),
        of_file("braces as column name", "items", whole.replace(b"brand", b"{0.__class__}", 1), "", "taken"),
        of_file("names that differ in case", "items", whole.replace(b"brand", b"Title", 1), "", "taken"),
        of_file("very long column name", "items", whole.replace(b"brand", b"x" * 100_000, 1), "", "taken"),
        of_file("ten thousand columns", "items", lambda: table([{"item_id": f"i{n}", "title": "t"} | {f"c{k}": "v" for k in range(10_000)} for n in range(6)]), "", "taken"),
        of_file("a field of 5 MB", "items", lambda: table(_changed(ITEMS, 1, title="x" * 5_000_000)), "cut", "mended"),
        of_file("a line without end", "items", lambda: b"item_id,title\ni0," + b"x" * 300_000_000, "longer than.*broken.file, line 2"),
        of_file("markup never closed", "items", lambda: table(_changed(ITEMS, 1, title="<b" * 400_000)), "cut|HTML", "mended"),
        of_file("entities of entities", "items", table(_changed(ITEMS, 1, title="&amp;" * 50_000)), "entities", "mended"),
        of_file("half a pair in JSON", "items", json_lines(_changed(ITEMS, 2, title="x\ud83d")), "control", "mended"),
        of_file("list of lists of lists", "items", json_lines(_changed(ITEMS, 2, category=[[["a"]]])), "", "taken"),
        of_file("dictionary as title", "items", json_lines(_changed(ITEMS, 2, title={"en": {"a": [1, None]}})), "", "taken"),
        of_file("numbers, truth and nothing", "items", json_lines(_changed(_changed(ITEMS, 2, title=True), 3, title=None)), "", "taken"),
        of_file("number of 5,000 digits", "items", json_lines(ITEMS) + b'{"item_id": ' + b"9" * 5000 + b"}\n", "unreadable", "mended"),
        of_file("NaN and Infinity", "items", json_lines(_changed(ITEMS, 2, title=float("nan"), brand=float("inf"))), "", "taken"),
        of_file("id as a list", "items", json_lines(_changed(ITEMS, 2, item_id=["i2"])), "", "taken"),
        of_file("id as null", "items", json_lines(_changed(ITEMS, 2, item_id=None)), "unreadable", "mended"),
        of_file("control characters", "items", json_lines(_changed(ITEMS, 2, title="a\x00\x1b[31mb\x07")), "control", "mended"),
        of_file("price of letters", "items", json_lines(_all(ITEMS, price="a-box {color: red}")), "junk", "mended"),
        of_file("price of a million digits", "items", json_lines(_changed(ITEMS, 1, price="9" * 1_000_000)), "junk", "mended"),
        of_file("price 1e999", "items", json_lines(ITEMS) + b'{"item_id":"i1","price":1e999}\n', "", "taken"),
        of_file("rank as text", "items", json_lines(_all(ITEMS, salesRank="lots", imUrl="x", asin="i1")), "", "taken"),
        of_file("related as a number", "items", json_lines(_all(ITEMS, related=3)), "", "taken"),
        of_file("category opens many brackets", "items", json_lines(_changed(ITEMS, 1, category="[" * 100_000)), "", "taken"),
        of_file("2018 of wrong types", "items", json_lines([{"asin": f"i{n}", "also_buy": 1, "category": {"a": 1}, "rank": [None], "title": ["x"]} for n in range(6)]), "", "taken"),
        of_file("2023 of wrong types", "items", json_lines([{"parent_asin": f"i{n}", "title": {"x": 1}, "store": [], "price": "—", "categories": "a"} for n in range(6)]), "", "taken"),
        of_file("2014 in Python", "items", "".join(f"{ {'asin': row['item_id'], 'title': row['title'], 'imUrl': 'x'} }\n" for row in ITEMS).encode(), "", "taken"),
        of_file("2014 that calls", "items", b"{'asin': __import__('os').system('touch /tmp/broken'), 'imUrl': 'x'}\n" * 3, "broken.file.*object per line"),
        of_file("atomic of unknown types", "items", b"item_id:token\ttitle:words\n" + b"i0\tone\ni1\ttwo\n", "broken.file"),
        of_file("parquet of nested types", "items", lambda: parquet(pa.table({"item_id": ["i0", "i1"], "title": ["a", "b"], "meta": [{"x": [1]}, {"x": []}]})), "", "taken"),
        of_file("parquet of bytes", "items", lambda: parquet(pa.table({"item_id": pa.array([b"i0", b"i1", b"i2"]), "title": pa.array([b"a", b"\xff", None])})), "", "taken"),
        of_file("parquet with one name twice", "items", lambda: parquet(pa.table([["i0"], ["a"], ["b"]], ["item_id", "title", "title"])), "broken.file.*one name|one name.*broken.file"),
        of_file("parquet that explodes", "items", lambda: _shared_text(20_000_000), "(?=.*broken.file)(?=.*unpacks to far more)"),
        of_file("parquet of one long text", "items", lambda: _shared_text(1_500_000), "cut", "mended"),
        of_file("gz that explodes in one line", "items", lambda: _bomb(b"item_id,title\ni0,", b"x"), "(?=.*broken.file)(?=.*(longer than|times its size))"),
        of_file("gz that explodes in blank lines", "items", lambda: _bomb(b"item_id,title\ni0,a\n", b"\n"), "(?=.*broken.file)(?=.*times its size)"),
        of_file("gz of JSON that explodes", "items", lambda: _bomb(b'{"item_id": "i0", "title": "a"}\n', b'{"item_id":"i1"}\n'), "(?=.*broken.file)(?=.*times its size)"),
    ]  # fmt: skip


def _bomb(start: bytes, part: bytes) -> bytes:
    """2 GB in 2 MB: gz files joined are one gz file."""
    block = gzip.compress(part * (50_000_000 // len(part)), 9, mtime=0)
    return gzip.compress(start, mtime=0) + block * 40


def _shared_text(length: int) -> bytes:
    """One text that 600 rows name: where every row gets a copy, they take 600 times its length."""
    texts = pa.DictionaryArray.from_arrays(pa.array([0] * 600, pa.int32()), pa.array(["x" * length]))
    ids = pa.array([f"i{n}" for n in range(600)])
    return parquet(pa.table({"item_id": ids, "title": texts}), compression="zstd", dictionary_pagesize_limit=1 << 30)


def of_events() -> list[Case]:
    whole = table(EVENTS)

    def times(*values) -> bytes:
        return table([{**row, "timestamp": values[n % len(values)]} for n, row in enumerate(EVENTS)])

    def lines(**fields) -> bytes:
        return (
            json_lines(EVENTS)
            + (json.dumps({"user_id": "u1", "item_id": "i1", "timestamp": 1} | fields) + "\n").encode()
        )

    sequences = "user_id:token\titem_id_list:token_seq\titem_id:token\n"
    return [
        of_file("no user", "events", table(_without(EVENTS, "user_id")), "broken.file.*columns are"),
        of_file("no item", "events", table(_without(EVENTS, "item_id")), "broken.file.*columns are"),
        of_file("users all empty", "events", table(_all(EVENTS, user_id="")), "broken.file.*user_id|user_id.*broken.file"),
        of_file("items all empty", "events", table(_all(EVENTS, item_id="")), "broken.file.*item_id|item_id.*broken.file"),
        of_file("other items", "events", table(_all(EVENTS, item_id="elsewhere")), "elsewhere"),
        of_file("items in other case", "events", table([{**row, "item_id": row["item_id"].upper()} for row in EVENTS]), "I0"),
        of_file("times of words", "events", times("soon"), "soon.*timestamp"),
        of_file("times NaN", "events", times("NaN"), "timestamp"),
        of_file("times infinite", "events", times("inf", "-inf"), "timestamp"),
        of_file("times 1e308", "events", times("1e308"), "timestamp"),
        of_file("times of 400 digits", "events", times("9" * 400), "timestamp"),
        of_file("times negative", "events", times("-5", "-99999999"), "", "taken"),
        of_file("times zero", "events", times("0"), "", "taken"),
        of_file("times empty", "events", times(""), "No times|row", "mended"),
        of_file("some times of words", "events", times("1500000000", "soon"), "without a time", "mended"),
        of_file("numbers and dates", "events", times("1500000000", "2015-01-01"), "without a time", "mended"),
        of_file("dates of no calendar", "events", times("2015-02-31", "2015-13-01"), "timestamp"),
        of_file("dates day first", "events", times("13.02.2015", "01.02.2015"), "", "taken"),
        of_file("dates of the year 9999", "events", times("9999-12-31T23:59:59"), "", "taken"),
        of_file("dates with zones", "events", times("2015-01-01T00:00:00+14:00", "2015-01-01T00:00:00-12:00"), "", "taken"),
        of_file("rows too long and too short", "events", whole + b"u1\nu1,i1,1,2,3\n", "2 unreadable lines .lines 38, 39", "mended"),
        of_file("quotation mark never closed", "events", whole + b'"u1,i1,1\n' + whole * 60, "broken.file, line 38"),
        of_file("quotation mark inside", "events", whole + b'u"1,i1,1\n"u"2,i1,1\n', "unreadable", "mended"),
        of_file("user of 1 MB", "events", lambda: whole + b"u" * 1_000_000 + b",i1,1\n", "", "taken"),
        of_file("users of control characters", "events", lines(user_id="\u0000\u0007"), "", "taken"),
        of_file("user as a list", "events", lines(user_id=["u1", "u2"]), "", "taken"),
        of_file("user as a dictionary", "events", lines(user_id={"id": "u1"}), "", "taken"),
        of_file("user as a fraction", "events", lines(user_id=1.5), "", "taken"),
        of_file("user true", "events", lines(user_id=True), "", "taken"),
        of_file("user null", "events", lines(user_id=None), "unreadable", "mended"),
        of_file("user NaN", "events", lines(user_id=float("nan")), "unreadable", "mended"),
        of_file("time as a dictionary", "events", lines(timestamp={"$date": 1}), "without a time", "mended"),
        of_file("one key twice", "events", json_lines(EVENTS) + b'{"user_id":"u1","user_id":"u2","item_id":"i1","timestamp":1}\n', "", "taken"),
        of_file("lines of other things", "events", json_lines(EVENTS) + b'[1]\n7\n"x"\nnull\n{\n', "5 unreadable", "mended"),
        of_file("JSON in a nested field", "events", b'{"review": {"user_id": "u1", "item_id": "i1"}}\n' * 5, "broken.file.*columns are"),
        of_file("2018 without its time", "events", json_lines([{"reviewerID": "u1", "asin": "i1"}] * 3), "", "taken"),
        of_file("2023 with words as time", "events", json_lines([{"user_id": "u1", "parent_asin": "i1", "timestamp": "now"}] * 3), "timestamp"),
        of_file("atomic with one column twice", "events", b"user_id:token\tuser_id:token\titem_id:token\nu\tu\ti0\n", "one name"),
        of_file("atomic with a type missing", "events", b"user_id:token\titem_id\ttimestamp:float\nu0\ti0\t1\n", "broken.file"),
        of_file("sequence of nothing", "events", (sequences + "u0\t\t\n").encode(), "broken.file|item"),
        of_file("sequence that does not go on", "events", (sequences + "u0\ti0 i1\ti2\nu0\ti3 i4\ti5\n").encode(), "unreadable", "mended"),
        of_file("sequence with a short row", "events", (sequences + "u0\ti0 i1\ti2\nu0\n").encode(), "unreadable", "mended"),
        of_file("parquet of dates and decimals", "events", lambda: parquet(pd.DataFrame(EVENTS).assign(timestamp=pd.Timestamp("2020-01-01", tz="UTC"))), "", "taken"),
        of_file("parquet of empty times", "events", lambda: parquet(pd.DataFrame(EVENTS).assign(timestamp=pd.NaT)), "No times", "mended"),
        of_file("parquet of users as lists", "events", lambda: parquet(pa.table({"user_id": [["u0"], ["u1"]], "item_id": ["i0", "i1"], "timestamp": [1, 2]})), "", "taken"),
        of_file("parquet of many rows in few bytes", "events", _many_rows, "(?=.*broken.file)(?=.*unpacks to far more)"),
        of_file("gz of JSON that explodes", "events", lambda: _bomb(b"", json_lines(EVENTS[:1])), "(?=.*broken.file)(?=.*times its size)"),
    ]  # fmt: skip


def _many_rows() -> bytes:
    """100 million rows of one event in few kilobytes."""
    found, part = io.BytesIO(), pa.table({"user_id": pa.repeat("u0", 5_000_000), "item_id": pa.repeat("i0", 5_000_000)})
    with pq.ParquetWriter(found, part.schema, compression="zstd") as writer:
        for _ in range(20):
            writer.write_table(part)
    return found.getvalue()


def of_places() -> list[Case]:
    """Paths that are no files, files that do not belong together, names that no dataset can have."""

    def given(path: Callable[[Path], object]) -> Callable[[Path], str]:
        def act(folder: Path) -> str:
            whole = folder / "events.csv"
            whole.write_bytes(table(EVENTS))
            return imported(folder, items=path(folder), events=whole)

        return act

    def made(folder: Path, make) -> Path:
        place = folder / "odd.file"
        make(place)
        return place

    def both(first: bytes, second: bytes, minimum: int = 1) -> Callable[[Path], str]:
        def act(folder: Path) -> str:
            (folder / "items.csv").write_bytes(first)
            (folder / "events.csv").write_bytes(second)
            return imported(folder, minimum=minimum, items=folder / "items.csv", events=folder / "events.csv")

        return act

    def sequences(index: bytes) -> Callable[[Path], str]:
        def act(folder: Path) -> str:
            (folder / "d.item2index").write_bytes(index)
            rows = "user_id:token\titem_id_list:token_seq\titem_id:token\nu0\t0 1\t2\n"
            (folder / "d.train.inter").write_text(rows)
            (folder / "items.csv").write_bytes(table(ITEMS))
            return imported(folder, items=folder / "items.csv", events=folder / "d.train.inter")

        return act

    def named(name: str) -> Callable[[Path], str]:
        def act(folder: Path) -> str:
            for role, rows in ROLES.items():
                (folder / f"{role}.csv").write_bytes(table(rows))
            return imported(folder, name, items=folder / "items.csv", events=folder / "events.csv")

        return act

    names = [
        "",
        " ",
        ".",
        "..",
        ".hidden",
        "a" * 81,
        "ä" * 60,
        "two\nlines",
        "nul\0byte",
        "bell\a",
        "\u202egnp",
        "\ud800",
    ]
    return [
        Case("place/folder", given(lambda folder: folder), "folder was given.*Name one"),
        Case("place/loop of links", given(lambda folder: made(folder, lambda p: p.symlink_to(p))), "odd.file"),
        Case("place/link to nowhere", given(lambda folder: made(folder, lambda p: p.symlink_to("nowhere"))), "odd.file"),
        Case("place/pipe", given(lambda folder: made(folder, os.mkfifo)), "odd.file"),
        Case("place/endless device", given(lambda _: "/dev/zero"), "/dev/zero"),
        Case("place/empty device", given(lambda _: "/dev/null"), "/dev/null"),
        Case("place/terminal", given(lambda _: "/dev/tty"), "/dev/tty"),
        Case("place/process memory", given(lambda _: "/proc/self/mem"), "/proc/self/mem"),
        Case("place/NUL in the path", given(lambda _: "/tmp/a\0b"), "/tmp/a"),
        Case("place/half a pair in the path", given(lambda _: "/tmp/\ud800"), "/tmp/"),
        Case("place/very long path", given(lambda _: "/tmp/" + "a" * 5000), "/tmp/a"),
        Case("place/below a file", given(lambda folder: folder / "events.csv" / "x"), "events.csv"),
        Case("place/empty path", given(lambda _: ""), "folder was given"),
        Case("place/swapped", both(table(EVENTS), table(ITEMS)), "swapped.*Exchange"),
        Case("place/one file for both", both(table(EVENTS), table(EVENTS)), "items.csv|attribute"),
        Case("place/two item files", both(table(ITEMS), table(ITEMS)), "events.csv.*columns are"),
        Case("place/nothing reaches the core", both(table(ITEMS), table(EVENTS), 99), "most active user.*Lower"),
        Case("place/index of other items", sequences(b"zz\t7\n"), "item2index"),
        Case("place/index that is not UTF-8", sequences(b"\xff\xfei0\t0\n"), "item2index"),
        Case("place/index that is empty", sequences(b""), "item2index"),
        *(Case(f"name/{number}", named(name), "cannot be named|name") for number, name in enumerate(names)),
        Case("name/path", named("a/../../etc/passwd"), "", "taken"),
        Case("name/absolute path", named("/tmp/x"), "", "taken"),
        Case("name/backslashes", named("a\\..\\x"), "", "taken"),
        Case("name/markup", named("<img src=x onerror=alert(1)>"), "", "taken"),
        Case("name/percent", named("%2e%2e%2f"), "", "taken"),
    ]  # fmt: skip


def cases() -> list[Case]:
    return [*of_no_text("items"), *of_no_text("events"), *of_items(), *of_events(), *of_places()]
