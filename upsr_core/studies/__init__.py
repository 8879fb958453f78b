"""Do the indicators predict quality? Trials of many designs, and every indicator against their NDCG@10."""
