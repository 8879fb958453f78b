"""A part of the broken inputs in every run of the tests; `make fuzz` has all, with limits of time and memory."""

import broken_commands
import broken_files
import broken_words
import pytest
from fuzz_case import judge
from pydantic import ValidationError

HEAVY = ("explodes", "without end", "many rows", "long text", "model/", "10 MB", "columns", "markup never", "1 MB")


def judged(cases, tmp_path, monkeypatch) -> list[dict]:
    """Records of the cases that did not end as they should."""
    bad = []
    for number, case in enumerate(cases):
        if any(word in case.name for word in HEAVY):
            continue
        monkeypatch.setenv("UPSR_HOME", str(tmp_path / f"home-{number}"))
        (tmp_path / str(number)).mkdir()
        case.prepare(tmp_path / str(number))
        record = judge(case, tmp_path / str(number))
        if record["verdict"] != "ok":
            bad.append(record)
    return bad


def test_broken_files(tmp_path, monkeypatch):
    assert not judged(broken_files.cases()[::3], tmp_path, monkeypatch)


def test_broken_designs_specifications_and_mappings(tmp_path, monkeypatch):
    assert not judged(broken_words.cases(), tmp_path, monkeypatch)


def test_specifications_are_refused_for_what_is_broken_in_them():
    from upsr_core.runs.spec import RunSpec

    assert RunSpec.model_validate_json(broken_words._spec()).model.name == "upsr"
    for field, changes in (
        ("tokens", {"model": {"training": {"tokens": -1}}}),
        ("learning_rate", {"model": {"training": {"tokens": 1, "learning_rate": 0}}}),
        ("gpt", {"model": {"name": "gpt"}}),
        ("command", {"command": "rm"}),
    ):
        with pytest.raises(ValidationError, match=field):
            RunSpec.model_validate_json(broken_words._spec(**changes))


def test_broken_commands(tmp_path, monkeypatch):
    usage = [case for case in broken_commands.cases() if case.prepare is broken_commands.files]
    assert len(usage) > 40
    assert not judged(usage[::4], tmp_path, monkeypatch)


def test_the_campaign_is_large_enough():
    cases = [*broken_files.cases(), *broken_words.cases(), *broken_commands.cases()]
    assert len({case.name for case in cases}) == len(cases) >= 150
