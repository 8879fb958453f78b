"""What users never import: the making of language models and sample, benchmarks, faults done on purpose."""
