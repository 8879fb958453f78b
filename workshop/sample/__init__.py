"""The generator of the embedded sample: seven invented domains in the format of Amazon's 2018 files."""
