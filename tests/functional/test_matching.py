from __future__ import annotations

from itertools import permutations

import pytest
import torch
import torch.nn.functional as F

from mmmaskformer.functional.matching import flat_index, nearest_resize_masks, optimal_assignments


def brute_force(cost: torch.Tensor) -> float:
    queries, segments = cost.shape
    return min(
        sum(cost[q, s].item() for s, q in enumerate(choice))
        for choice in permutations(range(queries), segments)
    )


@pytest.mark.parametrize('seed', range(5))
def test_assignments_are_optimal(seed):
    costs = [torch.randn(6, s, generator=torch.Generator().manual_seed(seed)) for s in (1, 3, 4)]
    matches, num_non_finite = optimal_assignments(costs)
    assert num_non_finite == 0
    for cost, (queries, segments) in zip(costs, matches):
        assert sorted(segments.tolist()) == list(range(cost.shape[1]))
        assert queries.tolist() == sorted(set(queries.tolist()))
        assert cost[queries, segments].sum().item() == pytest.approx(brute_force(cost), abs=1e-5)


def test_images_without_segments_match_nothing():
    matches, _ = optimal_assignments([torch.zeros(4, 0), torch.tensor([[3.0], [1.0], [2.0], [5.0]])])
    assert [[part.tolist() for part in match] for match in matches] == [[[], []], [[1], [0]]]


def test_non_finite_costs_are_avoided_and_counted():
    cost = torch.tensor([[float('nan'), 1.0], [5.0, float('-inf')], [float('inf'), 9.0]])
    ((queries, segments),), count = optimal_assignments([cost])
    assert count == 3
    assert dict(zip(segments.tolist(), queries.tolist())) == {0: 1, 1: 0}


def test_all_costs_non_finite():
    matches, count = optimal_assignments([torch.full((3, 2), float('nan'))])
    assert count == 6
    assert len(matches[0][0]) == 2


@pytest.mark.parametrize('size', [(8, 12), (9, 7), (32, 48), (5, 48)])
def test_nearest_resize_picks_the_pixels_of_interpolate(size):
    masks = torch.rand(3, 32, 48) > 0.5
    expected = F.interpolate(masks[:, None].float(), size=size, mode='nearest')[:, 0]
    assert torch.equal(nearest_resize_masks(masks, size).float(), expected)


def test_flat_index_is_ordered_by_image_layer_and_query():
    """Two layers; the first image has two segments, the second none, the third one."""
    nothing = torch.zeros(2, 0, dtype=torch.int64)
    matches = [
        [torch.tensor([[1, 4], [1, 0]]), nothing, torch.tensor([[2], [0]])],
        [torch.tensor([[0, 3], [0, 1]]), nothing, torch.tensor([[5], [0]])],
    ]
    pairs = flat_index([[tuple(match) for match in layer] for layer in matches], [2, 0, 1])
    assert pairs.images.tolist() == [0, 0, 0, 0, 2, 2]
    assert pairs.layers.tolist() == [0, 0, 1, 1, 0, 1]
    assert pairs.queries.tolist() == [1, 4, 0, 3, 2, 5]
    assert pairs.segments.tolist() == [1, 0, 0, 1, 2, 2]
    assert pairs.per_image() == [4, 0, 2]
    assert [part.tolist() for part in pairs.split_layers(pairs.queries)] == [[1, 4, 2], [0, 3, 5]]
    assert pairs.sum_layers(pairs.queries[None]).tolist() == [[7, 8]]
