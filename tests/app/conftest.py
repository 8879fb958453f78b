"""A home folder with the sample, pages run without a browser, and a finished run whose scores are known."""

import shutil
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from streamlit import config
from streamlit.testing.v1 import AppTest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session", autouse=True)
def studio_settings():
    """The settings beside the studio's script, which `streamlit run` reads and an AppTest does not."""
    config._main_script_path = str(ROOT / "app" / "main.py")
    config.get_config_options(force_reparse=True)
    yield
    config._main_script_path = None
    config.get_config_options(force_reparse=True)


@pytest.fixture(scope="session")
def sample_home(tmp_path_factory) -> Path:
    """A home folder into which the embedded sample was imported once."""
    import os

    folder = tmp_path_factory.mktemp("sample-home")
    before = os.environ.get("UPSR_HOME")
    os.environ["UPSR_HOME"] = str(folder)
    try:
        from upsr_core.datasets.sample import ensure_sample

        ensure_sample()
    finally:
        os.environ.pop("UPSR_HOME")
        if before is not None:
            os.environ["UPSR_HOME"] = before
    return folder


@pytest.fixture
def stocked(home, sample_home) -> Path:
    """This test's home folder, with the sample in it."""
    shutil.copytree(sample_home, home, dirs_exist_ok=True)
    return home


@pytest.fixture
def studio(stocked):
    """Open a page of the studio as its navigation does: `studio("trials", run="...")`."""

    def open_page(name: str = "data", **query: str) -> AppTest:
        at = AppTest.from_file(str(ROOT / "app" / "main.py"), default_timeout=60)
        for key, value in query.items():
            at.query_params[key] = value
        at.run()
        if name != "data":
            at.switch_page(str(ROOT / "pages" / f"{name}.py")).run()
        assert not at.exception, at.exception
        return at

    return open_page


@pytest.fixture
def finished_run(stocked):
    """Make a finished run on sample:movies; `use` is how much of the target the scores know (0 none, 1 much)."""
    from upsr_core.datasets.splits import split
    from upsr_core.datasets.store import load_dataset
    from upsr_core.evaluation.candidates import candidates_for
    from upsr_core.evaluation.metrics import rank_table
    from upsr_core.models.base import Evaluated
    from upsr_core.models.popularity import PopularityRanker, RandomRanker
    from upsr_core.runs.results import RunResult, measured, per_user_table
    from upsr_core.runs.run import create_run
    from upsr_core.runs.spec import plan_run
    from upsr_core.storage.tables import keep_table
    from upsr_core.text.design import parse_design

    def make(use: float, attributes: str = "category,title,brand", dataset: str = "sample:movies"):
        run = create_run(plan_run(dataset, parse_design(attributes), budget="smoke", recipe="paper"))
        data = load_dataset(dataset)
        parts, spec = split(data, run.spec.split), run.spec
        test = candidates_for(data, parts, spec.candidates)
        rng = np.random.default_rng(0)
        items = np.concatenate([test.items(row) for row in range(len(test))])
        target = np.tile(np.arange(101) == 0, len(test))
        table = pd.DataFrame(
            {
                "row": np.repeat(np.arange(len(test)), 101),
                "user": np.repeat(test.instances.user.to_numpy(), 101),
                "item": items,
                "target": target,
                "logprob": rng.normal(-60, 5, len(items)) + 40 * use * target,
                "borrowed": rng.normal(-60, 5, len(items)),
                "unconditional": rng.normal(-70, 5, len(items)),
                "tokens": rng.integers(10, 41, len(items)),
                "popularity": np.bincount(data.sequence, minlength=len(data.items))[items],
            }
        )

        def ranks(logprob: pd.Series) -> dict[str, pd.DataFrame]:
            scored = spec.kind.with_scores(table.assign(logprob=logprob), spec.candidates.mode)
            return {name: rank_table(list(scored[name].to_numpy().reshape(-1, 101))) for name in spec.kind.scores}

        right = ranks(table.logprob)
        evaluated = Evaluated(right, right, ranks(table.borrowed), table, {"identical_texts": 0})
        rankers = {"popularity": PopularityRanker(data, parts), "random": RandomRanker(data)}
        references = {name: ranker.metrics(test) for name, ranker in rankers.items()}
        keep_table(run.folder / "scores.parquet", table)
        keep_table(run.folder / "per_user.parquet", per_user_table(evaluated, references, test))
        curve = {"step": [1, 2, 3], "tokens": [1e4, 2e4, 3e4], "loss": [3.0, 2.0, np.nan], "ndcg10": [np.nan, 0.1, 0.2]}
        curve |= {"user_dependence": [np.nan, 0.0, 0.1], "low": [np.nan, -0.05, 0.02], "high": [np.nan, 0.05, 0.18]}
        run.write_curve(pd.DataFrame(curve))
        now = time.time()
        result = RunResult(
            run=run.id, title=run.title, **measured(evaluated, references, test, spec.model.own_score),
            seconds=1.0, peak_memory_mib=100.0, resumed=False, finished=now,
        )  # fmt: skip
        run.write_result(result)
        run.write_status(state="done", phase="done", queued=now - 9, started=now - 8, finished=now)
        return run

    return make
