"""Span corruption (Raffel et al., JMLR 2020, section 3.1.4), and the same with whole list entries as spans."""

import numpy as np


def random_spans(
    length: int, rng: np.random.Generator, share: float = 0.15, mean: float = 3.0
) -> list[tuple[int, int]]:
    """Disjoint, non-adjacent spans (start, end) that cover about `share` of `length` tokens."""
    noise = min(max(1, round(length * share)), length - 1)
    count = min(max(1, round(noise / mean)), noise, length - noise, 99)

    def partition(total: int) -> np.ndarray:
        cuts = np.sort(rng.choice(total - 1, size=count - 1, replace=False)) + 1 if count > 1 else np.array([], int)
        return np.diff(np.concatenate([[0], cuts, [total]]))

    spans, position = [], 0
    for kept, lost in zip(partition(length - noise), partition(noise), strict=True):
        spans.append((position + kept, position + kept + lost))
        position += kept + lost
    return spans


def corrupt(ids: np.ndarray, spans: list[tuple[int, int]], first_sentinel: int) -> tuple[list[int], list[int]]:
    """Replace every span by a sentinel; returns (encoder ids, target ids), both closed by id 1.

    Sentinels count down from `first_sentinel` (`<extra_id_0>`), as in T5.

    >>> corrupt(np.array([10, 11, 12, 13, 14]), [(1, 3)], 99)
    ([10, 99, 13, 14, 1], [99, 11, 12, 1])
    """
    source, target, position = [], [], 0
    for number, (start, end) in enumerate(spans):
        sentinel = first_sentinel - number
        source += [*ids[position:start].tolist(), sentinel]
        target += [sentinel, *ids[start:end].tolist()]
        position = end
    return [*source, *ids[position:].tolist(), 1], [*target, 1]
