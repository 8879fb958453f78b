import time

import pytest
from pages_common import texts

from app.run_tables import verdict
from upsr_core.evaluation.verdicts import uses_history
from upsr_core.plm import quality_report as report_module
from upsr_core.plm.loading import weights_digest
from upsr_core.plm.quality_report import save_report, stored_report
from upsr_core.runs import queue
from upsr_core.runs.results import Interval
from upsr_core.runs.run import list_runs
from upsr_core.runs.text_cuts import text_cuts


def runs_of(at):
    """The table of trials; before it the page may show a model's report."""
    return next(frame.value for frame in at.dataframe if "trial" in frame.value)


def test_nothing_yet_and_a_predicted_time(studio):
    at = studio("trials")
    assert "No trial yet" in at.info[0].value
    assert "Predicted time" in texts(at)


def test_what_a_model_is_worth(studio, monkeypatch):
    monkeypatch.setattr(report_module, "SHIPPED", "no-such-report.json")
    gap = {"mean": 0.01, "low": -0.01, "high": 0.03}
    scores = {"perplexity": {"NDCG@10 (uni100)": 0.05, "random": gap, "popularity": gap, "user_dependence": gap}}
    report = {
        "weights": weights_digest("embedded"), "plots_of": "plots", "plot_over_shuffled": 0.91, "plots": 1600,
        "title_over_shuffled": 0.7, "titles": 20, "texts_per_second": 400.0, "zero_shot": {"shop": scores},
        "order_of_perplexity": {"shop": {"description": 8.0, "title": 9.0, "ordered": True}},
    }  # fmt: skip
    save_report("embedded", {**report, "weights": "those of another model"})
    assert stored_report("embedded") is None
    at = studio("trials")
    assert "has not been checked yet" in texts(at) and "upsr plm check embedded" in at.code[0].value
    save_report("embedded", report)
    at.run()
    assert "**91%** of 1,600 movie plots" in texts(at)
    found = [frame.value for frame in at.dataframe if "gap to random" in frame.value]
    assert found[0]["gap to random"].tolist() == ["+0.010 [-0.010, +0.030]"]


def test_start_makes_the_run_that_was_chosen(studio, monkeypatch):
    started = []
    monkeypatch.setattr(queue, "start", lambda run: started.append(run))
    at = studio("trials")
    at.selectbox(key="trial_design").set_value("Title only")
    at.segmented_control(key="budget").set_value("smoke")
    at.segmented_control(key="score_personal_posterior").set_value("perplexity").run()
    at.button(key="start").click().run()
    assert not at.exception and not at.error
    (run,) = started
    model = run.spec.model
    assert model.design.finetune.attributes == ("title",) and model.own_score == "perplexity"
    assert model.recipe == "personal recipe, perplexity score" and model.training.tokens == 18_000
    assert at.query_params["run"] == run.id


def test_a_finished_run_shows_figures_and_is_not_run_again(studio, finished_run):
    run = finished_run(1.0)
    at = studio("trials", run=run.id)
    assert "Uses the history: yes. The right history gains" in at.success[0].value
    table = runs_of(at)
    assert table.verdict.tolist() == ["yes"] and "(uni100)" in table.value[0]
    assert len(at.get("plotly_chart")) == 4, "three curves and the gaps"
    at.selectbox(key="trial_design").set_value("Category, title, brand")
    at.segmented_control(key="recipe").set_value("paper")
    at.segmented_control(key="budget").set_value("smoke").run()
    assert [button.label for button in at.button if button.key == "open"] == ["Open the finished trial"]


def test_what_the_cap_leaves_stands_before_the_start_and_beside_the_result(studio, finished_run):
    at = studio("trials")
    before = texts(at).replace("\\", "")
    assert "As cut at 40 tokens: category visible in 100 % of items" in before and "items identical" in before
    run = finished_run(0.5, "description,category,title")
    cuts = text_cuts(run.spec)
    run.write_result(run.result().model_copy(update={"cuts": cuts}))
    at = studio("trials", run=run.id)
    ((line, cut),) = cuts.lines
    assert cut.hides and cut.attributes["title"].visible < 0.5, "descriptions fill the cap"
    assert f":material/warning: **{line}**" in texts(at).replace("\\", "")
    assert runs_of(at).text.tolist() == [line]
    at.selectbox(key="model_choice").set_value("sasrec-ce").run()
    assert texts(at).replace("\\", "").count("As cut at") == 1, "a model that reads no text has no such line"


def test_popularity_is_not_said_to_use_the_history(studio, finished_run):
    run = finished_run(0.0)
    at = studio("trials", run=run.id)
    assert "popularity alone" in at.warning[0].value and runs_of(at).verdict[0] in ("not shown", "no")


@pytest.mark.parametrize(
    ("dependence", "ahead", "begin"),
    [
        ((0.1, 0.2), (0.1, 0.2), "Uses the history: yes. "),
        ((0.1, 0.2), (-0.1, 0.2), "Uses the history: yes. "),
        ((0.1, 0.2), (-0.2, -0.1), "Uses the history: yes. "),
        ((-0.1, 0.2), (0.1, 0.2), "Uses the history: not shown (the interval reaches zero)"),
        ((-0.1, 0.001), (0.1, 0.2), "Uses the history: no. "),
    ],
)
def test_verdicts(finished_run, dependence, ahead, begin):
    def interval(low, high):
        return {"mean": (low + high) / 2, "low": low, "high": high, "users": 60, "deciding": 20, "why": ""}

    result = finished_run(0.5).result()
    name = result.headline
    found = result.model_copy(
        update={
            "user_dependence": result.user_dependence.model_copy(update=interval(*dependence)),
            "uses_history": uses_history(interval(*dependence), result.value),
            "gaps": {"popularity": {name: Interval(**interval(*ahead))}},
        }
    )
    text = verdict(found)
    assert text.startswith(begin)
    assert ("popularity alone still ranks better" in text) == (ahead[1] < 0)
    assert ("cannot be told apart from popularity" in text) == (ahead[0] < 0 < ahead[1])


@pytest.mark.parametrize(
    ("state", "message", "buttons"),
    [
        ("cancelled", "Cancelled. It can be resumed.", {"resume", "delete_run"}),
        ("failed", "The disk is full.", {"resume", "delete_run"}),
        ("running", "", {"resume", "delete_run"}),
    ],
)
def test_runs_that_stopped_can_be_resumed(studio, finished_run, state, message, buttons):
    run = finished_run(0.0)
    (run.folder / "result.json").unlink()
    run.write_status(state=state, message=message, pid=2**22 - 1, process_created=0.0, queued=time.time() - 99)
    at = studio("trials", run=run.id)
    shown = "".join(box.value for box in [*at.error, *at.info])
    assert (message or "The process was killed") in shown.replace("\\", "")
    assert buttons <= {button.key for button in at.button} and not at.exception


def test_delete_takes_the_run_away(studio, finished_run):
    run = finished_run(0.0)
    at = studio("trials", run=run.id)
    at.button(key="delete_run").click().run()
    assert list_runs() == [] and "No trial yet" in at.info[0].value and not at.exception
