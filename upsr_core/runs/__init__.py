"""Specification of a run, its folder, forecast, queue, worker, status and results."""
