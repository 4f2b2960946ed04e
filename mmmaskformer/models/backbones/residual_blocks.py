"""Residual blocks of MaX-DeepLab's pixel path: bottlenecks, basic blocks, and blocks of axial attention."""

from __future__ import annotations

from typing import NamedTuple

from mmcv.cnn.bricks import DropPath
from torch import Tensor, nn

from ..layers.axial_attention import AxialAttention
from ..layers.checkpointing import checkpointed
from ..layers.normed_conv import NormedConv


class AxialSettings(NamedTuple):
    """Widths of axial attention, as multiples of a block's base channels.

    Attributes:
        bottleneck: Channels that the attention takes.
        key: Channels of keys and queries.
        value: Channels of values.
        num_heads: Number of heads.
    """

    bottleneck: int = 2
    key: int = 1
    value: int = 2
    num_heads: int = 8


class ResidualBlock(nn.Module):
    """What the blocks share: shortcut and branch of an activated input; the sum is not activated.

    Args:
        in_channels: Channels of the input.
        out_channels: Channels of the output.
        stride: Of the first spatial operation.
        drop_path: Probability of leaving out the branch, for each image.
        norm_cfg: Config of the batch norms.
        with_cp: Gradient checkpointing.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        stride: int,
        drop_path: float,
        norm_cfg: dict,
        with_cp: bool = False,
    ):
        super().__init__()
        self.with_cp = with_cp
        self.stride = stride
        self.shortcut = None
        if in_channels != out_channels:
            self.shortcut = NormedConv(in_channels, out_channels, 1, norm_cfg, stride, act=False)
        self.drop_path = DropPath(drop_path)

    def forward(self, pixels: Tensor) -> Tensor:
        """``(B, C, H, W)``, activated -> ``(B, out_channels, H', W')``, not activated."""
        return checkpointed(self._forward, pixels, modules=[self], with_cp=self.with_cp)

    def _forward(self, pixels: Tensor) -> Tensor:
        strided = pixels[..., :: self.stride, :: self.stride]
        shortcut = strided if self.shortcut is None else self.shortcut(pixels)
        return shortcut + self.drop_path(self.branch(pixels))

    def branch(self, pixels: Tensor) -> Tensor:
        """The branch that the block adds to its shortcut."""
        raise NotImplementedError


class BottleneckBlock(ResidualBlock):
    """Convolutions of 1x1, 3x3 (with the stride) and 1x1 pixels to four times ``channels``."""

    def __init__(self, in_channels: int, channels: int, stride: int, drop_path: float, norm_cfg: dict):
        super().__init__(in_channels, 4 * channels, stride, drop_path, norm_cfg)
        self.conv1 = NormedConv(in_channels, channels, 1, norm_cfg)
        self.conv2 = NormedConv(channels, channels, 3, norm_cfg, stride)
        self.conv3 = NormedConv(channels, 4 * channels, 1, norm_cfg, act=False)
        nn.init.zeros_(self.conv3.norm.weight)

    def branch(self, pixels: Tensor) -> Tensor:
        """See `ResidualBlock`."""
        return self.conv3(self.conv2(self.conv1(pixels)))


class BasicBlock(ResidualBlock):
    """Two convolutions of 3x3 pixels to four times ``channels``, as in wide ResNets."""

    def __init__(self, in_channels: int, channels: int, stride: int, drop_path: float, norm_cfg: dict):
        super().__init__(in_channels, 4 * channels, stride, drop_path, norm_cfg)
        self.conv1 = NormedConv(in_channels, 4 * channels, 3, norm_cfg, stride)
        self.conv2 = NormedConv(4 * channels, 4 * channels, 3, norm_cfg, act=False)
        nn.init.zeros_(self.conv2.norm.weight)

    def branch(self, pixels: Tensor) -> Tensor:
        """See `ResidualBlock`."""
        return self.conv2(self.conv1(pixels))


class AxialBlock(ResidualBlock):
    """Attention along the height, then along the width, between convolutions of 1x1 pixels."""

    def __init__(
        self,
        in_channels: int,
        channels: int,
        drop_path: float,
        norm_cfg: dict,
        axial: AxialSettings,
        with_cp: bool = False,
    ):
        super().__init__(in_channels, 4 * channels, 1, drop_path, norm_cfg, with_cp)
        inside, keys, values = (factor * channels for factor in axial[:3])
        self.conv1 = NormedConv(in_channels, inside, 1, norm_cfg)
        self.height_axis = AxialAttention(inside, keys, values, axial.num_heads, 2, norm_cfg)
        self.width_axis = AxialAttention(values, keys, values, axial.num_heads, 3, norm_cfg)
        self.conv3 = NormedConv(values, 4 * channels, 1, norm_cfg, act=False)
        nn.init.zeros_(self.conv3.norm.weight)

    def branch(self, pixels: Tensor) -> Tensor:
        """See `ResidualBlock`."""
        return self.conv3(self.width_axis(self.height_axis(self.conv1(pixels))).relu())
