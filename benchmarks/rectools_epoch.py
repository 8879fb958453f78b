"""Seconds of trainings of RecTools' SASRec; run by sasrec_epoch.py in an environment that has RecTools, not ours."""

import json
import sys
import time

import pandas as pd
from rectools.dataset import Dataset
from rectools.models import SASRecModel

events, settings = pd.read_csv(sys.argv[1]), json.loads(sys.argv[2])
data = Dataset.construct(events.assign(weight=1, datetime=pd.to_datetime(events["order"], unit="s")))
for epochs in settings.pop("epochs"):
    start = time.perf_counter()
    SASRecModel(epochs=epochs, train_min_user_interactions=2, **settings).fit(data)
    print(json.dumps({"epochs": epochs, "seconds": time.perf_counter() - start}), flush=True)
