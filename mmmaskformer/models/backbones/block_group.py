"""A stage of MaX-DeepLab: residual blocks, with a dual-path layer after each where the memory reads along."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from torch import Tensor, nn

from ..layers.dual_path_layer import DualPathLayer
from .residual_blocks import AxialBlock, AxialSettings, BasicBlock, BottleneckBlock

AXIAL_STRIDE = 16
LAST_STAGE = 4


@dataclass(frozen=True)
class GroupSettings:
    """What the stages share.

    Strides are those of a ResNet, whose last stage has stride 32; that of the maps is at most 16.

    Attributes:
        norm_cfg: Config of the batch norms.
        memory_channels: Channels of the memory.
        transformer_channels: Channels of the keys in dual-path layers at stride 16.
        ffn_channels: Channels of the memory's feed-forward networks.
        num_heads: Heads of the dual-path layers.
        memory_stride: Blocks of this stride or more are followed by a dual-path layer.
        axial: Widths of axial attention.
        wide: Basic blocks in place of bottlenecks.
        drop_path: Rate at stride 32; it rises linearly with the stage.
        drop_path_stride: Blocks of a lower stride keep all paths.
        with_cp: Gradient checkpointing of the axial blocks.
    """

    norm_cfg: dict
    memory_channels: int = 256
    transformer_channels: int = 128
    ffn_channels: int = 2048
    num_heads: int = 8
    memory_stride: int = 32
    axial: AxialSettings = field(default_factory=AxialSettings)
    wide: bool = False
    drop_path: float = 0.2
    drop_path_stride: int = 16
    with_cp: bool = False

    def block(self, in_channels: int, channels: int, stride: int, step: int) -> nn.Module:
        """The residual block at a stride, which takes a step to a higher one."""
        rate = self.drop_path_at(stride)
        if stride >= AXIAL_STRIDE:
            return AxialBlock(in_channels, channels, rate, self.norm_cfg, self.axial, self.with_cp)
        convolutional = BasicBlock if self.wide else BottleneckBlock
        return convolutional(in_channels, channels, step, rate, self.norm_cfg)

    def drop_path_at(self, stride: int) -> float:
        """Rate of a block: linear in the stage, which counts from stride 2 on."""
        if stride < self.drop_path_stride:
            return 0.0
        return self.drop_path * (math.log2(stride) - 1) / LAST_STAGE

    def dual_path(self, pixel_channels: int, stride: int, channels: int) -> DualPathLayer:
        """The dual-path layer that follows a block at a stride."""
        return DualPathLayer(
            pixel_channels,
            self.memory_channels,
            channels,
            self.ffn_channels,
            self.num_heads,
            self.drop_path_at(stride),
            self.norm_cfg,
        )


class BlockGroup(nn.Module):
    """Residual blocks with a dual-path layer after each where the stride is high enough.

    Args:
        in_channels: Channels of the input.
        channels: Base channels of the blocks; the output has four times as many.
        num_blocks: Number of blocks.
        stride: A ResNet's stride of the input.
        step: Stride of the stage; at stride 16 and beyond the maps keep their size.
        transformer_channels: Channels of the keys in dual-path layers.
        settings: What the stages share.
    """

    def __init__(
        self,
        in_channels: int,
        channels: int,
        num_blocks: int,
        stride: int,
        step: int,
        transformer_channels: int,
        settings: GroupSettings,
    ):
        super().__init__()
        self.out_channels = 4 * channels
        self.blocks, self.dual_paths = nn.ModuleList(), nn.ModuleDict()
        for i in range(num_blocks):
            block_stride = stride if i == 0 else stride * step
            step_here = step if i == 0 and stride < AXIAL_STRIDE else 1
            self.blocks.append(settings.block(in_channels, channels, block_stride, step_here))
            in_channels = self.out_channels
            if stride * step >= settings.memory_stride:
                layer = settings.dual_path(in_channels, block_stride, transformer_channels)
                self.dual_paths[str(i)] = layer

    def forward(self, pixels: Tensor, memory: Tensor) -> tuple[Tensor, Tensor]:
        """One stage of both paths.

        Args:
            pixels: ``(B, C, H, W)``, activated or not.
            memory: ``(B, M, 1, N)``.

        Returns:
            Pixels, not activated, and memory.
        """
        for i, block in enumerate(self.blocks):
            pixels = block(pixels.relu())
            if str(i) in self.dual_paths:
                pixels, memory = self.dual_paths[str(i)](pixels, memory)
        return pixels, memory
