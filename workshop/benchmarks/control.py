"""A control: where histories tell nothing of what comes next, no trial may be said to use the history."""

from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd

from upsr_core.datasets.importing import import_dataset
from upsr_core.datasets.spec import ColumnMapping, PreparationSpec
from upsr_core.datasets.store import Dataset, delete_dataset, list_datasets, load_dataset
from upsr_core.errors import DataError, RunError
from upsr_core.evaluation.candidates import MODES, Mode
from upsr_core.evaluation.verdicts import YES
from upsr_core.runs.queue import enqueue
from upsr_core.runs.run import create_run, delete_run
from upsr_core.runs.spec import RunSpec
from upsr_core.runs.worker import work_on
from upsr_core.runtime import Progress
from upsr_core.schema import ITEM, TIME, USER

FIRST = 1_500_000_000  # seconds since 1970 of every history's first event
KEEP_ALL = PreparationSpec(min_user=1, min_item=1)


def dealt(dataset: Dataset, name: str, seed: int) -> Dataset:
    """Store a dataset with the same items in histories of the same lengths, dealt out at random, as `name`.

    Unlike `TrainingSpec.dealt`, which leaves the events that are judged as they are, it deals those out too: not even
    what a language model knew before helps to tell them from a history.
    """
    lengths = np.diff(dataset.offsets)
    events = pd.DataFrame(
        {
            USER: np.repeat(dataset.users.to_numpy(), lengths),
            ITEM: dataset.items[ITEM].to_numpy()[np.random.default_rng([seed, 8]).permutation(dataset.sequence)],
            TIME: FIRST + np.arange(len(dataset.sequence)) - np.repeat(dataset.offsets[:-1], lengths),
        }
    )
    with TemporaryDirectory() as folder:
        files = Path(folder) / "items.jsonl", Path(folder) / "events.jsonl"
        dataset.items.to_json(files[0], orient="records", lines=True)
        events.to_json(files[1], orient="records", lines=True)
        mapping = ColumnMapping(item_id=ITEM, attributes=tuple((each, each) for each in dataset.attributes))
        return import_dataset(name, *files, item_mapping=mapping, preparation=KEEP_ALL, synthetic=True)


def bench(dataset: str, plan: Callable[[str, int, Mode], RunSpec], seeds: int, progress: Progress) -> dict:
    """How often trials are said to use the history: of the dataset as it is, and of its histories dealt anew.

    Parameters
    ----------
    dataset
        Stored under this name; its dealt histories take its place as NAME-dealt-SEED while they are needed.
    plan
        The trial of a dataset by name, with this seed and mode. Trials of one seed share their training.
    seeds
        Of each so many trials; each seed deals the histories anew. A 95 % interval is above zero by chance alone in
        one control of forty.

    Returns
    -------
    dict
        `share_dealt` and `share_real` by mode, and `table`, a row per trial.

    Raises
    ------
    DataError
        A dataset is stored under a name that it would use.
    """
    original, rows, stored = load_dataset(dataset), [], {entry["name"] for entry in list_datasets()}
    if taken := stored & {f"{dataset}-dealt-{seed}" for seed in range(seeds)}:
        raise DataError(f"The dataset {min(taken)!r} would be replaced", how="Delete it if it is left over.")
    for seed in range(seeds):
        name = f"{dataset}-dealt-{seed}"
        for number, which in enumerate(("as it is", "dealt")):
            progress(2 * seed + number, 2 * seeds, "trials")
            ranked = original if which == "as it is" else dealt(original, name, seed)
            try:
                specs = {mode: plan(ranked.name, seed, mode) for mode in MODES}
                rows += [{"seed": seed, "histories": which, **found} for found in _trials(specs)]
            finally:
                if ranked is not original:
                    delete_dataset(name)
    table = pd.DataFrame(rows)
    table["yes"] = table.uses_history == YES
    shares = table.groupby(["histories", "mode"], sort=False).yes.mean()
    return {
        "dataset": dataset,
        "model": plan(dataset, 0, "full").model.name,
        "seeds": seeds,
        "share_dealt": shares["dealt"].to_dict(),
        "share_real": shares["as it is"].to_dict(),
        "table": table.drop(columns="yes").round(4).to_dict("records"),
    }


def _trials(specs: dict[Mode, RunSpec]) -> list[dict]:
    """Verdict and user dependence of trials that share a training; runs that were not there before go again."""
    made, rows = [], []
    try:
        for mode, spec in specs.items():
            run = create_run(spec)
            if (result := run.result()) is None:
                made.append(run)
                enqueue(run)
                if (result := work_on(run)) is None:
                    raise RunError(f"Run {run.id} was cancelled", how="Start the benchmark again.")
            rows.append({"mode": mode, "uses_history": result.uses_history, **result.user_dependence.model_dump()})
    finally:
        for run in made:
            delete_run(run)
    return rows
