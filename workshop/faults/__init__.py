"""What may go wrong under a person's work, done on purpose: see `python -m workshop.faults --help`."""
