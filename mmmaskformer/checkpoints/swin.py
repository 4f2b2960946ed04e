"""What every format of Swin Transformer other than OpenMMLab's shares."""

from __future__ import annotations

from torch import Tensor

from .rules import Transform


def _read_patch_merging(tensor: Tensor) -> Tensor:
    *lead, merged = tensor.shape
    corners = tensor.reshape(*lead, 2, 2, merged // 4)
    return corners.transpose(-3, -2).flatten(-3, -2).mT.reshape(*lead, merged)


def _write_patch_merging(tensor: Tensor) -> Tensor:
    *lead, merged = tensor.shape
    corners = tensor.reshape(*lead, merged // 4, 4).mT.reshape(*lead, 2, 2, merged // 4)
    return corners.transpose(-3, -2).reshape(*lead, merged)


# Channels of four merged patches: (column, row, channel) by the authors, (channel, row, column), the order of
# `nn.Unfold`, here.
PATCH_MERGING = Transform(_read_patch_merging, _write_patch_merging)
