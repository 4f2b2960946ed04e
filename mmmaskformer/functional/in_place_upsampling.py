"""A level of a feature pyramid plus the level below it, upsampled by nearest neighbor."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from .fast_paths import fast_path


def add_upsampled(skip: Tensor, coarser: Tensor) -> Tensor:
    """``skip + upsampled coarser``.

    In prediction, four pixels at a time are added in place through a view of ``skip``: the upsampled map does
    not exist. Tracers must not see that, because TorchScript loses writes through a view.

    Args:
        skip: ``(B, C, h, w)``; overwritten where no gradients are recorded.
        coarser: ``(B, C, h', w')``.
    """
    height, width = coarser.shape[-2:]
    if _adds_in_place() and skip.shape[-2:] == (2 * height, 2 * width):
        skip.unflatten(3, (width, 2)).unflatten(2, (height, 2)).add_(coarser[:, :, :, None, :, None])
        return skip
    return skip + F.interpolate(coarser, size=skip.shape[-2:], mode='nearest')


def _adds_in_place() -> bool:
    return fast_path('in_place_upsampling') and not torch.is_grad_enabled()
