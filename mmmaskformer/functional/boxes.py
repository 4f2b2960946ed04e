"""Boxes around masks, and how far boxes are from each other: matching as DETR does it."""

from __future__ import annotations

import torch
from torch import Tensor

from .postprocess import boxes_of


def relative_boxes(masks: Tensor) -> Tensor:
    """``(N, H, W)`` bool masks -> ``(N, 4)`` (left, top, right, bottom) as parts of width and height.

    An empty mask has a box without area in the upper left corner.
    """
    height, width = masks.shape[-2:]
    return boxes_of(masks) / masks.new_tensor([width, height, width, height], dtype=torch.float32)


def pairwise_box_l1(boxes: Tensor, others: Tensor) -> Tensor:
    """Sum of the differences of centre, width and height, as in DETR.

    Args:
        boxes: ``(N, 4)`` (left, top, right, bottom).
        others: ``(S, 4)``.

    Returns:
        ``(N, S)``.
    """
    return torch.cdist(_centre_and_size(boxes), _centre_and_size(others), p=1)


def pairwise_giou(boxes: Tensor, others: Tensor) -> Tensor:
    """Generalised intersection over union, in [-1, 1].

    Args:
        boxes: ``(N, 4)`` (left, top, right, bottom).
        others: ``(S, 4)``.

    Returns:
        ``(N, S)``; -1 where one of the two has no area.
    """
    low = torch.maximum(boxes[:, None, :2], others[:, :2])
    high = torch.minimum(boxes[:, None, 2:], others[:, 2:])
    intersection = (high - low).clamp(min=0).prod(-1)
    union = _areas(boxes)[:, None] + _areas(others) - intersection
    span = torch.maximum(boxes[:, None, 2:], others[:, 2:]) - torch.minimum(boxes[:, None, :2], others[:, :2])
    around = span.prod(-1)
    giou = intersection / union - (around - union) / around
    return giou.where((_areas(boxes)[:, None] > 0) & (_areas(others) > 0), giou.new_tensor(-1.0))


def _areas(boxes: Tensor) -> Tensor:
    return (boxes[:, 2:] - boxes[:, :2]).prod(-1)


def _centre_and_size(boxes: Tensor) -> Tensor:
    return torch.cat([(boxes[:, :2] + boxes[:, 2:]) / 2, boxes[:, 2:] - boxes[:, :2]], dim=1)
