"""The generated source is what it says, both programs make the same 5-core of it, and the benchmark has its keys."""

import json
import subprocess
import sys

import pandas as pd

from upsr_core.datasets.importing import import_dataset
from workshop.benchmarks import ingest_rival
from workshop.benchmarks.ingest_source import write_source


def test_the_rival_finds_the_same_core(tmp_path):
    items, events = write_source(tmp_path, events=6_000, items=600)
    ours = import_dataset("ours", items, events, synthetic=True)
    assert ours.spec.items.kind == ours.spec.events.kind == "amazon-2018"
    assert ours.report["core_iterations"] > 1
    assert all(ours.report[key] for key in ("ties", "duplicate_item_rows"))
    dropped = {step["name"]: step["dropped"] for step in ours.report["steps"]}
    assert all(dropped[name] for name in ("events of unknown items", "duplicate events", "rare users and items"))
    assert {"HTML", "entities", "white space"} <= set(ours.report["mends"]["description"])
    ingest_rival.prepare(str(items), str(events), str(tmp_path))
    theirs = pd.read_parquet(tmp_path / "events.parquet")
    assert sorted(theirs.groupby("user").size()) == sorted(ours.offsets[1:] - ours.offsets[:-1])
    assert set(pd.read_parquet(tmp_path / "items.parquet").asin) == set(ours.items.item_id)


def test_one_seed_writes_one_source(tmp_path):
    folders = [tmp_path / name for name in ("a", "b", "c")]
    found = []
    for folder, seed in zip(folders, (1, 1, 2), strict=True):
        folder.mkdir()
        found.append([path.read_bytes() for path in write_source(folder, 3_000, 300, seed)])
    assert found[0] == found[1] != found[2]
    assert [len(data.splitlines()) for data in found[0]] == [300, 3_000]


def test_the_benchmark_has_its_keys(tmp_path):
    command = [sys.executable, "-m", "upsr_core", "bench", "ingest", "--millions", "0.004,0.002", "--json"]
    done = subprocess.run([*command, "--folder", tmp_path], capture_output=True, text=True, timeout=120, check=True)
    told = json.loads(done.stdout.splitlines()[-1])
    keys = {"ratio_pandas_time", "ratio_pandas_memory", "peak_gb", "growth_exponent", "seconds", "peaks_gb"}
    assert keys <= set(told)
    assert list(told["seconds"]) == ["0.002", "0.004"]
    assert told["peak_gb"] > 0.05
    assert list(tmp_path.iterdir()) == []
