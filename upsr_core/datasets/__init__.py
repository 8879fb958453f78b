"""From raw files to a stored dataset and its splits."""
