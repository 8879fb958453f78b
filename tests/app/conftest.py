"""A home folder with the sample, pages run without a browser, and a finished run whose scores are known."""

import shutil
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

ROOT = Path(__file__).resolve().parents[2]


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
    from upsr_core.runs.results import Ranked, write_result
    from upsr_core.runs.run import create_run
    from upsr_core.runs.spec import plan_run
    from upsr_core.text.design import parse_design

    def make(use: float, attributes: str = "category,title,brand", dataset: str = "sample:movies"):
        run = create_run(plan_run(dataset, parse_design(attributes), budget="smoke"))
        data = load_dataset(dataset)
        test = candidates_for(data, split(data, run.spec.split), run.spec.candidates)
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
        table.to_parquet(run.folder / "scores.parquet")
        curve = {"step": [1, 2, 3], "tokens": [1e4, 2e4, 3e4], "loss": [3.0, 2.0, np.nan], "ndcg10": [np.nan, 0.1, 0.2]}
        curve |= {"user_dependence": [np.nan, 0.0, 0.1], "low": [np.nan, -0.05, 0.02], "high": [np.nan, 0.05, 0.18]}
        run.write_curve(pd.DataFrame(curve))
        write_result(run, Ranked.of(table, run.spec.candidates.mode), test, 1.0, False, {"identical_texts": 0})
        now = time.time()
        run.write_status(state="done", phase="done", queued=now - 9, started=now - 8, finished=now)
        return run

    return make
