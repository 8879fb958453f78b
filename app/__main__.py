"""The studio as `upsr studio` starts it, with options of `streamlit run` after it.

What every page needs is imported while the browser still opens; Streamlit alone would begin with it at the first visit.
"""

import sys
import time
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from threading import Thread

from streamlit import runtime
from streamlit.web.cli import main

# Nothing of `app`: Streamlit's caches may be declared in a session alone.
HEAVY = (
    "pandas",
    "pyarrow.dataset",
    "plotly.graph_objects",
    "plotly.tools",
    "upsr_core.datasets.sample",
    "upsr_core.comparison.entries",
    "upsr_core.studies.worker",
    "upsr_core.explain.model_agreement",
    "upsr_core.export.figure_style",
)


def preload() -> None:
    while not runtime.exists():  # the server first: a browser cannot begin without it
        time.sleep(0.02)
    before = sys.getswitchinterval()
    sys.setswitchinterval(0.0002)  # the server answers a browser's first hundred requests meanwhile
    with suppress(RuntimeError):  # stopped in its first seconds, the interpreter takes no more imports
        for name in HEAVY:
            import_module(name)
    sys.setswitchinterval(before)


if __name__ == "__main__":
    Thread(target=preload, daemon=True).start()
    main(["run", str(Path(__file__).with_name("main.py")), *sys.argv[1:]])
