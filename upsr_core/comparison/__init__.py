"""Runs beside each other on the same users and candidates: who is better, for whom, and at what cost."""
