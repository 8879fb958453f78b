"""Small data whose right answer is known: every item is followed by one and the same other item."""

import os

import numpy as np
import pandas as pd
import pytest

WORDS = """
apple bread chair drum engine flower garden hammer island jacket kettle ladder mirror needle orange pencil queen river
silver table umbrella violin window yellow
""".split()  # noqa: SIM905
ITEMS, USERS, EVENTS = len(WORDS), 240, 9


def write_successors(folder, seed: int = 0):
    """Files of a shop where item `order[i]` is always followed by `order[i + 1]`; users begin anywhere."""
    rng = np.random.default_rng(seed)
    order, starts = rng.permutation(ITEMS), rng.integers(0, ITEMS, USERS)
    rows = [
        (f"user{user}", f"item{order[(start + step) % ITEMS]}", step)
        for user, start in enumerate(starts)
        for step in range(EVENTS - user % 3)
    ]
    pd.DataFrame(rows, columns=["user_id", "item_id", "timestamp"]).to_csv(folder / "events.csv", index=False)
    table = {"item_id": [f"item{number}" for number in range(ITEMS)], "title": WORDS, "category": "Things"}
    pd.DataFrame(table).to_csv(folder / "items.csv", index=False)
    return folder / "items.csv", folder / "events.csv"


@pytest.fixture(scope="session")
def successors(tmp_path_factory):
    """The dataset, imported once for all tests of the session."""
    from upsr_core.datasets.importing import import_dataset

    folder, before = tmp_path_factory.mktemp("successors"), os.environ.get("UPSR_HOME")
    os.environ["UPSR_HOME"] = str(folder / "home")
    try:
        made = import_dataset("successors", *write_successors(folder))
        _ = made.items  # read now: every test has another home
        return made
    finally:
        os.environ.pop("UPSR_HOME")
        if before is not None:
            os.environ["UPSR_HOME"] = before
