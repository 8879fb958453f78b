"""The log says what happened, and nothing of the data: no text of an item, no id of a user."""

import json
import logging

import pytest

from upsr_core import logs
from upsr_core.datasets.importing import import_dataset
from upsr_core.errors import DataError, RunError, UnexpectedError, UpsrError, system_error
from upsr_core.runs import queue
from upsr_core.runs.status import Job
from upsr_core.runs.worker import carry_out
from upsr_core.runtime import Cancelled

TITLE, USER = "Secret diary of a customer", "user-4711-private"


@pytest.fixture
def files(tmp_path):
    """An item file and an event file in which every title and user is recognisable."""
    items = [{"item_id": f"i{n}", "title": f"{TITLE} {n}"} for n in range(6)]
    events = ["user_id\titem_id\ttimestamp"]
    events += [f"{USER}-{user}\ti{item}\t{user * 9 + item}" for user in range(6) for item in range(6)]
    (tmp_path / "items.jsonl").write_text("\n".join(map(json.dumps, items)))
    (tmp_path / "events.tsv").write_text("\n".join(events))
    return tmp_path / "items.jsonl", tmp_path / "events.tsv"


def log_text() -> str:
    return "".join(file.read_text() for file in logs.log_file().parent.glob("upsr.log*"))


def test_imports_jobs_and_errors_are_told_without_data(files, home):
    data = import_dataset("shop", *files)
    assert data.items.title.str.startswith(TITLE).all() and data.users.str.startswith(USER).all()
    files[0].write_text(f'"{TITLE}", {USER}')
    with pytest.raises(UpsrError):
        import_dataset("shop", *files)
    job = Job(home / "jobs" / "one")
    job.folder.mkdir(parents=True)

    def failing(error):
        def do(_):
            raise error

        queue.enqueue(job)
        return carry_out(job, do)

    with pytest.raises(DataError):
        failing(DataError(f"There is no user {USER!r}", TITLE, TITLE))
    with pytest.raises(DataError):
        failing(DataError(f"The value cannot be read: {TITLE}"))
    with pytest.raises(UnexpectedError, match="KeyError") as met:
        failing(KeyError(f"{USER} {TITLE}"))
    assert str(logs.log_file()) in str(met.value) and job.status().state == "failed"
    assert failing(Cancelled()) is None
    queue.enqueue(job)
    assert carry_out(job, lambda _: {"fine": 1}) == {"fine": 1}
    text = log_text()
    for said in (
        "import of shop: started", "dataset shop: stored, 6 users, 6 items, 36 interactions", "import of shop: done in",
        "import of shop: failed after", "job one: started", "There is no user '…'", "The value cannot be read\n",
        "job one: cancelled after", "job one: done in", "builtins.KeyError", "in do", "raise error",
    ):  # fmt: skip
        assert said in text, said
    assert TITLE not in text and USER not in text


def test_the_log_rotates_and_names_forge_no_lines(home, monkeypatch):
    monkeypatch.setattr(logs, "LARGEST", 2000)
    for number in range(300):
        logs.note(f"line {number}\n2026 INFO forged")
    files = sorted(file.name for file in logs.log_file().parent.glob("upsr.log*"))
    assert len(files) == 1 + logs.KEPT and all(f.stat().st_size <= 2000 for f in logs.log_file().parent.glob("upsr*"))
    assert "line 299?2026" in logs.log_file().read_text()
    assert not logging.getLogger("upsr").propagate


def test_work_goes_on_where_no_log_can_be_written(home):
    home.mkdir(exist_ok=True)
    (home / "logs").write_text("a file in the place of the folder")
    with pytest.raises(RunError), logs.logged("work"):
        raise RunError("said as ever")


def test_a_full_disk_is_known_by_whatever_library_meets_it():
    words = (
        "[enforce fail at inline_container.cc:672] . unexpected pos 576 vs 534",  # torch
        "Error while serializing: I/O error: No space left on device (os error 28)",  # safetensors
    )
    for error in (*map(RuntimeError, words), OSError("1024 requested and 0 written"), OSError(28, "No space left")):
        assert "The disk is full" in str(system_error(error)), error
    assert system_error(RuntimeError("another")) is None
