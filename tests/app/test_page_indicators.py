import numpy as np
import pandas as pd
import pytest
from pages_common import texts

from app.indicator_charts import perplexities
from upsr_core.indicators.attribute_table import attribute_table
from upsr_core.indicators.design_search import search
from upsr_core.indicators.profile import Setting, profile
from upsr_core.indicators.result import CHEAP, INDICATORS, MODEL_BASED
from upsr_core.text.cut import in_words


def setting(sample=20):
    from upsr_core.datasets.store import load_dataset

    return Setting(load_dataset("sample:movies"), sample=sample)


def numbers(at) -> dict[str, str]:
    return {metric.label: metric.value for metric in at.metric}


def opened(at, tab: str, title: str):
    """Open a tab: only then is it computed and sent."""
    at.session_state[tab] = title
    return at.run()


def test_cheap_indicators_at_once_and_again_when_the_order_changes(studio):
    at = studio("indicators")
    assert not at.exception and not at.error
    shown = numbers(at)
    assert float(shown["Informativeness"]) > 3 and shown["Noise and ambiguity"].endswith("%")
    assert shown["Naturalness"] == "…" and "not measured yet" in texts(at)
    at.session_state["changing"] = True
    at.run()
    at.button(key="finetune_out_category").click().run()
    assert not at.exception
    changed = numbers(at)
    assert changed["Informativeness"] != shown["Informativeness"] and changed["Text length"] != shown["Text length"]


def test_what_the_cap_leaves_stands_beside_the_numbers(studio):
    at = studio("indicators")
    design = at.session_state["design"].finetune
    line = in_words(setting().catalogue("length").cut(design))
    assert line.startswith("As cut at 40 tokens: category visible in 100 % of items")
    assert line in texts(at).replace("\\", "")


def test_the_language_model_is_asked_by_a_button(studio):
    at = studio("indicators")
    at.number_input(key="sample").set_value(20).run()
    at.button(key="measure").click().run()
    assert not at.exception and not at.error
    shown = numbers(at)
    assert float(shown["Naturalness"].replace(",", "")) > 1 and float(shown["Behaviour alignment"]) < 1
    assert shown["Domain consistency"] == "–", "one domain"
    opened(at, "reading_tab", "Domain consistency")
    assert any("cannot be computed because only 1 domain" in box.value for box in at.info)
    at.run()
    assert numbers(at) == shown and not [button for button in at.button if button.key == "measure"]


def test_every_number_opens_onto_its_items(studio):
    from upsr_core.text.design import Design

    profile(setting(), Design().finetune, lambda *_: None, (*CHEAP, *MODEL_BASED))
    at = studio("indicators")
    at.number_input(key="sample").set_value(20).run()
    assert not at.exception and not at.error
    for name in (*CHEAP, *MODEL_BASED):
        opened(at, "reading_tab", INDICATORS[name][0])
        assert not at.exception and not at.error
        frames = [frame.value for frame in at.dataframe if "text" in frame.value]
        assert all(frame["item"].astype(str).str.len().gt(0).all() for frame in frames)
        assert frames or name in ("domain_consistency", "conflict"), name
        if name == "noise":
            at.segmented_control(key="noise_part").set_value("near_identical").run()
        if name == "informativeness":
            at.segmented_control(key="informativeness_which").set_value("Told apart by title").run()
        assert not at.exception


def test_the_own_table_and_its_rules(studio):
    attribute_table(setting(), ("title", "category", "brand"), lambda *_: None)
    at = studio("indicators")
    at.number_input(key="sample").set_value(20)
    at.multiselect(key="table_attributes").set_value(["title", "category", "brand"]).run()
    assert not at.exception and not at.error
    table = next(frame.value for frame in at.table if "Suggested use" in frame.value)
    assert table.index.tolist() == ["title", "category", "brand"] and table.Reason.str.len().gt(0).all()
    assert "Low below .35" in texts(at).replace("\\", "")


def test_a_searched_design_is_adopted_by_one_click(studio):
    found = search(setting(1000), ("title", "category", "brand"), lambda *_: None, items=15)
    at = opened(studio("indicators"), "part_tab", "Design search")
    at.multiselect(key="search_attributes").set_value(["title", "category", "brand"])
    at.number_input(key="search_items").set_value(15).run()
    assert not at.exception and not at.error
    best = found.tables["designs"].query("finetune == 1").design.iloc[0]
    at.button(key="adopt_finetune").click().run()
    assert not at.exception
    assert ",".join(at.session_state["design"].finetune.attributes) == best
    assert at.session_state["design"].pretrain.attributes == ("category", "title"), "the other stage stays"


@pytest.mark.parametrize("stage", ["finetune", "pretrain"])
def test_a_design_the_dataset_lacks_is_one_box(studio, stage):
    at = studio("indicators", design=f'{{"{stage}":{{"attributes":["nothing"]}}}}')
    at.segmented_control(key="stage").set_value(stage).run()
    assert not at.exception and "no attribute nothing" in at.error[0].value


def test_the_mean_stands_inside_the_picture_of_perplexities():
    figure = perplexities(pd.DataFrame({"perplexity": [80.0, 200.0, 900.0]}), 217.0)
    assert figure.layout.xaxis.type == "log" and figure.layout.shapes[0].x0 == 217
    assert figure.layout.annotations[0].x == pytest.approx(np.log10(217)), "words are placed by the logarithm"
