"""Deformable attention on CPUs: each result is a bag of weighted rows, of which none is stored.

Interpolation and attention are one weighted sum of values, four for each point. ``embedding_bag`` adds rows
up as it reads them, where ``grid_sample`` writes all samples to memory first. The backward pass samples anew,
a level at a time, so nothing of the size of the samples is kept for it.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd.function import once_differentiable

from .bilinear import bilinear_taps
from .deformable_attention import Sizes, maps_and_grid

ROWS_AT_ONCE = 2**20
BILINEAR = ZEROS = 0  # of ATen's grid_sampler: interpolation and padding


def bag_deformable_attention(values: Tensor, sizes: Sizes, points: Tensor, weights: Tensor) -> Tensor:
    """Equal to `deformable_attention.deformable_attention` to rounding, not differentiable twice."""
    return _BagDeformableAttention.apply(values, tuple(sizes), points, weights)


class _BagDeformableAttention(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, values: Tensor, sizes: Sizes, points: Tensor, weights: Tensor) -> Tensor:
        ctx.sizes = sizes
        ctx.save_for_backward(values, points, weights)
        table = values.reshape(-1, values.shape[3])
        first_rows = torch.arange(len(values)) * values.shape[1] * values.shape[2]
        step = max(1, ROWS_AT_ONCE // max(1, 4 * weights[:, :1].numel()))
        parts = [
            _sums(table, values.shape[2], sizes, first_rows, *part)
            for part in zip(points.split(step, 1), weights.split(step, 1))
        ]
        return torch.cat(parts, 1)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        values, points, weights = ctx.saved_tensors
        parts = values.split([height * width for height, width in ctx.sizes], dim=1)
        levels = zip(parts, ctx.sizes, points.unbind(3), weights.unbind(3))
        grads = [_level_gradients(grad, *level) for level in levels]
        of_values, of_points, of_weights = zip(*grads)
        return torch.cat(of_values, 1), None, torch.stack(of_points, 3), torch.stack(of_weights, 3)


def _sums(
    table: Tensor, num_heads: int, sizes: Sizes, first_rows: Tensor, points: Tensor, weights: Tensor
) -> Tensor:
    """``(B, Q, heads * D)`` of some queries, from a ``(B * N * heads, D)`` table."""
    rows, shares = [], []
    start = 0
    heads = torch.arange(num_heads)[:, None, None]
    for level, (height, width) in enumerate(sizes):
        pixels, portion = bilinear_taps(points[:, :, :, level], (height, width))
        row = (pixels + start).mul_(num_heads).add_(heads)
        rows.append(row.add_(first_rows[:, None, None, None, None]).flatten(3))
        shares.append((portion * weights[:, :, :, level, :, None]).flatten(3))
        start += height * width
    index = torch.cat(rows, 3).flatten(0, 2)
    sums = F.embedding_bag(index, table, per_sample_weights=torch.cat(shares, 3).flatten(0, 2), mode='sum')
    return sums.view(*points.shape[:2], -1)


def _level_gradients(
    grad: Tensor, values: Tensor, size: tuple[int, int], points: Tensor, weights: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """Gradients of the values, points and weights of `level_attention`.

    One buffer holds the samples, their products with the gradient, and then the gradients of the samples.
    """
    batch, _, num_heads, channels = values.shape
    maps, grid = maps_and_grid(values, size, points)
    of_sums = grad.unflatten(2, (num_heads, channels)).permute(0, 2, 3, 1).flatten(0, 1)[..., None]
    samples = F.grid_sample(maps, grid, align_corners=False)
    of_weights = samples.mul_(of_sums).sum(1)
    of_samples = torch.mul(of_sums, weights.transpose(1, 2).flatten(0, 1)[:, None], out=samples)
    of_maps, of_grid = torch.ops.aten.grid_sampler_2d_backward(
        of_samples, maps, grid, BILINEAR, ZEROS, False, [True, True]
    )
    of_values = of_maps.flatten(2).unflatten(0, (batch, num_heads)).permute(0, 3, 1, 2)
    of_points, of_weights = (
        part.unflatten(0, (batch, num_heads)).transpose(1, 2) for part in (of_grid.mul_(2), of_weights)
    )
    return of_values, of_points, of_weights
