"""Bilinear interpolation written out: which pixels, and how much of each."""

from __future__ import annotations

import torch
from torch import Tensor


def bilinear_taps(points: Tensor, size: tuple[int, int]) -> tuple[Tensor, Tensor]:
    """The four pixels around each point, and their shares in bilinear interpolation.

    As ``F.grid_sample`` without aligned corners and with zeros outside of the map.

    Args:
        points: ``(..., 2)``: x and y as parts of width and height.
        size: Height and width of the map.

    Returns:
        ``(..., 4)`` int64 indices into the flat map, and ``(..., 4)`` shares, 0 for pixels outside of it.
    """
    height, width = size
    columns, column_shares = _linear_taps(points[..., 0], width)
    rows, row_shares = _linear_taps(points[..., 1], height)
    pixels = rows[..., :, None] * width + columns[..., None, :]
    return pixels.flatten(-2), (row_shares[..., :, None] * column_shares[..., None, :]).flatten(-2)


def _linear_taps(positions: Tensor, length: int) -> tuple[Tensor, Tensor]:
    """``(..., 2)`` neighbors on a line and their shares."""
    places = positions * length - 0.5
    first = places.floor()
    ahead = places - first
    neighbors = torch.stack([first, first + 1], -1)
    inside = (neighbors >= 0) & (neighbors < length)
    shares = torch.stack([1 - ahead, ahead], -1) * inside
    return neighbors.clamp(0, length - 1).long(), shares
