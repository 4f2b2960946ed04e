"""Boxes: around masks, in two notations, and how much two of them differ."""

from __future__ import annotations

import torch
from torch import Tensor

from .devices import constants
from .postprocess import boxes_of


def relative_boxes(masks: Tensor) -> Tensor:
    """``(N, H, W)`` bool masks -> ``(N, 4)`` (left, top, right, bottom) as parts of width and height.

    An empty mask has a box without area in the upper left corner.
    """
    height, width = masks.shape[-2:]
    return boxes_of(masks) / constants([width, height, width, height], masks.device, torch.float32)


def detr_boxes(masks: Tensor, size: tuple[int, int]) -> Tensor:
    """Boxes of segments as DETR takes them: from the first to the last pixel, whose own width is not added.

    Args:
        masks: ``(S, H, W)`` bool.
        size: Height and width of the image in the upper left corner, without padding.

    Returns:
        ``(S, 4)`` center, width and height, as parts of the image.

    Example:
        >>> masks = torch.zeros(1, 4, 8, dtype=torch.bool)
        >>> masks[0, 1:3, 2:6] = True
        >>> detr_boxes(masks, (4, 8))
        tensor([[0.4375, 0.3750, 0.3750, 0.2500]])
    """
    height, width = size
    edges = boxes_of(masks)
    edges[:, 2:] = (edges[:, 2:] - 1).clamp(min=0)
    return center_and_size(edges / constants([width, height, width, height], edges.device, edges.dtype))


def center_and_size(boxes: Tensor) -> Tensor:
    """``(..., 4)`` (left, top, right, bottom) -> center, width and height."""
    low, high = boxes[..., :2], boxes[..., 2:]
    return torch.cat([(low + high) / 2, high - low], dim=-1)


def corners(boxes: Tensor) -> Tensor:
    """``(..., 4)`` center, width and height -> (left, top, right, bottom)."""
    center, half = boxes[..., :2], boxes[..., 2:] / 2
    return torch.cat([center - half, center + half], dim=-1)


def box_l1(boxes: Tensor, targets: Tensor) -> Tensor:
    """Sum of the differences of center, width and height; ``(..., 4)`` boxes that broadcast -> ``(...)``."""
    return (boxes - targets).abs().sum(-1)


def giou(boxes: Tensor, targets: Tensor) -> Tensor:
    """Generalized intersection over union, in [-1, 1]; as a loss and as a matching cost.

    Args:
        boxes: ``(..., 4)`` (left, top, right, bottom).
        targets: ``(..., 4)``, which broadcast to them: ``boxes[:, None]`` and ``targets`` give every pair.

    Returns:
        ``(...)``; -1 where neither of the two has an area.
    """
    intersection = _span(torch.maximum(boxes, targets), torch.minimum(boxes, targets))
    union = areas(boxes) + areas(targets) - intersection
    around = _span(torch.minimum(boxes, targets), torch.maximum(boxes, targets))
    smallest = torch.finfo(boxes.dtype).tiny
    value = intersection / union.clamp(min=smallest) - (around - union) / around.clamp(min=smallest)
    return value.where(union > 0, -1.0)


def areas(boxes: Tensor) -> Tensor:
    """``(..., 4)`` (left, top, right, bottom) -> ``(...)``."""
    return (boxes[..., 2:] - boxes[..., :2]).prod(-1)


def _span(low: Tensor, high: Tensor) -> Tensor:
    """Area from (left, top) of the one box to (right, bottom) of the other, 0 if these do not come later."""
    return (high[..., 2:] - low[..., :2]).clamp(min=0).prod(-1)
