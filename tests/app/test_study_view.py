from pages_common import texts

from upsr_core.runs import queue
from upsr_core.studies.study import plan_study

FIVE = ["title", "category", "brand", "category,title", "brand,title"]


def test_a_finished_study_is_shown_with_what_must_be_said(studio, finished_study):
    study = finished_study(plan_study("sample:movies", FIVE, 1, "smoke"), [0.1, 0.3, 0.2, 0.4, 0.5], unshown=(0,))
    at = studio("indicators")
    at.session_state["part_tab"] = "Do they predict quality?"
    at.run()
    assert not at.exception and not at.error
    table = next(frame.value for frame in at.dataframe if "verdict" in frame.value)
    bits = table.set_index("indicator").loc["Informativeness"]
    assert round(bits.rho, 6) == 1 and bits.verdict.startswith("As claimed")
    assert (
        "1 of 5 finished trials are not shown to use the history" in texts(at)
        and study.title in at.selectbox[-1].options
    )
    assert len(table) == 7, "consistency too: the sample has several domains"


def test_a_study_is_planned_started_and_cancelled(studio, monkeypatch):
    started = []
    monkeypatch.setattr(queue, "start", lambda study: started.append(study) or queue.enqueue(study))
    at = studio("indicators")
    at.session_state["part_tab"] = "Do they predict quality?"
    at.run()
    assert any("No study of these data yet" in box.value for box in at.info)
    at.toggle(key="plan_study").set_value(True).run()
    at.multiselect(key="study_designs").set_value(["title", "category"])
    at.segmented_control(key="study_budget").set_value("smoke").run()
    assert "at least 3 designs" in at.error[0].value
    at.multiselect(key="study_designs").set_value(["title", "category", "category,title"]).run()
    assert not at.exception and not at.error and "Predicted time" in texts(at)
    at.button(key="start_study").click().run()
    assert not at.exception and not at.error
    (study,) = started
    assert [design.label for design in study.spec.designs] == ["title", "category", "category, title"]
    assert study.spec.seeds == 2 and len(study.spec.domains) == 3
    assert study.status().state == "queued"
    at.button(key="cancel_study").click().run()
    assert study.status().state == "cancelling" and not at.exception
