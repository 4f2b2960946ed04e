from __future__ import annotations

import pytest
import torch

from mmmaskformer.models.assigners.match_costs import pairwise_box_l1, pairwise_giou, relative_boxes


def random_boxes(count: int) -> torch.Tensor:
    low = torch.rand(count, 2) * 0.5
    return torch.cat([low, low + 0.05 + torch.rand(count, 2) * 0.45], dim=1)


def giou_by_hand(box: list[float], other: list[float]) -> float:
    left, top, right, bottom = box
    left2, top2, right2, bottom2 = other
    width = max(0.0, min(right, right2) - max(left, left2))
    height = max(0.0, min(bottom, bottom2) - max(top, top2))
    union = (right - left) * (bottom - top) + (right2 - left2) * (bottom2 - top2) - width * height
    around = (max(right, right2) - min(left, left2)) * (max(bottom, bottom2) - min(top, top2))
    return width * height / union - (around - union) / around


def test_boxes_of_masks():
    masks = torch.zeros(3, 4, 8, dtype=torch.bool)
    masks[0, 1:3, 2:6] = True
    masks[1, 3, 7] = True
    expected = [[0.25, 0.25, 0.75, 0.75], [0.875, 0.75, 1.0, 1.0], [0.0, 0.0, 0.0, 0.0]]
    assert relative_boxes(masks).tolist() == expected


def test_giou_of_every_pair():
    torch.manual_seed(0)
    boxes, others = random_boxes(6), random_boxes(4)
    for row, box in zip(pairwise_giou(boxes, others).tolist(), boxes.tolist()):
        assert row == pytest.approx([giou_by_hand(box, other) for other in others.tolist()], abs=1e-5)


def test_giou_of_known_pairs():
    """Equal; halves of a square side by side; opposite quarters: 0 - (1 - 1/2) / 1; nothing."""
    whole = torch.tensor([[0.0, 0.0, 1.0, 1.0]])
    left, right = torch.tensor([[0.0, 0.0, 0.5, 1.0]]), torch.tensor([[0.5, 0.0, 1.0, 1.0]])
    first, last = torch.tensor([[0.0, 0.0, 0.5, 0.5]]), torch.tensor([[0.5, 0.5, 1.0, 1.0]])
    nothing = torch.zeros(1, 4)
    pairs = [(whole, whole, 1.0), (left, right, 0.0), (first, last, -0.5), (whole, left, 0.5)]
    pairs += [(nothing, whole, -1.0), (whole, nothing, -1.0), (nothing, nothing, -1.0)]
    for box, other, expected in pairs:
        assert pairwise_giou(box, other).tolist() == [[expected]]


def test_l1_of_center_and_size():
    """Centers (0.25, 0.5) and (0.75, 0.75), sizes (0.5, 1) and (0.5, 0.5): 0.5 + 0.25 + 0 + 0.5."""
    boxes, others = torch.tensor([[0.0, 0.0, 0.5, 1.0]]), torch.tensor([[0.5, 0.5, 1.0, 1.0]])
    torch.testing.assert_close(pairwise_box_l1(boxes, others), torch.tensor([[1.25]]))
