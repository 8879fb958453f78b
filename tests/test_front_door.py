"""The front door from Python: its names, the whole path of docs/python.md, and scores of a model of one's own."""

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import upsr_core
from upsr_core.datasets.splits import SplitSpec, split, training_counts
from upsr_core.errors import RunError
from upsr_core.evaluation.candidates import CandidateSpec, candidates_for
from upsr_core.evaluation.own_model import evaluate_scores
from upsr_core.models.popularity import PopularityRanker

ROOT = Path(__file__).resolve().parents[1]


def test_every_name_leads_somewhere():
    assert all(getattr(upsr_core, name) for name in upsr_core.__all__)
    assert set(upsr_core.__all__) <= set(dir(upsr_core))
    folders = {path.stem for path in Path(upsr_core.__file__).parent.iterdir()}
    assert not folders & set(upsr_core.__all__), "once imported, a folder would take the place of the name"
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = upsr_core.nothing


def test_the_whole_path_runs(home):
    (program,) = re.findall(r"```python\n(.*?)```", (ROOT / "docs" / "python.md").read_text(), re.DOTALL)
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "stands above" in done.stdout and "NDCG@10 (full)" in done.stdout


@pytest.mark.parametrize("mode", ["uni100", "full"])
def test_scores_of_ones_own_are_judged_as_a_run_is(movies, mode):
    parts = split(movies, SplitSpec())
    candidates = candidates_for(movies, parts, CandidateSpec(mode=mode, users=40))
    counts = training_counts(movies, parts)
    found = evaluate_scores(candidates, lambda history, items: counts[items])
    expected = PopularityRanker(movies, parts).metrics(candidates)
    np.testing.assert_allclose(found.per_user["NDCG@10"], expected["NDCG@10"])
    assert found.metrics[f"NDCG@10 ({mode})"]["mean"] == pytest.approx(expected["NDCG@10"].mean())
    assert found.user_dependence["mean"] == 0 and found.uses_history != "yes", "it does not look at the user"
    with pytest.raises(RunError, match="not numbers"):
        evaluate_scores(candidates, lambda history, items: np.full(len(items), np.nan))
