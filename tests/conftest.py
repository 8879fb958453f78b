"""What tests share: a home folder of their own, the embedded sample, and the real data beside the repository."""

import fcntl
import os
import shutil
from pathlib import Path

import pytest

if "PYTEST_XDIST_WORKER" in os.environ:  # tests run beside each other: one thread for each, and for what it starts
    os.environ["OMP_NUM_THREADS"] = "1"
os.environ.setdefault("UPSR_NICE", "0")  # tests wait for the jobs that they start

import upsr_core.runtime  # noqa: F401  sets what must be set before torch is imported

SHARED = Path(os.environ.get("UPSR_SHARED", Path(__file__).resolve().parents[2] / "shared"))


@pytest.fixture(autouse=True)
def alone_or_beside_others(request, tmp_path_factory):
    """A test marked `alone` measures time: no test of another process runs meanwhile."""
    if "PYTEST_XDIST_WORKER" not in os.environ:
        yield
        return
    common = tmp_path_factory.getbasetemp().parent
    alone = request.node.get_closest_marker("alone") is not None
    # Who comes has to pass the door, and who wants to be alone waits in it: so others cannot keep slipping by.
    with (common / "door").open("w") as door, (common / "room").open("w") as room:
        fcntl.flock(door, fcntl.LOCK_EX)
        fcntl.flock(room, fcntl.LOCK_EX if alone else fcntl.LOCK_SH)
        fcntl.flock(door, fcntl.LOCK_UN)
        yield


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch) -> Path:
    """Every test stores its datasets, designs and runs in a folder of its own."""
    folder = tmp_path / "upsr-home"
    monkeypatch.setenv("UPSR_HOME", str(folder))
    return folder


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder with real datasets."""
    if not (SHARED / "data").is_dir():
        pytest.skip(f"real datasets are not at {SHARED} (set UPSR_SHARED)")
    return SHARED


@pytest.fixture
def movies(home):
    """The dataset `sample:movies`, imported through the real reader."""
    from upsr_core.datasets.importing import import_dataset
    from upsr_core.datasets.sample import sample_files, sample_name

    return import_dataset(sample_name("movies"), *sample_files("movies"), synthetic=True)


@pytest.fixture
def finished_study(home):
    """Make a finished study by hand: `quality` of every trial in the order of its specification.

    Informativeness is made the quality's own order over designs, noise its reverse, everything else says nothing.
    """
    from made_runs import made_result

    from upsr_core.evaluation.verdicts import NOT_SHOWN, YES
    from upsr_core.indicators.result import IndicatorResult
    from upsr_core.indicators.result_store import keep
    from upsr_core.runs.run import create_run
    from upsr_core.studies.study import create_study

    def make(spec, quality, unshown=()):
        study, setting = create_study(spec), spec.setting()
        for number, (trial, value) in enumerate(zip(spec.trials, quality, strict=True)):
            run = create_run(trial)
            run.write_result(made_result(run, spec.metric, value, NOT_SHOWN if number in unshown else YES))
            run.write_status(state="done", phase="done")
        for number, design in enumerate(spec.designs):
            means = sum(quality[number :: len(spec.designs)])
            values = {"informativeness": means, "noise": 1 - means / 100}
            for name in spec.indicators:
                keep(setting.spec(name, design).digest, IndicatorResult.of(name, values.get(name, 1.0)))
        study.write_status(state="done", phase="done")
        return study

    return make


@pytest.fixture(scope="session")
def small_t5(tmp_path_factory) -> Path:
    """The folder of a T5 with random weights and the embedded tokenizer: reads quickly and knows nothing."""
    import torch
    from transformers import T5Config, T5ForConditionalGeneration

    from upsr_core.plm.loading import locate

    torch.manual_seed(1)
    config = T5Config(
        vocab_size=8192, d_model=32, d_kv=8, num_heads=4, num_layers=2, num_decoder_layers=2, d_ff=64,
        dropout_rate=0.0, decoder_start_token_id=0,
    )  # fmt: skip
    folder = tmp_path_factory.mktemp("small-t5")
    T5ForConditionalGeneration(config).save_pretrained(folder)
    shutil.copy(locate("embedded") / "tokenizer.json", folder)
    return folder
