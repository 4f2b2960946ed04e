from __future__ import annotations

import torch

from mmmaskformer.functional.point_sampling import (
    random_points,
    sample_logits,
    sample_masks,
    uncertain_points,
)

CPU = torch.device('cpu')


def test_by_hand():
    """Between pixel centers, and at the edge, where half of the neighborhood is outside."""
    mask = torch.tensor([[[True, False], [True, True]]])
    points = torch.tensor([[0.25, 0.25], [0.5, 0.25], [0.75, 0.5], [0.0, 0.25]])
    expected = torch.tensor([[1.0, 0.5, 0.5, 0.5]])
    torch.testing.assert_close(sample_masks(mask, points), expected)
    torch.testing.assert_close(sample_logits(mask.float(), points), expected)


def test_binary_masks_are_sampled_as_numbers():
    masks, index = torch.rand(3, 6, 8) > 0.5, torch.tensor([2, 0, 2, 1])
    shared, own = torch.rand(50, 2), torch.rand(4, 50, 2)
    torch.testing.assert_close(sample_masks(masks, shared), sample_logits(masks.float(), shared))
    torch.testing.assert_close(sample_masks(masks, own, index), sample_logits(masks[index].float(), own))


def test_no_masks_at_all():
    nothing = torch.zeros(0, 6, 8)
    points = uncertain_points(nothing, 12)
    assert points.shape == (0, 12, 2)
    assert sample_logits(nothing, points).shape == (0, 12)
    assert sample_masks(nothing.bool(), points, torch.zeros(0, dtype=torch.int64)).shape == (0, 12)
    assert sample_masks(nothing.bool(), random_points(1, 5, CPU)[0]).shape == (0, 5)


def test_points_gather_where_the_mask_is_undecided():
    """Logits fall from left to right through zero: three quarters of the points lie near the middle."""
    logits = torch.linspace(-8, 8, 32).expand(2, 32, 32)
    points = uncertain_points(logits, 400)
    distance = (points[..., 0] - 0.5).abs()
    assert (distance < 0.15).float().mean() > 0.75
    assert (distance > 0.3).float().mean() > 0.05  # the rest is anywhere
    assert not torch.equal(points[0], points[1])


def test_shares_of_the_points():
    drawn = []

    def draw(num_sets, num_points, device):
        drawn.append((num_sets, num_points))
        return random_points(num_sets, num_points, device)

    assert uncertain_points(torch.randn(3, 4, 4), 20, 2.5, 0.8, draw).shape == (3, 20, 2)
    assert drawn == [(3, 50), (3, 4)]
