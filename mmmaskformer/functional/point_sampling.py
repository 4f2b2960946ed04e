"""Masks at points in place of all pixels (Mask2Former, section 3.3, after PointRend, CVPR 2020)."""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from .bilinear import bilinear_taps

DrawPoints = Callable[[int, int, torch.device], Tensor]


def random_points(num_sets: int, num_points: int, device: torch.device) -> Tensor:
    """``(num_sets, num_points, 2)``: x and y, uniform in [0, 1]."""
    return torch.rand(num_sets, num_points, 2, device=device)


def sample_logits(logits: Tensor, points: Tensor) -> Tensor:
    """Mask logits at points, differentiable by the logits.

    Args:
        logits: ``(N, h, w)``.
        points: ``(N, P, 2)``: x and y as parts of width and height; or ``(P, 2)``, the same for all masks.

    Returns:
        ``(N, P)``, bilinear between the centers of pixels; what lies outside of the map is zero.
    """
    shared = points.dim() == 2
    maps = logits[None] if shared else logits[:, None]
    grid = 2 * points - 1
    sampled = F.grid_sample(maps, grid[None, None] if shared else grid[:, None], align_corners=False)
    return sampled.squeeze(2).flatten(0, 1)


def sample_masks(masks: Tensor, points: Tensor, index: Tensor | None = None) -> Tensor:
    """Binary masks at points, in memory of the points.

    Args:
        masks: ``(S, H, W)`` bool.
        points: ``(P, 2)``, the same for all masks; or ``(N, P, 2)`` with an index.
        index: ``(N,)`` mask of each set of points.

    Returns:
        ``(S, P)`` or ``(N, P)`` float32 in [0, 1], as :func:`sample_logits` of the masks as numbers.
    """
    height, width = masks.shape[1:]
    pixels, shares = bilinear_taps(points, (height, width))
    if index is None:
        found = masks.flatten(1)[:, pixels.flatten()].unflatten(1, pixels.shape)
    else:
        found = masks.flatten()[pixels + (index * height * width)[:, None, None]]
    return (found * shares).sum(-1)


@torch.no_grad()
def uncertain_points(
    logits: Tensor,
    num_points: int,
    oversample_ratio: float = 3.0,
    importance_ratio: float = 0.75,
    draw_points: DrawPoints = random_points,
) -> Tensor:
    """Points where masks are undecided, and some at random.

    Of ``oversample_ratio`` times as many points, those with logits next to zero are taken.

    Args:
        logits: ``(N, h, w)`` mask logits.
        num_points: Points of each mask.
        oversample_ratio: How many times as many are looked at.
        importance_ratio: Part of the points that is chosen by its logits.
        draw_points: Called for the points to look at, and for those at random.

    Returns:
        ``(N, num_points, 2)``: x and y as parts of width and height.
    """
    num_chosen = int(importance_ratio * num_points)
    candidates = draw_points(len(logits), int(num_points * oversample_ratio), logits.device)
    nearness = -sample_logits(logits, candidates).abs()
    chosen = nearness.topk(num_chosen, dim=1).indices[..., None].expand(-1, -1, 2)
    random_points = draw_points(len(logits), num_points - num_chosen, logits.device)
    return torch.cat([candidates.gather(1, chosen), random_points], 1)
