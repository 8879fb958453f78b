"""Which items of a history a training sample masks (paper, section 3.4.1)."""

import numpy as np


def choose_masks(length: int, rng: np.random.Generator, share: float, last_only: float) -> list[int]:
    """Positions to mask in a history of `length` items.

    With probability `last_only` the last item, otherwise `share` of the items at random, at least one.

    >>> choose_masks(5, np.random.default_rng(0), share=0.1, last_only=1.0)
    [4]
    """
    if rng.random() < last_only:
        return [length - 1]
    count = max(1, round(length * share))
    return sorted(rng.choice(length, size=count, replace=False).tolist())
