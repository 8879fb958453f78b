"""The embedded sample and language models: data that the library carries; installed, they lie in `upsr_core`."""
