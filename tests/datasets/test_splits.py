"""Splits against their definition, user by user."""

from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from upsr_core.datasets.splits import SplitSpec, split

HISTORIES = st.lists(st.lists(st.integers(0, 8), min_size=1, max_size=9), min_size=1, max_size=8)


def dataset(histories):
    offsets = np.cumsum([0, *map(len, histories)])
    sequence = np.array([item for history in histories for item in history], np.int32)
    return SimpleNamespace(offsets=offsets, sequence=sequence, n_items=9, report={"repeats": 1})


def plain(histories, k):
    """Training histories, validation and test instances of leave-last-k, written out."""
    training, validation, test, short = {}, [], [], 0
    for user, history in enumerate(histories):
        n = len(history)
        if n < k + 2:
            training[user], short = n, short + 1
            continue
        training[user] = n - k - 1
        validation.append((user, n - k - 1, history[n - k - 1]))
        test += [(user, n - k, history[n - k + step - 1], step) for step in range(1, k + 1)]
    before = {}
    for name, instances in (("validation", validation), ("test", test)):
        new = [each for each in instances if each[2] not in histories[each[0]][: each[1]]]
        before[name], instances[:] = len(instances) - len(new), new
    seen = {item for user, end in training.items() for item in histories[user][:end]}
    return training, validation, test, short, before, seen


@given(HISTORIES, st.integers(1, 3))
def test_leave_last_k(histories, k):
    spec = SplitSpec(kind="leave-last-k", k=k)
    found = split(dataset(histories), spec)
    training, validation, test, short, before, seen = plain(histories, k)
    assert dict(found.training.itertuples(index=False, name=None)) == training
    assert list(found.validation[["user", "end", "target"]].itertuples(index=False, name=None)) == validation
    assert list(found.test[["user", "end", "target", "step"]].itertuples(index=False, name=None)) == test
    assert found.test.cold.tolist() == [target not in seen for _, _, target, _ in test]
    assert found.validation.cold.tolist() == [target not in seen for _, _, target in validation]
    assert (found.not_evaluated, found.taken_before, found.spec) == (short, before, spec)


def test_leave_one_out():
    histories = [[0, 1, 2, 3], [4, 5], [6, 0, 7]]
    found = split(dataset(histories), SplitSpec())
    assert found.training.values.tolist() == [[0, 2], [1, 2], [2, 1]]
    assert found.validation.values.tolist() == [[0, 2, 2, True], [2, 1, 0, False]]
    assert found.test.values.tolist() == [[0, 3, 3, True, 1], [2, 2, 7, True, 1]]
    assert found.not_evaluated == 1


def test_zero_shot_tests_every_event_but_the_first():
    found = split(dataset([[0, 1, 2], [3], [4, 4]]), SplitSpec(kind="zero-shot"))
    assert found.test[["user", "end", "target", "step"]].values.tolist() == [[0, 1, 1, 1], [0, 2, 2, 1]]
    assert found.test.cold.all() and found.taken_before == {"validation": 0, "test": 1}
    assert (len(found.training), len(found.validation), found.not_evaluated) == (0, 0, 1)
    assert list(found.validation.columns) == ["user", "end", "target", "cold"]


def test_only_leave_last_k_has_a_k():
    with pytest.raises(ValidationError, match="only leave-last-k has a k"):
        SplitSpec(k=2)
    with pytest.raises(ValidationError):
        SplitSpec(kind="leave-last-k", k=0)
