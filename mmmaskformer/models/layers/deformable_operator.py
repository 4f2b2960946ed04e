"""MMCV's compiled deformable attention, where the full mmcv is installed and tensors are on a GPU."""

from __future__ import annotations

import functools
import importlib.util

import torch
from torch import Tensor

from ...functional.deformable_attention import Sizes
from ...functional.devices import constants


@functools.cache
def has_operator() -> bool:
    """Whether the installed mmcv has compiled operators; mmcv-lite has none."""
    return importlib.util.find_spec('mmcv._ext') is not None


def operator_deformable_attention(values: Tensor, sizes: Sizes, points: Tensor, weights: Tensor) -> Tensor:
    """`functional.deformable_attention.deformable_attention` by one kernel, which stores no samples."""
    from mmcv.ops.multi_scale_deform_attn import MultiScaleDeformableAttnFunction

    pixels = [height * width for height, width in sizes]
    starts = [sum(pixels[:level]) for level in range(len(pixels))]
    levels = (constants(numbers, values.device, torch.int64) for numbers in (list(sizes), starts))
    contiguous = (tensor.contiguous() for tensor in (points, weights))
    return MultiScaleDeformableAttnFunction.apply(values.contiguous(), *levels, *contiguous, len(values))
