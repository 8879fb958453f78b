"""Lets the tests import `scored_texts`."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parent))  # importlib mode leaves it out
