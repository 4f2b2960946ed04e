"""Padding of TensorFlow's convolutions as a number: in a graph of free sizes it would be a long formula.

timm's ``Conv2dSame`` (EfficientNet) pads by the size of its input. Where images are padded to multiples of
all strides, that is a constant, with which a graph is recorded in seconds, not in half an hour.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch.nn.functional as F
from torch import Tensor, nn

from .other_forward import other_forward

LARGEST_STRIDE = 32


@contextmanager
def constant_padding(model: nn.Module, divisor: int) -> Iterator[None]:
    """Let such convolutions pad by constants inside the context.

    Args:
        model: The model.
        divisor: Sides of images are multiples of it; nothing changes if it is not one of 32 itself.
    """
    found = [module for module in model.modules() if type(module).__name__ == 'Conv2dSame']
    changed = found if divisor % LARGEST_STRIDE == 0 else []
    with other_forward(changed, _padded_convolution):
        yield


def _padded_convolution(convolution: Any, features: Tensor) -> Tensor:
    """``Conv2dSame`` of a map whose sides are multiples of the stride."""
    padding: list[int] = []
    for side in (1, 0):  # F.pad begins with the last dimension
        span = (convolution.kernel_size[side] - 1) * convolution.dilation[side] + 1
        total = max(span - convolution.stride[side], 0)
        padding += [total // 2, total - total // 2]
    return F.conv2d(
        F.pad(features, padding),
        convolution.weight,
        convolution.bias,
        convolution.stride,
        (0, 0),
        convolution.dilation,
        convolution.groups,
    )
