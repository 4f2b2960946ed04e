"""What holds of assignments whatever the costs."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from torch import Tensor

from mmmaskformer.functional.matching import optimal_assignments

SHAPES = st.one_of(
    st.tuples(st.integers(1, 6), st.integers(0, 4)),  # queries, segments
    st.tuples(st.integers(1, 3), st.integers(4, 6)),  # more segments than queries: all queries are matched
)
BROKEN = [float('nan'), float('inf'), float('-inf')]


def matrices(values: st.SearchStrategy) -> st.SearchStrategy:
    return SHAPES.flatmap(lambda shape: arrays.arrays(np.float32, shape, elements=values)).map(
        torch.from_numpy
    )


COSTS = matrices(st.floats(-1000, 1000, width=32))
WHOLE_COSTS = matrices(st.integers(-50, 50))  # sums are exact, and ties are frequent
BROKEN_COSTS = matrices(st.one_of(st.integers(-50, 50), st.sampled_from(BROKEN)))


def all_assignments(queries: int, segments: int):
    """Every way to match all of the fewer ones, as (query, segment) pairs."""
    if queries < segments:
        return [[(q, s) for s, q in pairs] for pairs in all_assignments(segments, queries)]
    return [[(q, s) for s, q in enumerate(chosen)] for chosen in permutations(range(queries), segments)]


def price(cost: Tensor, pairs) -> tuple[int, float]:
    """Number of costs that are not finite, and the sum of the others."""
    taken = [cost[pair].item() for pair in pairs]
    finite = [value for value in taken if np.isfinite(value)]
    return len(taken) - len(finite), float(np.sum(finite, dtype=np.float64))


def assign(cost: Tensor) -> list[tuple[int, int]]:
    ((queries, segments),), _ = optimal_assignments([cost])
    assert queries.tolist() == sorted(set(queries.tolist()))
    assert len(set(segments.tolist())) == len(queries) == min(cost.shape)
    return list(zip(queries.tolist(), segments.tolist()))


@settings(max_examples=200, deadline=None)
@given(COSTS)
def test_no_permutation_is_cheaper(cost):
    best = min(price(cost, pairs)[1] for pairs in all_assignments(*cost.shape))
    assert price(cost, assign(cost))[1] <= best + 1e-9 * (1 + abs(best))


@settings(max_examples=200, deadline=None)
@given(BROKEN_COSTS)
def test_costs_that_are_not_finite_are_taken_only_where_there_is_no_other_way(cost):
    """As few as possible of them, and the rest as cheap as it can be then."""
    _, count = optimal_assignments([cost])
    assert count == int((~cost.isfinite()).sum())
    assert price(cost, assign(cost)) == min(price(cost, pairs) for pairs in all_assignments(*cost.shape))


@settings(max_examples=100, deadline=None)
@given(st.lists(WHOLE_COSTS, min_size=1, max_size=4))
def test_matrices_do_not_see_each_other(costs):
    matches, _ = optimal_assignments(costs)
    for cost, (queries, segments) in zip(costs, matches):
        assert list(zip(queries.tolist(), segments.tolist())) == assign(cost)


@settings(max_examples=100, deadline=None)
@given(SHAPES, st.randoms(use_true_random=False))
def test_order_of_queries_and_segments_does_not_matter(shape, random):
    cost = torch.tensor(random.sample(range(100000), shape[0] * shape[1]), dtype=torch.float32).view(shape)
    rows, columns = (random.sample(range(number), number) for number in shape)
    mixed = [(rows[q], columns[s]) for q, s in assign(cost[rows][:, columns])]
    assert price(cost, mixed) == price(cost, assign(cost))


@settings(max_examples=100, deadline=None)
@given(WHOLE_COSTS, st.randoms(use_true_random=False))
def test_scale_of_all_and_level_of_what_is_matched_anyway_do_not_matter(cost, random):
    """A power of two and whole numbers keep the costs exact; levels are of segments, or of scarce queries."""
    matched = 1 if cost.shape[0] >= cost.shape[1] else 0
    levels = torch.tensor([float(random.randint(-99, 99)) for _ in range(cost.shape[matched])])
    moved = (cost + (levels if matched == 1 else levels[:, None])) * 2.0 ** random.randint(-8, 8)
    assert price(cost, assign(moved)) == price(cost, assign(cost))


@settings(max_examples=50, deadline=None)
@given(st.integers(1, 4), st.floats(2.0**24, 1e38))
def test_costs_too_large_for_steps_of_one_are_still_better_than_none(size, value):
    cost = torch.full((size, size), value)
    cost[0, -1] = float('nan')
    assert size == 1 or price(cost, assign(cost))[0] == 0
