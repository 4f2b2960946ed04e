"""Which cells of feature maps are padding, where images of several sizes share a batch."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from .matching import nearest_indices

# Rows and columns of each image that are not padding; None stands for no padding at all.
ValidSizes = Sequence[tuple[int, int]] | None


def valid_sizes(
    images: Sequence[tuple[int, int]], padded: tuple[int, int], cells: tuple[int, int]
) -> ValidSizes:
    """Rows and columns of a feature map that are not padding: those whose nearest pixel is of the image.

    The nearest pixel is the first one of the cell, as DETR's resize of padding masks takes it.

    Args:
        images: Height and width of each image in the upper left corner.
        padded: Height and width of the batch.
        cells: Height and width of the feature map.

    Returns:
        None if no image is padded.

    Example:
        >>> valid_sizes([(125, 117), (75, 155)], padded=(125, 155), cells=(4, 5))
        [(4, 4), (3, 5)]
    """
    if all(tuple(image) == tuple(padded) for image in images):
        return None
    rows, columns = (nearest_indices(source, target) for source, target in zip(padded, cells))
    return [(int((rows < height).sum()), int((columns < width).sum())) for height, width in images]


def padded_cells(valid: ValidSizes, features: Tensor) -> Tensor | None:
    """``(B, h * w)`` bool, true for cells of ``(B, C, h, w)`` features that are padding; None if none is."""
    if valid is None:
        return None
    padding = torch.ones(len(valid), *features.shape[-2:], dtype=torch.bool, device=features.device)
    for image, (rows, columns) in zip(padding, valid):
        image[:rows, :columns] = False
    return padding.flatten(1)
