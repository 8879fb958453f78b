"""Do the indicators predict quality? Trials of many designs, indicators against NDCG@10."""
