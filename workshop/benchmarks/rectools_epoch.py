"""Seconds of one epoch of RecTools' SASRec; run by sasrec_epoch.py in an environment that has RecTools, not ours.

Arguments: a CSV file with the columns user_id, item_id, order, and the model's settings as JSON. Ends with one JSON
line: the time and the processor time at which each step ended, in seconds, threads, and versions.
"""

import json
import sys
import time
from importlib.metadata import version

import pandas as pd
import torch
from pytorch_lightning import Callback, Trainer
from rectools.dataset import Dataset
from rectools.models import SASRecModel

ends: list[tuple[float, float]] = []


class Clock(Callback):
    def on_train_batch_end(self, *_):
        ends.append((time.perf_counter(), time.process_time()))


def trainer() -> Trainer:
    """RecTools' own trainer, and the clock."""
    quiet = {"enable_progress_bar": False, "enable_model_summary": False, "enable_checkpointing": False}
    return Trainer(max_epochs=1, min_epochs=1, logger=False, devices=1, callbacks=[Clock()], **quiet)


events, settings = pd.read_csv(sys.argv[1]), json.loads(sys.argv[2])
data = Dataset.construct(events.assign(weight=1, datetime=pd.to_datetime(events["order"], unit="s")))
SASRecModel(train_min_user_interactions=2, get_trainer_func=trainer, **settings).fit(data)
record = {"ends": ends, "threads": torch.get_num_threads(), "torch": torch.__version__}
print(json.dumps({**record, "rectools": version("rectools")}))
