"""Language models: one door to every T5, and how the embedded one was made."""
