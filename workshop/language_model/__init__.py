"""How the embedded language models are made: texts, vocabulary, pre-training, tuning on behaviour."""
