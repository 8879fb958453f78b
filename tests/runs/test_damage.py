"""Damaged runs are named, hide no others, and are mended by one command; the doctor."""

import json
import time
from types import SimpleNamespace

import pandas as pd
import psutil
import pytest
import torch
from made_runs import made_run, uniform
from typer.testing import CliRunner

from upsr_core.cli.main import app
from upsr_core.errors import RunError
from upsr_core.indicators import result_store as readings
from upsr_core.indicators.result import IndicatorResult
from upsr_core.runs import queue, status
from upsr_core.runs.run import create_run, list_runs, load_run, unreadable_runs
from upsr_core.schema import digest_of
from upsr_core.storage.atomic import write_json
from upsr_core.training.checkpoints import last_checkpoint, mark_complete
from upsr_core.training.trainer import train


@pytest.fixture
def run(movies):
    return made_run(uniform(20))


def doctor(*options, code):
    found = CliRunner().invoke(app, ["doctor", "--json", *options])
    assert found.exit_code == code, found.output
    return json.loads(found.stdout.splitlines()[-1]), found.stdout


def test_a_run_of_a_newer_version_says_so_and_is_left_alone(run):
    record = json.loads((run.folder / "result.json").read_text())
    record = {**record, "format": 99}
    del record["seal"]
    write_json(run.folder / "result.json", {**record, "seal": digest_of(record)})
    again = load_run(run.id)
    assert again.status().state == "damaged" and "newer version" in again.status().message
    with pytest.raises(RunError, match="newer version"):
        again.drop_damaged()
    assert "Update UPSR Studio" in doctor(code=1)[1]


@pytest.mark.parametrize("name", ["result.json", "per_user.parquet", "curve.csv"])
def test_damage_of_results_is_named_and_can_be_resumed(run, name):
    file = run.folder / name
    whole = file.read_bytes()
    for damage in (whole[:50], whole[:-20] + bytes(20), whole.replace(b"1", b"2", 1), None):
        if damage is None:
            file.unlink()
        else:
            file.write_bytes(damage)
        again = load_run(run.id)
        if name == "result.json":
            assert again.result() is None
        else:
            with pytest.raises(RunError, match=name) as met:
                again.curve() if name == "curve.csv" else again.per_user()
            assert f"upsr resume {run.id}" in met.value.how
        report, _ = doctor(code=1)
        assert any(name in finding["what"] for finding in report["findings"])
        if again.status().state != "done":
            assert again.status().state == "damaged" and "Resume" in again.status().message
        file.write_bytes(whole)
        again.write_status(state="done", message="")
    assert load_run(run.id).status().state == "done"


def test_a_damaged_specification_hides_no_other_run_and_is_written_anew(run):
    other = made_run(uniform(20), seed=1)
    (other.folder / "spec.json").write_text("{")
    assert [each.id for each in list_runs()] == [run.id] and list(unreadable_runs()) == [other.id]
    shown = CliRunner().invoke(app, ["runs"])
    assert shown.exit_code == 0 and f"specification of run {other.id} cannot be read" in shown.stdout
    assert create_run(other.spec).id == other.id and not unreadable_runs()
    assert load_run(other.id).status().state == "done"


def test_a_job_is_known_by_its_process_however_the_clock_is_set(run, monkeypatch):
    queue.enqueue(run)
    queue.claim(run, psutil.Process().pid)
    assert run.status().state == "queued"
    boot, created = psutil.boot_time(), psutil.Process.create_time
    monkeypatch.setattr(psutil, "boot_time", lambda: boot - 5000)
    monkeypatch.setattr(psutil.Process, "create_time", lambda self: created(self) - 5000)
    assert run.status().state == "queued"
    monkeypatch.setattr(psutil.Process, "create_time", lambda self: created(self) - 4000)  # another process of that id
    assert run.status().state == "died"
    monkeypatch.undo()
    run.write_status(state="cancelled")
    queue.enqueue(run)
    assert run.status().pid == psutil.Process().pid and run.status().active
    run.write_status(pid=None)  # as an older version queued it
    assert run.status().active
    monkeypatch.setattr(status.time, "time", lambda: time.monotonic() - 1e6)  # far in the past
    assert run.status().state == "died"


def test_only_whole_checkpoints_with_their_best_are_gone_on_from(tmp_path):
    def checkpoint(step, best):
        folder = tmp_path / f"checkpoint-{step}"
        folder.mkdir()
        (folder / "model.safetensors").write_bytes(bytes([step]) * 100)
        where = f"/moved/since/checkpoint-{best}"
        write_json(folder / "trainer_state.json", {"best_model_checkpoint": where if best else None})
        return folder

    first, second = checkpoint(10, 10), checkpoint(20, 10)
    assert last_checkpoint(tmp_path) is None and not first.exists()
    first, second, third = checkpoint(10, 10), checkpoint(20, 20), checkpoint(30, 20)
    for folder in (first, second, third):
        mark_complete(folder)
    assert last_checkpoint(tmp_path) == third
    (second / "model.safetensors").write_bytes(bytes(100))
    assert last_checkpoint(tmp_path) == first and not second.exists() and not third.exists()


def test_the_doctor_tells_sweeps_leftovers_and_takes_nothing_else(run, home):
    report, said = doctor(code=0)
    assert report["machine"]["packages"]["torch"] and report["stored"]["runs"]["count"] == 1
    assert report["stored"]["datasets"]["bytes"] > 10_000 and "Nothing is broken" in said
    nobody = 2**22 - 1
    left = [run.folder / f".status.json.{nobody}.0123abcd~", home / "datasets" / f".x.{nobody}.0123abcd~"]
    left[0].write_text("half")
    left[1].mkdir()
    kept = readings.keep(
        "0" * 16, IndicatorResult.of("noise", 1.0, tables={"per_item": pd.DataFrame({"a": [1.0, 2.0]})})
    )
    assert kept.value == 1.0 and readings.stored("0" * 16).tables["per_item"].a.sum() == 3
    file = home / "indicators" / ("0" * 16) / "per_item.parquet"
    file.write_bytes(file.read_bytes()[:-9] + b"123456789")
    run.write_status(state="cancelled", message="Cancelled. It can be resumed.")
    report, _ = doctor(code=1)
    assert sorted(each["kind"] for each in report["findings"]) == ["broken", "interrupted", "leftover", "leftover"]
    assert all(each["how"] for each in report["findings"]) and all(path.exists() for path in left)
    report, _ = doctor("--mend", code=0)
    assert [each["kind"] for each in report["findings"]] == ["interrupted"] and len(report["mended"]) == 3
    assert not any(path.exists() for path in left) and run.folder.exists() and readings.stored("0" * 16) is None


def test_a_kill_while_the_new_best_is_sealed_leaves_what_there_was(tmp_path, monkeypatch):
    class Net(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = torch.nn.Linear(4, 1)

        def forward(self, x, attention_mask=None):
            return {"loss": (self.layer(x) ** 2).mean()}

    class Batches(torch.utils.data.Dataset):
        def __len__(self):
            return 60

        def __getitem__(self, step):
            return {"x": torch.full((2, 4), float(step % 5)), "attention_mask": torch.ones(2, 4)}

    def killed(checkpoint):
        if checkpoint.name == "checkpoint-30":
            raise KeyboardInterrupt
        mark_complete(checkpoint)

    monkeypatch.setattr("upsr_core.training.trainer.mark_complete", killed)
    quality = iter([0.5, 0.3, 0.9])
    spec = SimpleNamespace(learning_rate=1e-3, evaluations=6, patience=9, seed=0)
    curve = {"user_dependence": 0.0, "low": 0.0, "high": 0.0}
    with pytest.raises(KeyboardInterrupt):
        train(Net(), Batches(), spec, tmp_path, lambda *_: None, "t", lambda model: {"ndcg10": next(quality), **curve})
    assert last_checkpoint(tmp_path) == tmp_path / "checkpoint-20"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["checkpoint-10", "checkpoint-20"]
