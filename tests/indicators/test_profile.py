"""Profiles: kept by digest, stopped by exception, and an answer or a reason for every odd dataset."""

import json
import math

import pytest
from made_data import silent

from upsr_core.errors import DesignError
from upsr_core.indicators import profile as module
from upsr_core.indicators.profile import Setting, measure, profile
from upsr_core.indicators.result import CHEAP, INDICATORS
from upsr_core.runtime import Cancelled
from upsr_core.text.design import ItemDesign

DESIGN = ItemDesign.of("category,title")


def test_the_second_look_computes_nothing(movies, monkeypatch):
    setting = Setting(movies, sample=20)
    first = profile(setting, DESIGN, silent)
    monkeypatch.setattr(module, "_MEASURES", {})
    second = profile(setting, DESIGN, silent)
    assert {name: reading.summary() for name, reading in first.items()} == {
        name: reading.summary() for name, reading in second.items()
    }
    assert list(second["noise"].tables) == list(first["noise"].tables)


def test_a_change_recomputes_only_what_it_touches(movies, monkeypatch):
    profile(Setting(movies, sample=20), DESIGN, silent)
    computed = []
    real = dict(module._MEASURES)
    spy = {name: (lambda *a, name=name: computed.append(name) or real[name](*a)) for name in real}
    monkeypatch.setattr(module, "_MEASURES", spy)
    profile(Setting(movies, sample=20, method="masked-spans"), DESIGN, silent)
    assert computed == ["naturalness"]
    computed.clear()
    profile(Setting(movies, sample=10), DESIGN, silent)
    assert computed == ["naturalness", "familiarity", "domain_consistency", "alignment"]


def test_a_stop_keeps_what_is_done(movies):
    def stop(done, total, what):
        if what.startswith("Naturalness"):
            raise Cancelled

    setting = Setting(movies, sample=20)
    with pytest.raises(Cancelled):
        profile(setting, DESIGN, stop)
    assert all(module.stored_result(name, setting, DESIGN) for name in CHEAP)
    assert module.stored_result("naturalness", setting, DESIGN) is None


def test_a_damaged_reading_is_made_again(movies, home):
    setting = Setting(movies)
    whole = measure("length", setting, DESIGN, silent)
    for file in (home / "indicators").rglob("*.parquet"):
        file.write_bytes(b"broken")
    assert measure("length", setting, DESIGN, silent).summary() == whole.summary()


def test_unknown_names_are_refused(movies):
    with pytest.raises(DesignError, match="no indicator x"):
        profile(Setting(movies), DESIGN, silent, ["x"])
    with pytest.raises(DesignError, match="no attribute weight"):
        profile(Setting(movies), ItemDesign.of("weight"), silent)


ODD = {
    "attribute missing everywhere": ({"category": [""] * 9, "title": [""] * 9}, [[0, 1, 2, 3]] * 3),
    "one item": ({"category": ["Art"], "title": ["Red drum"]}, [[0, 0, 0]]),
    "no events": ({"category": ["Art"] * 9, "title": [f"Drum {n}" for n in range(9)]}, []),
    "emoji only": ({"category": ["🎈"] * 9, "title": ["🎉🎉", *"🎈🎁🎉🎂🎊🎀🎏🎐"]}, [[0, 1, 2, 3, 4]] * 4),
    "long": ({"category": ["Art"] * 6, "title": ["word and another " * 5000] * 3 + list("abc")}, [[*range(6)]] * 4),
    "all the same": ({"category": ["Art"] * 9, "title": ["Drum"] * 9}, [list(range(9))] * 4),
    "empty titles": ({"category": ["", "Art"] * 4, "title": ["", "Red"] * 4}, [list(range(8))] * 4),
    "no items": ({"category": [], "title": []}, []),
}  # fmt: skip


@pytest.mark.parametrize("kind", ODD)
@pytest.mark.parametrize("with_another", [False, True])
def test_odd_datasets_get_an_answer_or_a_reason(make, kind, with_another):
    data = make(*ODD[kind], name=kind)
    others = (make({"category": ["Toys"] * 6, "title": [f"Ball {n}" for n in range(6)]}, [[0, 1, 2, 3]], "toys"),)
    readings = profile(Setting(data, domains=others if with_another else ()), DESIGN, silent)
    assert set(readings) == set(INDICATORS)
    for name, reading in readings.items():
        if reading.value is None:
            assert reading.reason.startswith("cannot be computed because"), name
        else:
            assert math.isfinite(reading.value), name
        assert "NaN" not in json.dumps(reading.summary()), name
