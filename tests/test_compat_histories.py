"""Logged numbers, appended in place: the same numbers as MMEngine's, in constant time."""

from __future__ import annotations

import copy
import pickle
from itertools import pairwise

import numpy as np
import pytest
from mmengine.logging import HistoryBuffer

import mmmaskformer  # noqa: F401  (replaces HistoryBuffer.update)

copy_and_append = HistoryBuffer.update.copy_and_append


def both(max_length: int = 1000) -> tuple[HistoryBuffer, HistoryBuffer]:
    return HistoryBuffer([], [], max_length), HistoryBuffer([], [], max_length)


def equal(one: HistoryBuffer, other: HistoryBuffer) -> bool:
    same = (np.array_equal(a, b) and a.dtype == b.dtype for a, b in zip(one.data, other.data))
    return all(same)


@pytest.mark.parametrize('max_length', [7, 1000])
def test_numbers_are_those_of_mmengine(max_length):
    ours, reference = both(max_length)
    for value, count in [
        (1, 1),
        (2.5, 1),
        (3, 2),
        (np.float64(4.5), 1),
        (True, 1),
        (0.5, 1.5),
        *[(6.0, 1)] * 40,
    ]:
        ours.update(value, count)
        copy_and_append(reference, value, count)
        assert equal(ours, reference)
    assert ours.mean(10) == reference.mean(10)
    assert ours.current() == 6


def test_errors_are_those_of_mmengine():
    ours, _ = both()
    ours.update(1.0)
    ours.update(2.0)
    with pytest.raises(TypeError, match='log_val must be int or float'):
        ours.update('three')
    assert ours.data[0].tolist() == [1, 2]


@pytest.mark.parametrize('duplicate', [copy.copy, copy.deepcopy, lambda x: pickle.loads(pickle.dumps(x))])
def test_copies_are_independent(duplicate):
    ours, _ = both()
    for value in (1.0, 2.0, 3.0):
        ours.update(value)
    twin, view = duplicate(ours), ours.data[0]
    ours.update(4.0)
    twin.update(5.0)
    twin.update(6.0)
    ours.update(7.0)
    assert ours.data[0].tolist() == [1, 2, 3, 4, 7]
    assert twin.data[0].tolist() == [1, 2, 3, 5, 6]
    assert view.tolist() == [1, 2, 3]


def test_what_is_saved_is_no_larger():
    ours, reference = both()
    for value in range(100):
        ours.update(value / 2)
        copy_and_append(reference, value / 2)
    assert len(pickle.dumps(ours)) == len(pickle.dumps(reference))


def test_most_numbers_are_not_copied():
    ours = HistoryBuffer([0.0], [1], 10**6)  # as MMEngine makes one
    homes = []
    for value in range(5000):
        ours.update(float(value))
        homes.append(ours.data[0].base)
    moves = sum(one is not after for one, after in pairwise(homes))
    assert moves <= 12  # 2**12 < 5000 < 2**13
    assert ours.data[1].dtype == np.int64
