"""What the tests of pages share."""

import numpy as np
from streamlit.testing.v1 import AppTest


def texts(at: AppTest) -> str:
    """All markdown and captions of a page."""
    return "\n".join(element.value for kind in (at.markdown, at.caption) for element in kind)


def tables(folder, users=30, items=12):
    """An event table and an item table with column names nobody can guess wholly."""
    rng = np.random.default_rng(0)
    rows = [f"u{u}\ti{i}\t{1000 + n}" for u in range(users) for n, i in enumerate(rng.permutation(items)[:8])]
    events = folder / "log.tsv"
    events.write_text("\n".join(["who\titem_id\twhen", *rows]) + "\n")
    catalogue = folder / "catalogue.csv"
    catalogue.write_text("item_id,title,workshop\n" + "".join(f"i{i},Pen {i},Zyqor\n" for i in range(items)))
    return catalogue, events
