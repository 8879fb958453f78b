"""How honest the forecast is: small runs of different specifications, foretold and then done."""

import time
from itertools import cycle, islice, product

import numpy as np
import pandas as pd

from upsr_core.errors import RunError
from upsr_core.runs.calibration import calibrate
from upsr_core.runs.forecast import IMPORT_SECONDS, forecast
from upsr_core.runs.queue import enqueue
from upsr_core.runs.run import create_run, delete_run
from upsr_core.runs.spec import RunSpec, plan_run
from upsr_core.runs.worker import work_on
from upsr_core.runtime import Progress
from upsr_core.text.design import parse_design
from workshop.small_runs import with_training

FACTOR = 1.5
DESIGNS = ("title", "category,title,brand", "title,description")
SIZES = ((20_000, 10), (60_000, 40), (0, 60), (120_000, 10))  # real tokens of training, test users


def small_specs(datasets: list[str], count: int) -> list[RunSpec]:
    """So many different small specifications: datasets, designs, tokens, users, batches."""
    specs = []
    for (dataset, design, (tokens, users)), batch in zip(
        islice(cycle(product(datasets, DESIGNS, SIZES)), 7 * count), cycle((2048, 8192, 4096)), strict=False
    ):
        spec = plan_run(dataset, parse_design(design), budget="smoke" if tokens else "zero-shot")
        spec = with_training(spec, tokens=tokens, batch_tokens=batch, patience=9)
        candidates = spec.candidates.model_copy(update={"users": users})
        specs.append(spec.model_copy(update={"candidates": candidates, "validation_users": 8}))
    # Every seventh, so that a few already differ in everything.
    return specs[::7][:count]


def bench(datasets: list[str], count: int, progress: Progress) -> dict:
    """The share of runs that took between two thirds and three halves of what was foretold: `share_within`.

    `seconds` are from the start of the work, so imports are left out on both sides. Take them on a machine
    that does nothing else: `median_cpu_ratio`, CPU time over what was foretold, is then near the number of cores.
    """
    rows = []
    for number, spec in enumerate(small_specs(datasets, count)):
        progress(number, count, "foretold and done: runs")
        calibrate(spec)
        foretold = forecast(spec).seconds - IMPORT_SECONDS
        run = create_run(spec)
        if run.status().state != "new":
            delete_run(run)
            run = create_run(spec)
        enqueue(run)
        clock, own = time.perf_counter(), time.process_time()
        if work_on(run) is None:
            raise RunError(f"Run {run.id} was cancelled", how="Start the benchmark again.")
        taken, spent = time.perf_counter() - clock, time.process_time() - own
        rows.append({"run": run.id, "foretold": foretold, "seconds": taken, "cpu_seconds": spent})
    table = pd.DataFrame(rows)
    ratio = table.seconds / table.foretold
    return {
        "runs": len(table),
        "share_within": float(((ratio < FACTOR) & (ratio > 1 / FACTOR)).mean()),
        "median_ratio": float(np.median(ratio)),
        "worst_ratio": float(np.exp(np.abs(np.log(ratio)).max())),
        "median_cpu_ratio": float(np.median(table.cpu_seconds / table.foretold)),
        "table": table.round(2).to_dict("records"),
    }
