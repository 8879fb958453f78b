"""Seconds per epoch of our SASRec beside RecTools', same size, same training events, one epoch each in turns.

RecTools needs an environment of its own, because its pins are not ours. A torch without CUDA is enough; give it the
version that we have, so that the two differ in their own code alone:

    python -m venv /tmp/rectools
    /tmp/rectools/bin/pip install "rectools[torch]==0.19.0" torch==2.13.0
    python -m workshop.benchmarks.sasrec_epoch --dataset beauty --theirs /tmp/rectools/bin/python

(Where the registry gives a torch with CUDA, add --extra-index-url https://download.pytorch.org/whl/cpu to pip.)

Needs a stored dataset (`upsr data list`) and a machine that does nothing else; with cross-entropy over the 12,101 items
of amazon-beauty-2014 RecTools takes about 3 GB of memory. Both sides get width, layers, heads, length, dropout, and
loss of `upsr_core.models.sequential`, and 256 histories a step; the inside of a feed-forward layer is as wide as the
model in RecTools' SASRec, so it is here too (ours is four times as wide otherwise). Both get the threads of
OMP_NUM_THREADS, otherwise all cores. An epoch is timed from the end of its first step to the end of its last: neither
side's start counts. The last line is JSON: seconds per epoch of both in every turn, their medians, and theirs over
ours; processor seconds beside them tell whether the machine did something else.
"""

import argparse
import json
import os
import subprocess
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd
import torch

import upsr_core.runtime  # noqa: F401  sets what must be set before torch computes
from upsr_core.datasets.splits import Split, SplitSpec, split, training_histories
from upsr_core.datasets.store import Dataset, load_dataset
from upsr_core.models.registry import model_named
from upsr_core.models.sequence_ranker import SequenceRanker
from upsr_core.models.sequential import SequenceModel
from upsr_core.models.spec import SequenceSpec


def training_events(dataset: Dataset, parts: Split) -> pd.DataFrame:
    """Columns user_id, item_id, order: what both sides are trained on."""
    histories = training_histories(dataset, parts)
    rows = [(user, int(item), place) for user, items in enumerate(histories) for place, item in enumerate(items)]
    return pd.DataFrame(rows, columns=["user_id", "item_id", "order"])


def sequence_model(name: str) -> SequenceModel:
    found = model_named(name)
    if not isinstance(found, SequenceModel):
        raise ValueError(f"{name} is no transformer over items")
    return found


def sized(model: str) -> SequenceSpec:
    """One epoch of our training in the size that both sides can have."""
    own = sequence_model(model).longest
    update = {"epochs": 1, "evaluate_every": 1, "inner": own.width, "batch": 256, "batch_unit": "histories"}
    return own.model_copy(update=update)


def ours(dataset: Dataset, parts: Split, model: str) -> dict:
    ends: list[tuple[float, float]] = []
    with tempfile.TemporaryDirectory() as folder:
        ranker = SequenceRanker(sequence_model(model), sized(model), dataset, parts)
        ranker.fit(Path(folder), lambda *_: ends.append((time.perf_counter(), time.process_time())))
    return {"ends": ends, "threads": torch.get_num_threads(), "torch": torch.__version__}


def theirs(python: str, events: Path, model: str) -> dict:
    spec = sized(model)
    settings = {
        "n_blocks": spec.layers, "n_heads": spec.heads, "n_factors": spec.width, "dropout_rate": spec.dropout,
        "session_max_len": spec.length, "lr": spec.learning_rate, "batch_size": spec.batch,
        "loss": "BCE" if sequence_model(model).loss == "sampled" else "softmax",
    }  # fmt: skip
    script = Path(__file__).with_name("rectools_epoch.py")
    done = subprocess.run(
        [python, str(script), str(events), json.dumps(settings)],
        env={**os.environ, "PYTHONPATH": ""}, capture_output=True, text=True,
    )  # fmt: skip
    if done.returncode:
        raise SystemExit(f"RecTools failed:\n{done.stderr}")
    return json.loads(done.stdout.splitlines()[-1])


def per_epoch(record: dict) -> np.ndarray:
    """Seconds, and processor seconds, of all steps from those of all but the first."""
    ends = np.array(record["ends"])
    return (ends[-1] - ends[0]) / (len(ends) - 1) * len(ends)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--dataset", required=True, help="name of a stored dataset")
    parser.add_argument("--theirs", required=True, help="python of an environment with RecTools")
    parser.add_argument("--model", default="sasrec-ce", choices=("sasrec-ce", "sasrec-bce"))
    parser.add_argument("--turns", type=int, default=3, help="epochs of each side")
    chosen = parser.parse_args()
    dataset = load_dataset(chosen.dataset)
    parts = split(dataset, SplitSpec())
    found: dict[str, list[np.ndarray]] = {"ours": [], "theirs": []}
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "events.csv"
        training_events(dataset, parts).to_csv(file, index=False)
        for turn in range(chosen.turns):
            records = {"ours": ours(dataset, parts, chosen.model), "theirs": theirs(chosen.theirs, file, chosen.model)}
            for side, record in records.items():
                found[side].append(per_epoch(record))
            seconds = ", ".join(f"{side} {values[-1][0]:.1f} s" for side, values in found.items())
            print(f"turn {turn + 1}: {seconds}", flush=True)
    result = {"model": chosen.model, "dataset": dataset.name, "size": sized(chosen.model).model_dump(mode="json")}
    medians = {side: np.median(values, axis=0) for side, values in found.items()}
    for side, record in records.items():
        figures = {"seconds_per_epoch": medians[side][0], "processor_seconds_per_epoch": medians[side][1]}
        result[side] = {name: round(float(value), 2) for name, value in figures.items()}
        result[side]["turns"] = [round(float(value[0]), 2) for value in found[side]]
        result[side] |= {"steps": len(record["ends"]), "threads": record["threads"], "torch": record["torch"]}
    ratio = medians["theirs"] / medians["ours"]
    result |= {"rectools": records["theirs"]["rectools"], "theirs_over_ours": round(float(ratio[0]), 2)}
    print(json.dumps({**result, "theirs_over_ours_processor": round(float(ratio[1]), 2)}))


if __name__ == "__main__":
    main()
