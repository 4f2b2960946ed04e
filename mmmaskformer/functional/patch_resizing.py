"""Positions and patches of a vision transformer at another size."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor


def resize_position_grid(table: Tensor, source: tuple[int, int], target: tuple[int, int]) -> Tensor:
    """Position embeddings of one grid of patches for another, bicubic with antialiasing.

    Args:
        table: ``(1, h * w, C)``, row by row.
        source: Rows h and columns w of the table.
        target: Rows and columns that are wanted.

    Returns:
        ``(1, rows * columns, C)``; the table itself if it has this size.
    """
    if source == target:
        return table
    maps = table.float().unflatten(1, source).permute(0, 3, 1, 2)
    return _bicubic(maps, target).flatten(2).mT.to(table)


def resize_patch_kernel(kernel: Tensor, size: int) -> Tensor:
    """The kernel of a patch embedding for patches of another width (FlexiViT, CVPR 2023, section 3.4).

    Its products with a resized patch are those of the kernel with the patch, as far as that is possible: for
    the matrix B that resizes patches, the pseudo-inverse of its transpose is applied.

    Args:
        kernel: ``(O, C, p, p)``.
        size: Width of the patches.

    Returns:
        ``(O, C, size, size)``; the kernel itself if it has this size.
    """
    width = kernel.shape[-1]
    if width == size:
        return kernel
    basis = torch.eye(width * width, dtype=torch.float64, device=kernel.device)
    transposed = _bicubic(basis.view(-1, 1, width, width), (size, size)).flatten(1)
    resized = kernel.double().flatten(2) @ torch.linalg.pinv(transposed).T
    return resized.unflatten(2, (size, size)).to(kernel)


def _bicubic(maps: Tensor, size: tuple[int, int]) -> Tensor:
    return F.interpolate(maps, size=size, mode='bicubic', align_corners=False, antialias=True)
