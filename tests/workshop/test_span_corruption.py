import re
from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from workshop.language_model.generated_listings import ListingWriter
from workshop.language_model.span_corruption import corrupt, random_spans


@given(st.integers(2, 300), st.integers(0, 10_000))
def test_spans_are_disjoint_and_the_text_can_be_put_back(length, seed):
    ids = np.arange(1000, 1000 + length)
    spans = random_spans(length, np.random.default_rng(seed))
    assert all(end > start for start, end in spans)
    source, target = corrupt(ids, spans, first_sentinel=99)
    pieces, current = {}, None
    for token in target[:-1]:
        if token < 100:
            current = pieces.setdefault(token, [])
        else:
            current.append(token)
    restored = [t for token in source[:-1] for t in (pieces[token] if token < 100 else [token])]
    assert restored == ids.tolist()


def names(item: str) -> set[str]:
    return set(re.findall(r"\b[A-Z]\w+", item)) - {"Volume"}


def repeats(items: list[str]) -> float:
    """Share of neighbouring items that share a capitalised word."""
    return float(np.mean([bool(names(a) & names(b)) for a, b in pairwise(items)]))


def test_listings_hold_together_and_depend_on_the_seed_alone():
    writer = ListingWriter([f"word{i}" for i in range(500)])
    listings = [writer.write(np.random.default_rng(seed))[1] for seed in range(50)]
    assert listings[7] == writer.write(np.random.default_rng(7))[1]
    mixed = [[listing[0], other[-1]] for listing, other in pairwise(listings)]
    assert np.mean([repeats(listing) for listing in listings]) > 0.9 > 0.5 > np.mean([repeats(pair) for pair in mixed])
