"""Language models: one loading for every T5 and text encoder, and what their perplexity is worth."""
