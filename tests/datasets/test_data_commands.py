"""`upsr data` as a user runs it: a process of its own, exit codes, one red line instead of a traceback."""

import json
import subprocess
import sys

import pytest
from source_files import EVENTS, write_table


def upsr(*arguments):
    command = [sys.executable, "-m", "upsr_core", "data", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


@pytest.fixture
def imported(items_file, events_file):
    return upsr("import", "shop", "--items", items_file, "--events", events_file, "--json")


def test_import_list_show_delete(imported):
    assert imported.returncode == 0, imported.stderr
    told = json.loads(imported.stdout.splitlines()[-1])
    assert (told["name"], told["users"], told["items"], told["interactions"]) == ("shop", 6, 6, 36)
    assert "rare users and items" in imported.stdout
    listed = json.loads(upsr("list", "--json").stdout.splitlines()[-1])["datasets"]
    assert [entry["digest"] for entry in listed] == [told["digest"]]
    assert json.loads(upsr("show", "shop", "--json").stdout.splitlines()[-1]) == told
    assert upsr("delete", "shop").returncode == 0
    gone = upsr("show", "shop")
    assert (gone.returncode, gone.stdout) == (1, "")
    assert gone.stderr.strip() == "There is no dataset 'shop'. `upsr data list` names those that are stored."


def test_mapping_and_thresholds(tmp_path, items_file):
    events = write_table(tmp_path / "log.csv", EVENTS[:10], ("reviewer", "thing", "at"), ",")
    mapped = [f"--map-event={pair}" for pair in ("user_id=reviewer", "item_id=thing", "timestamp=at")]
    command = ["import", "shop", "--items", items_file, "--events", events, "--json"]
    failed = upsr(*command, *mapped)
    assert (failed.returncode, len(failed.stderr.splitlines())) == (1, 1)
    assert "Nothing is left" in failed.stderr
    done = upsr(*command, *mapped, "--new-domain", "--map-item", "brand=", "--map-item", "title=brand")
    told = json.loads(done.stdout.splitlines()[-1])
    assert (told["users"], told["interactions"], told["attributes"]) == (2, 10, ["title", "category", "year"])


def test_a_log_that_is_both_files_lends_items_nothing_of_its_buyers(tmp_path):
    rows = [(user, item, time, f"Name of {item}") for user, item, time in EVENTS]
    log = write_table(tmp_path / "log.csv", rows, ("u", "i", "bought", "titel"), ",")
    mapped = [f"--map-event={pair}" for pair in ("user_id=u", "item_id=i", "timestamp=bought")]
    done = upsr(
        "import",
        "shop",
        "--items",
        log,
        "--events",
        log,
        *mapped,
        "--map-item=item_id=i",
        "--map-item=title=titel",
        "--json",
    )
    assert json.loads(done.stdout.splitlines()[-1])["attributes"] == ["title"]
    again = upsr(
        "import", "shop", "--items", log, "--events", log, *mapped, "--map-item=item_id=i", "--map-item=title=titel"
    )
    assert "it is replaced once the import has succeeded" in again.stdout


def test_memory_changes_nothing_but_the_memory(imported, items_file, events_file):
    told = json.loads(imported.stdout.splitlines()[-1])
    command = ["import", "shop", "--items", items_file, "--events", events_file, "--json", "--memory"]
    again = json.loads(upsr(*command, "600MB").stdout.splitlines()[-1])
    assert {**again, "report": {**again["report"], "seconds": 0}} == {
        **told,
        "report": {**told["report"], "seconds": 0},
    }
    for amount, what in (("2 apples", "not an amount of memory"), ("1MB", "too few")):
        failed = upsr(*command, amount)
        assert (failed.returncode, len(failed.stderr.splitlines())) == (1, 1)
        assert what in failed.stderr


@pytest.mark.parametrize(
    "option", ["--map-item=title", "--map-item=item_id=nope", "--map-event=user_id=", "--kind=x", "--map-event=time=at"]
)
def test_wrong_options_are_one_line(items_file, events_file, option):
    failed = upsr("import", "shop", "--items", items_file, "--events", events_file, option)
    assert (failed.returncode, failed.stdout, len(failed.stderr.splitlines())) == (1, "", 1)
    assert "Traceback" not in failed.stderr
