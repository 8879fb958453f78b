"""What ranks candidates: one protocol, many models."""
