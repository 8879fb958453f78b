"""Run folders, the queue, and what is read from them."""
