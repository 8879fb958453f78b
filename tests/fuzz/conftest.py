"""Hypothesis as the campaign asks for it, and the modules of cases."""

import os

from hypothesis import HealthCheck, settings

EXAMPLES = int(os.environ.get("UPSR_FUZZ_EXAMPLES", "8"))
settings.register_profile(
    "fuzz", max_examples=EXAMPLES, deadline=None, derandomize="UPSR_FUZZ_EXAMPLES" not in os.environ,
    suppress_health_check=list(HealthCheck), database=None,
)  # fmt: skip
settings.load_profile("fuzz")
