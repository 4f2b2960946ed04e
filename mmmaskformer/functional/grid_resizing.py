"""Resizing of feature maps whose pixels lie on a grid of the input's pixels, as DeepLab's."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor


def resize_on_grid(maps: Tensor, size: tuple[int, int], stride: int | tuple[int, int]) -> Tensor:
    """Bilinear upsampling where pixel i of ``maps`` lies on pixel ``stride * i`` of the result.

    Convolutions with symmetrical padding compute such maps: their strides meet pixels 0, s, 2s, ... Where the
    size is ``stride * n + 1``, this is bilinear resizing with aligned corners, as in deeplab2. At other
    sizes, rows and columns beyond the last grid line repeat it.

    Args:
        maps: ``(B, C, h, w)``.
        size: Height and width of the result, ``stride * (h - 1) + 1`` or up to ``stride - 1`` more.
        stride: Pixels between two grid lines; two numbers for rows and columns.

    Returns:
        ``(B, C, *size)``.

    Example:
        >>> resize_on_grid(torch.tensor([[[[0.0, 2.0]]]]), (1, 4), 2)
        tensor([[[[0., 1., 2., 2.]]]])
    """
    strides = (stride, stride) if isinstance(stride, int) else stride
    height, width = (step * (side - 1) + 1 for step, side in zip(strides, maps.shape[-2:]))
    if max(strides) > 1:
        maps = F.interpolate(maps, size=(height, width), mode='bilinear', align_corners=True)
    padding = (0, size[1] - width, 0, size[0] - height)
    return F.pad(maps, padding, mode='replicate') if any(padding) else maps
