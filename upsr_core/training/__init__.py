"""Training on transformers' Trainer: batches by tokens, progress, cancel, exact resume."""
