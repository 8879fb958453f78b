"""What pytest leaves out when it collects the examples in docstrings."""

collect_ignore = ["benchmarks/rectools_epoch.py"]  # runs in an environment of its own, with RecTools
