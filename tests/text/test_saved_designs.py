import pytest

from upsr_core.errors import DesignError
from upsr_core.text.design import Design, ItemDesign, parse_design
from upsr_core.text.saved_designs import PRESETS, delete_design, list_designs, load_design, save_design


def test_a_saved_design_comes_back_equal(home):
    design = Design(
        pretrain=ItemDesign.of("title"),
        finetune=ItemDesign.of("brand,title", template="{brand}: {title}", cap=7, attribute_caps=(("title", 3),)),
        max_tokens=100,
    )
    save_design("mine", design)
    assert load_design("mine") == design and load_design("mine").digest == design.digest
    save_design("mine", Design())
    assert list_designs() == {"mine": Design()}
    assert not list((home / "designs").glob(".*")), "nothing half-written is left"


@pytest.mark.parametrize("name", ["../evil", "a/b", ".hidden", "C:\\x", "ünïcode ✓", "a.json", "%2e"])
def test_any_name_is_one_file_in_the_folder(home, name):
    save_design(name, parse_design("title"))
    assert list(list_designs()) == [name]
    assert [file.parent for file in home.rglob("*.json")] == [home / "designs"]
    delete_design(name)
    assert list_designs() == {}


@pytest.mark.parametrize("name", ["", "  ", "x" * 300, *PRESETS])
def test_names_that_cannot_be_saved(name):
    with pytest.raises(DesignError):
        save_design(name, Design())


def test_missing_and_damaged_designs_are_explained(home):
    with pytest.raises(DesignError, match="no design named 'x'"):
        load_design("x")
    with pytest.raises(DesignError, match="preset"):
        delete_design("Paper (UPSR)")
    save_design("good", Design())
    (home / "designs" / "bad.json").write_text('{"finetune": {"attributes": []}}')
    (home / "designs" / "worse.json").write_text("not json")
    assert list(list_designs()) == ["good"]
    for name in ("bad", "worse"):
        with pytest.raises(DesignError, match="cannot be read"):
            load_design(name)
