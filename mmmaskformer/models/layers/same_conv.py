"""A convolution that keeps the size of its maps, with fast gradients."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn

from ...functional.nchw_weight_gradients import same_convolution


class SameConv2d(nn.Conv2d):
    """`nn.Conv2d` of stride 1, padded by half its kernel; gradients as in `functional.nchw_weight_gradients`.

    Args:
        in_channels: Channels of the input.
        out_channels: Channels of the output.
        kernel_size: Height and width of the kernel, an odd number.
        bias: Whether it has one.
        rest: Further arguments of `nn.Conv2d`, ``padding`` among them.

    Raises:
        ValueError: The convolution would not keep the size, or has dilation or groups.
    """

    def __init__(self, in_channels: int, out_channels: int, kernel_size: int, bias: bool = True, **rest: Any):
        super().__init__(in_channels, out_channels, kernel_size, bias=bias, **rest)
        ones = *self.stride, *self.dilation, self.groups
        if ones != (1,) * 5 or self.padding != (kernel_size // 2,) * 2:
            raise ValueError('SameConv2d: set stride, dilation, groups to 1, padding to half the kernel')

    def forward(self, input: Tensor) -> Tensor:
        """``(B, in_channels, h, w)`` -> ``(B, out_channels, h, w)``."""
        return same_convolution(input, self.weight, self.bias)
