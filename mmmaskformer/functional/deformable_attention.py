"""Multi-scale deformable attention (Zhu et al., Deformable DETR, ICLR 2021, section 4.1) in plain PyTorch.

`deformable_bags` has the form that is fast and lean on CPUs.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

Sizes = Sequence[tuple[int, int]]


def deformable_attention(values: Tensor, sizes: Sizes, points: Tensor, weights: Tensor) -> Tensor:
    """Weighted sums of values at a few points of each level.

    Values are interpolated bilinearly between the centers of pixels, and are zero outside of the map.

    Args:
        values: ``(B, N, heads, D)`` of the pixels of all levels, level after level, row after row.
        sizes: (height, width) of each level.
        points: ``(B, Q, heads, levels, P, 2)``: x and y as parts of the width and height of a level.
        weights: ``(B, Q, heads, levels, P)``.

    Returns:
        ``(B, Q, heads * D)``.
    """
    parts = values.split([height * width for height, width in sizes], dim=1)
    levels = zip(parts, sizes, points.unbind(3), weights.unbind(3))
    return torch.stack([level_attention(*level) for level in levels]).sum(0)


def level_attention(values: Tensor, size: tuple[int, int], points: Tensor, weights: Tensor) -> Tensor:
    """The part of one level in :func:`deformable_attention`: arguments without the dimension of levels."""
    batch = values.shape[0]  # len() would make it a constant of a recorded graph
    maps, grid = maps_and_grid(values, size, points)
    sampled = F.grid_sample(maps, grid, mode='bilinear', padding_mode='zeros', align_corners=False)
    summed = (sampled * weights.transpose(1, 2).flatten(0, 1)[:, None]).sum(-1)
    return summed.unflatten(0, (batch, -1)).flatten(1, 2).mT


def maps_and_grid(values: Tensor, size: tuple[int, int], points: Tensor) -> tuple[Tensor, Tensor]:
    """For ``grid_sample``: ``(B * heads, D, h, w)`` maps and ``(B * heads, Q, P, 2)`` points in [-1, 1]."""
    maps = values.permute(0, 2, 3, 1).flatten(0, 1).unflatten(2, size)
    return maps, (2 * points - 1).transpose(1, 2).flatten(0, 1)
