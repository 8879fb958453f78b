"""The page Compare on runs whose ranks are known."""

from made_runs import made_run, uniform
from pages_common import texts

from upsr_core.evaluation.candidates import CandidateSpec


def frame(at, column):
    return next(part.value for part in at.dataframe if column in part.value)


def test_nothing_to_compare_yet(studio):
    at = studio("compare")
    assert "No finished trial yet" in at.info[0].value


def test_runs_of_the_address_are_compared(studio, stocked):
    good, bad = made_run(uniform(5)), made_run(uniform(60), "bert4rec")
    mine = made_run(uniform(80), "upsr", design="category,title")
    at = studio("compare", run=[good.id, bad.id, mine.id], metric="HR@10", by="popularity")
    assert not at.exception and not at.error and not at.warning
    board = frame(at, "dependence").set_index("label")
    assert board.loc["SASRec, cross-entropy", "value"] > board.loc["BERT4Rec", "value"]
    assert board.loc["UPSR · category, title", "verdict"] in ("yes", "not shown", "no")
    assert {"Popularity", "Random order"} <= set(
        board.index
    ) and f"{mine.spec.candidates.users} of 800 test instances" in texts(at)
    assert texts(at).replace("\\", "").count("As cut at 40 tokens: category visible in 100 % of items") == 1
    tested = frame(at, "p")
    assert len(tested) == 3 and set(tested["on"]) == {"these trainings"} and "HR@10" in texts(at)
    assert frame(at, "link").link.str.startswith("users?runs=").all()
    assert frame(at, "slice").slice.iloc[0].isdigit() or "to" in frame(at, "slice").slice.iloc[0]
    assert frame(at, "informativeness").informativeness.iloc[0] > 1
    assert any(good.id in code.value and "upsr compare" in code.value for code in at.code)
    at.segmented_control(key="slice_by").set_value("cold").run()
    assert at.query_params["by"] == "cold" and not at.exception


def test_another_mode_is_refused_with_the_reason(studio, stocked):
    first, full = made_run(uniform(5)), made_run(uniform(5), candidates=CandidateSpec(mode="full"))
    at = studio("compare", run=[first.id, full.id])
    (warning,) = at.warning
    assert "mode full instead of uni100" in warning.value and not at.exception
    assert "One line only" in at.info[0].value


def test_the_folder_is_packed(studio, stocked, monkeypatch):
    monkeypatch.setenv("PATH", "")  # no browser here: the figure's own page stays
    run = made_run(uniform(5))
    at = studio("compare", run=[run.id])
    at.button(key="pack").click().run()
    assert not at.exception and at.session_state["export_bytes"][:2] == b"PK"
