import os
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import numpy as np
import pandas as pd
import pytest

from upsr_core.datasets.importing import import_dataset
from upsr_core.datasets.sample import sample_files
from upsr_core.datasets.spec import PreparationSpec
from upsr_core.errors import RunError, UpsrError
from upsr_core.likelihood.scores import SCORES, ScoreSpec
from upsr_core.runs import queue
from upsr_core.runs.forecast import forecast
from upsr_core.runs.run import create_run, delete_run, list_runs, load_run
from upsr_core.runs.spec import plan_run
from upsr_core.runs.user_ranking import evaluated_users, find_user, load_ranker, ranked, top_of_catalogue
from upsr_core.runs.worker import work_on
from upsr_core.text.design import parse_design
from workshop.small_runs import with_training

DESIGN = parse_design("category,title,brand")


def tiny(movies, **options):
    """A run of a few seconds: smoke with still fewer tokens and users."""
    spec = plan_run(movies.name, DESIGN, budget="smoke", recipe="paper-short", **options)
    few = with_training(spec, tokens=20_000, batch_tokens=512, evaluations=4, patience=4)
    candidates = spec.candidates.model_copy(update={"users": 8})
    return few.model_copy(update={"validation_users": 2, "candidates": candidates})


def finish(run):
    queue.enqueue(run)
    return work_on(run)


def wait(condition, seconds=120):
    end = time.time() + seconds
    while not condition():
        assert time.time() < end, "waited too long"
        time.sleep(0.05)


def test_a_killed_run_resumes_to_the_same_curve_and_result(movies):
    spec = tiny(movies)
    run = create_run(spec)
    finish(run)
    undisturbed, curve = run.result(), run.curve()  # with the sums of its files
    assert len(curve) >= 4 and curve.ndcg10.notna().sum() >= 4 and curve.tokens.is_monotonic_increasing
    delete_run(run)
    run = create_run(spec)
    queue.start(run)
    wait(lambda: list(run.folder.glob("tuning/checkpoint-*/sums.json")))
    os.kill(run.status().pid, signal.SIGKILL)
    wait(lambda: run.status().state == "died")
    assert run.result() is None and "esume" in run.status().message
    queue.resume(run)
    wait(lambda: not run.status().active)
    assert run.status().state == "done", run.status()
    pd.testing.assert_frame_equal(run.curve(), curve)
    volatile = {"seconds", "training_seconds", "finished", "resumed", "peak_memory_mib"}
    assert run.result().model_dump(exclude=volatile) == undisturbed.model_dump(exclude=volatile)
    _check_results(run, movies)


def _check_results(run, movies):
    result = run.result()
    assert set(result.metrics) == {f"{m}@{k} (uni100)" for m in ("HR", "NDCG") for k in (1, 5, 10)}
    for name in ("random", "popularity"):
        gap = result.gaps[name]["NDCG@10 (uni100)"]
        expected = result.metrics["NDCG@10 (uni100)"] - result.references[name]["NDCG@10 (uni100)"]
        assert gap.mean == pytest.approx(expected)
        assert gap.why if gap.low is None else gap.low <= gap.mean <= gap.high
    users = evaluated_users(run)
    assert len(users) == result.users == 8
    own = users.iloc[0]
    assert find_user(movies, own.user_id) == own.user
    for score in (None, "conditional", "posterior", "popularity"):
        table = ranked(run, int(own.user), score)
        assert len(table) == 101 and table.target.sum() == 1
        assert table["rank"].is_monotonic_increasing
    assert ranked(run, int(own.user)).query("target")["rank"].iloc[0] == own["rank"]
    with pytest.raises(RunError, match="was not evaluated"):
        ranked(run, -1)
    ranker, history = load_ranker(run), movies.history(int(own.user))[:-1]
    allowed = np.setdiff1d(np.arange(len(movies.items)), history)
    for score in SCORES:
        ranker.score = ScoreSpec(name=score)
        best, note = top_of_catalogue(run, ranker, int(own.user), 5)
        expected = np.sort(ranker.scores([history], lambda _: allowed)[0])[::-1][:5]
        np.testing.assert_allclose(best.score, expected, atol=1e-5)
        assert note.startswith("Exact") and best.item_id.isin(movies.items.item_id.iloc[allowed]).all()
    with pytest.raises(RunError, match="is done"):
        queue.start(run)
    # Users and items are places in the dataset: another one under this name must not be read in their stead.
    import_dataset(movies.name, *sample_files("books"), synthetic=True)
    for read in (lambda: ranked(run, int(own.user)), lambda: evaluated_users(run)):
        with pytest.raises(RunError, match="not the one of this run"):
            read()


def test_cancel_and_resume_in_the_queue(movies):
    run, second = create_run(tiny(movies)), create_run(tiny(movies, seed=1))
    queue.start(run)
    queue.start(second)
    wait(lambda: run.status().state == "running")
    assert second.status().state == "queued"
    with pytest.raises(RunError, match="already"):
        queue.start(run)
    with pytest.raises(RunError, match="Cancel"):
        delete_run(run)
    queue.cancel(run)
    wait(lambda: run.status().state == "cancelled")
    wait(lambda: second.status().state == "running")
    queue.cancel(second)
    wait(lambda: second.status().state == "cancelled")
    assert {r.id for r in list_runs()} == {run.id, second.id}
    delete_run(second)
    assert load_run(run.id[:6]).id == run.id


def test_a_run_that_cannot_work_says_why(movies, monkeypatch):
    run = create_run(tiny(movies))
    stored = run.spec.dataset
    run.__dict__["spec"] = run.spec.model_copy(update={"dataset": stored.model_copy(update={"content": "0" * 16})})
    queue.enqueue(run)
    with pytest.raises(UpsrError, match="not the one of this run"):
        work_on(run)
    assert run.status().state == "failed" and "not the one" in run.status().message


def test_pre_training_on_other_domains_comes_first(movies):
    pantry = import_dataset("pantry", *sample_files("pantry"), preparation=PreparationSpec.new_domain())
    spec = tiny(movies, pretrain_on=("pantry",))
    assert spec.model.training.pretrain_tokens > 0 and spec.pretrain_on[0].content == pantry.digest
    few = spec.model.training.model_copy(update={"pretrain_tokens": 3000, "tokens": 3000, "evaluations": 1})
    run = create_run(spec.model_copy(update={"model": spec.model.model_copy(update={"training": few})}))
    result = finish(run)
    assert (run.folder / "pretrained" / "model.safetensors").exists()
    assert "after pantry" in result.title


def test_specs_are_checked_and_have_one_digest(movies):
    assert tiny(movies).digest == tiny(movies).digest != tiny(movies, seed=1).digest
    with pytest.raises(UpsrError, match="no attribute plot"):
        plan_run(movies.name, parse_design("title,plot"))
    with pytest.raises(UpsrError, match="mode 'half'"):
        plan_run(movies.name, DESIGN, mode="half")
    with pytest.raises(UpsrError, match="at least one attribute"):
        parse_design("")
    with pytest.raises(UpsrError, match="budget"):
        plan_run(movies.name, DESIGN, budget="endless")
    with pytest.raises(UpsrError, match="nowhere"):
        plan_run("nowhere", DESIGN)


def test_forecast_grows_with_the_budget(movies):
    quick, standard = (forecast(plan_run(movies.name, DESIGN, budget=name)) for name in ("quick", "standard"))
    assert 10 < quick.seconds < standard.seconds
    assert quick.training_seconds > 0 and "GFLOP/s" in quick.basis


def test_of_two_sessions_that_begin_a_run_at_once_one_is_told_so(movies):
    for seed in range(5):
        run = create_run(plan_run(movies.name, parse_design("title"), budget="smoke", seed=seed))
        barrier = Barrier(4)

        def begin(_, run=run, barrier=barrier):
            barrier.wait()
            try:
                queue.enqueue(run)
            except RunError as error:
                return "already queued" in str(error)

        with ThreadPoolExecutor(4) as threads:
            assert sorted(threads.map(begin, range(4)), key=str) == [None, True, True, True]


def test_how_far_a_job_gives_way_is_a_number_or_one_clear_message(monkeypatch):
    monkeypatch.delenv("UPSR_NICE")
    assert queue.niceness() == queue.NICE
    monkeypatch.setenv("UPSR_NICE", "19")
    assert queue.niceness() == 19
    for wrong in ("20", "-1", "much", "1.5"):
        monkeypatch.setenv("UPSR_NICE", wrong)
        with pytest.raises(RunError, match="UPSR_NICE"):
            queue.niceness()
