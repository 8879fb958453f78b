"""What a text representation is worth before training, and the items behind each number."""
