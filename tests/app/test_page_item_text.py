import pytest
from pages_common import tables, texts

from upsr_core.text.saved_designs import list_designs


def attributes(at, stage="finetune"):
    return getattr(at.session_state["design"], stage).attributes


def test_buttons_order_leave_out_and_add(studio):
    at = studio("item_text")
    assert attributes(at) == ("category", "title", "brand", "price", "description")
    at.button(key="finetune_up_title").click().run()
    assert attributes(at)[:2] == ("title", "category")
    at.button(key="finetune_out_price").click().run()
    at.button(key="finetune_add_salesrank").click().run()
    assert attributes(at) == ("title", "category", "brand", "description", "salesrank")
    assert attributes(at, "pretrain") == ("category", "title"), "the other stage stays"
    assert "salesrank" in at.query_params["design"]
    assert not at.exception


def test_caps_change_what_is_kept(studio):
    at = studio("item_text")
    before = [metric.value for metric in at.metric]
    at.number_input(key="finetune_cap").set_value(5).run()
    assert at.session_state["design"].finetune.cap == 5
    assert at.metric[0].value == "5.0" and before[0] != "5.0"
    at.number_input(key="finetune_cap_category").set_value(2).run()
    assert at.session_state["design"].finetune.attribute_caps == (("category", 2),)


def test_a_template_and_a_broken_one(studio):
    at = studio("item_text")
    at.segmented_control(key="pretrain_format").set_value("Template").run()
    assert at.text_input(key="pretrain_template").value == "(category: {category}) {title}"
    at.text_input(key="pretrain_template").set_value("{title}, a {category}").run()
    assert attributes(at, "pretrain") == ("title", "category")
    at.text_input(key="pretrain_template").set_value("{title} {broken").run()
    assert len(at.error) == 1 and not at.exception
    assert at.session_state["design"].pretrain.template == "{title}, a {category}", "the design stays usable"
    assert at.text_input(key="pretrain_template").value == "{title} {broken", "the text stays to be mended"


def test_designs_are_saved_loaded_and_deleted(studio):
    at = studio("item_text")
    at.button(key="finetune_out_brand").click().run()
    at.text_input(key="design_name").set_value("no brand").run()
    at.button(key="save_design").click().run()
    assert list(list_designs()) == ["no brand"]
    at.selectbox(key="shelf").set_value("Title only").run()
    at.button(key="load_design").click().run()
    assert attributes(at) == ("title",)
    at.selectbox(key="shelf").set_value("no brand").run()
    at.button(key="delete_design").click().run()
    assert list_designs() == {} and not at.exception
    at.text_input(key="design_name").set_value("Paper (UPSR)").run()
    at.button(key="save_design").click().run()
    assert "preset" in at.error[0].value


def test_search_and_an_empty_find(studio):
    at = studio("item_text")
    at.segmented_control(key="way").set_value("Search").run()
    at.text_input(key="words").set_value("horror").run()
    assert "tokens kept" in texts(at)
    at.text_input(key="words").set_value("zzzznothing").run()
    assert "No item has all of these words" in at.info[0].value


@pytest.mark.parametrize("dropped", [False, True])
def test_a_dataset_without_an_attribute_of_the_design(studio, tmp_path, dropped):
    from upsr_core.datasets.importing import import_dataset
    from upsr_core.datasets.spec import ColumnMapping

    import_dataset("pens", *tables(tmp_path), event_mapping=ColumnMapping(user_id="who", item_id="item_id"))
    at = studio("item_text", dataset="pens")
    assert attributes(at) == ("title",) and not at.warning, "the first design is the paper's, as far as it goes here"
    at = studio("item_text", dataset="pens", design='{"finetune": {"attributes": ["title", "brand"]}}')
    assert "has no attribute" in at.warning[0].value and not at.exception
    if dropped:
        at.button(key="drop_missing").click().run()
        assert attributes(at) == ("title",) and not at.warning and at.metric


def test_an_unknown_language_model_is_one_clear_box(studio):
    at = studio("item_text", plm="/no/such/folder")
    assert "no model folder" in at.error[0].value and not at.exception
