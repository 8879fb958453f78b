"""`import upsr_core` costs next to nothing: names are offered at once, libraries come when they are used."""

import subprocess
import sys
import time

import pytest

HEAVY = ("torch", "pandas", "numpy", "pyarrow", "transformers", "duckdb", "sklearn", "scipy", "plotly", "streamlit")


@pytest.mark.alone
def test_the_package_is_imported_in_a_fifth_of_a_second():
    took = []
    for _ in range(5):  # the best of five: other programs of the machine only add to it
        before = time.perf_counter()
        subprocess.run([sys.executable, "-c", "import upsr_core"], check=True)
        took.append(time.perf_counter() - before)
    assert min(took) < 0.2, took


def test_importing_the_package_imports_no_large_library():
    program = "import sys, upsr_core; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)
    loaded = {name.partition(".")[0] for name in done.stdout.split()}
    assert "upsr_core" in loaded
    assert not loaded & set(HEAVY)
