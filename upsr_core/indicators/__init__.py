"""The indicators of a text representation: naturalness to behaviour alignment, and the items behind each number."""
