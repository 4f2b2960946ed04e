"""A convolution, its batch norm and an activation, initialized as in deeplab2."""

from __future__ import annotations

from mmcv.cnn import build_norm_layer
from torch import Tensor, nn


class NormedConv(nn.Module):
    """A convolution without bias, padded symmetrically, a norm, and ReLU.

    Args:
        in_channels: Channels of the input.
        out_channels: Channels of the output.
        kernel_size: Height and width of the kernel, an odd number.
        norm_cfg: Config of the norm.
        stride: Of the convolution: the result's pixels lie on every stride-th pixel of the input.
        dilation: Of the convolution.
        groups: Of the convolution.
        act: Apply ReLU.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int,
        norm_cfg: dict,
        stride: int = 1,
        dilation: int = 1,
        groups: int = 1,
        act: bool = True,
    ):
        super().__init__()
        self.conv = nn.Conv2d(
            in_channels,
            out_channels,
            kernel_size,
            stride,
            dilation * (kernel_size // 2),
            dilation,
            groups,
            bias=False,
        )
        self.norm = build_norm_layer(norm_cfg, out_channels)[1]
        self.act = act
        if groups == 1:
            nn.init.kaiming_normal_(self.conv.weight, nonlinearity='relu')
        else:
            nn.init.xavier_uniform_(self.conv.weight)

    def forward(self, maps: Tensor) -> Tensor:
        """``(B, C, H, W)`` -> ``(B, out_channels, H', W')``."""
        maps = self.norm(self.conv(maps))
        return maps.relu() if self.act else maps


class SeparableConv(nn.Sequential):
    """A convolution within each channel, then one of 1x1 pixels, each with norm and ReLU.

    Args:
        in_channels: Channels of the input.
        out_channels: Channels of the output.
        kernel_size: Of the first convolution.
        norm_cfg: Config of the norms.
    """

    def __init__(self, in_channels: int, out_channels: int, kernel_size: int, norm_cfg: dict):
        super().__init__(
            NormedConv(in_channels, in_channels, kernel_size, norm_cfg, groups=in_channels),
            NormedConv(in_channels, out_channels, 1, norm_cfg),
        )
