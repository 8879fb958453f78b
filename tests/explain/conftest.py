"""One small evaluated run of a small T5 with random weights, for all tests of explanations."""

import os

import pytest


@pytest.fixture(scope="session")
def explained_home(tmp_path_factory, small_t5):
    """A home folder with `sample:movies` and evaluated runs of three users: (folder, {score: run id})."""
    from upsr_core.datasets.importing import import_dataset
    from upsr_core.datasets.sample import sample_files, sample_name
    from upsr_core.runs.queue import enqueue
    from upsr_core.runs.run import create_run
    from upsr_core.runs.spec import plan_run
    from upsr_core.runs.worker import work_on
    from upsr_core.text.design import parse_design

    folder, before = tmp_path_factory.mktemp("explained-home"), os.environ.get("UPSR_HOME")
    os.environ["UPSR_HOME"] = str(folder)
    try:
        import_dataset(sample_name("movies"), *sample_files("movies"), synthetic=True)
        ids = {}
        for score in ("perplexity", "conditional", "posterior", "popularity"):
            if score == "popularity":
                spec = plan_run("sample:movies", model="popularity", mode="uni100")
            else:
                design = parse_design("category,title,brand")
                spec = plan_run("sample:movies", design, str(small_t5), budget="zero-shot", score=score)
            run = create_run(spec.model_copy(update={"candidates": spec.candidates.model_copy(update={"users": 3})}))
            enqueue(run)
            work_on(run)
            ids[score] = run.id
        return folder, ids
    finally:
        os.environ.pop("UPSR_HOME")
        if before is not None:
            os.environ["UPSR_HOME"] = before


@pytest.fixture
def runs(explained_home, monkeypatch):
    """The evaluated runs by the name of their score; popularity is a model of its own."""
    from upsr_core.runs.run import load_run

    folder, ids = explained_home
    monkeypatch.setenv("UPSR_HOME", str(folder))
    return {name: load_run(run_id) for name, run_id in ids.items()}


@pytest.fixture
def user(runs):
    """A user id that all runs evaluated."""
    from upsr_core.runs.user_ranking import evaluated_users

    return str(evaluated_users(runs["perplexity"]).user_id.iloc[1])
