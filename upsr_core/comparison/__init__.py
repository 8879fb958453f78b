"""Runs beside each other on the same users: who is better, for whom, and at what cost."""
