"""Seconds per epoch of our SASRec beside RecTools', same size, same training events, one after the other in turns.

RecTools needs an environment of its own, because its pins are not ours:

    python -m venv /tmp/rectools && /tmp/rectools/bin/pip install "rectools[torch]==0.19.0"
    python benchmarks/sasrec_epoch.py --dataset beauty --theirs /tmp/rectools/bin/python

An epoch's time is the difference of a training of three epochs and one of one, over two: without starting up. Both
sides get the threads of OMP_NUM_THREADS, otherwise all cores.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd

import upsr_core.runtime  # noqa: F401  sets what must be set before torch is imported
from upsr_core.datasets.splits import SplitSpec, split, training_histories
from upsr_core.datasets.store import load_dataset
from upsr_core.rankers.sequential import SequenceRanker
from upsr_core.rankers.spec import MODELS

EPOCHS = (1, 3)


def training_events(dataset, parts) -> pd.DataFrame:
    """Columns user_id, item_id, order: what both sides are trained on."""
    histories = training_histories(dataset, parts)
    rows = [(user, int(item), place) for user, items in enumerate(histories) for place, item in enumerate(items)]
    return pd.DataFrame(rows, columns=["user_id", "item_id", "order"])


def ours(dataset, parts, model: str) -> float:
    seconds = []
    for epochs in EPOCHS:
        spec = MODELS[model].training.model_copy(update={"epochs": epochs, "evaluate_every": epochs})
        start = time.perf_counter()
        with tempfile.TemporaryDirectory() as folder:
            SequenceRanker(model, spec, dataset, parts).fit(Path(folder), lambda *_: None)
        seconds.append(time.perf_counter() - start)
    return per_epoch(seconds)


def theirs(python: str, events: Path, model: str) -> float:
    spec = MODELS[model].training
    settings = {
        "epochs": EPOCHS, "n_blocks": spec.layers, "n_heads": spec.heads, "n_factors": spec.width,
        "dropout_rate": spec.dropout, "session_max_len": spec.length, "lr": spec.learning_rate,
        "batch_size": spec.batch, "loss": "BCE" if MODELS[model].loss == "sampled" else "softmax",
    }  # fmt: skip
    script = Path(__file__).with_name("rectools_epoch.py")
    done = subprocess.run(
        [python, str(script), str(events), json.dumps(settings)],
        env={**os.environ, "PYTHONPATH": ""}, stdout=subprocess.PIPE, text=True, check=True,
    )  # fmt: skip
    records = [json.loads(line) for line in done.stdout.splitlines() if line.startswith('{"epochs"')]
    return per_epoch([record["seconds"] for record in records])


def per_epoch(seconds: list[float]) -> float:
    return (seconds[1] - seconds[0]) / (EPOCHS[1] - EPOCHS[0])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--dataset", required=True, help="name of a stored dataset")
    parser.add_argument("--theirs", help="python of an environment with RecTools; ours alone without it")
    parser.add_argument("--model", default="sasrec-ce", choices=("sasrec-ce", "sasrec-bce"))
    parser.add_argument("--turns", type=int, default=3)
    chosen = parser.parse_args()
    dataset = load_dataset(chosen.dataset)
    parts = split(dataset, SplitSpec())
    found = {"ours": [], "theirs": []}
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "events.csv"
        training_events(dataset, parts).to_csv(file, index=False)
        for turn in range(chosen.turns):
            found["ours"].append(ours(dataset, parts, chosen.model))
            if chosen.theirs:
                found["theirs"].append(theirs(chosen.theirs, file, chosen.model))
            print(f"turn {turn + 1}:", {name: round(values[-1], 2) for name, values in found.items() if values})
    medians = {name: float(np.median(values)) for name, values in found.items() if values}
    print(json.dumps({"model": chosen.model, "dataset": dataset.name, "seconds_per_epoch": medians}))


if __name__ == "__main__":
    sys.exit(main())
