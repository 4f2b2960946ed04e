"""Mask2Former's pixel decoder: deformable attention among three levels, and one step of a pyramid."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from mmcv.cnn import ConvModule
from mmengine.model import BaseModule
from torch import Tensor, nn

from ...functional.resizing import resize
from ...registry import MODELS
from ..layers import DeformableEncoderLayer, SameConv2d, SinePositionEncoding, cell_centers, checkpointed
from .fpn import check_channels

NUM_LEVELS = 3


class MultiScaleFeatures(NamedTuple):
    """What the two decoders share, the memory at several scales.

    Attributes:
        mask_features: ``(B, mask_channels, h, w)`` per-pixel embeddings at stride 4.
            None if they were not asked for.
        memory: ``(B, channels, h_i, w_i)`` features at strides 32, 16 and 8, in this order.
        finest: ``(B, channels, h, w)``, what the mask features are a convolution of.
    """

    mask_features: Tensor | None
    memory: list[Tensor]
    finest: Tensor


@MODELS.register_module()
class MSDeformAttnPixelDecoder(BaseModule):
    """Multi-scale deformable attention among strides 32, 16 and 8 (Mask2Former, section 4.1).

    Needs no compiled operator. One step of a pyramid adds the backbone's finest features.

    Args:
        in_channels: Channels of the backbone's four features, finest first.
        channels: Width of the encoder, a multiple of four and of ``num_heads``.
        mask_channels: Width of the mask features.
        norm_cfg: Norm of every convolution but the last.
        num_layers: Encoder layers.
        num_heads: Attention heads.
        num_points: Points of each head in each level.
        ffn_channels: Hidden width of the feed-forward networks.
        dropout: Dropout rate.
        with_cp: Gradient checkpointing of each layer: less memory, more time in training.
        init_cfg: MMEngine initialization; Caffe2's Xavier for the pyramid by default, as officially.

    Raises:
        ValueError: ``in_channels`` are not four numbers.
    """

    def __init__(
        self,
        in_channels: Sequence[int],
        channels: int = 256,
        mask_channels: int = 256,
        norm_cfg: dict | None = None,
        num_layers: int = 6,
        num_heads: int = 8,
        num_points: int = 4,
        ffn_channels: int = 1024,
        dropout: float = 0.0,
        with_cp: bool = False,
        init_cfg: dict | None = None,
    ):
        super().__init__(init_cfg=init_cfg or dict(type='Caffe2Xavier', layer='Conv2d'))
        if len(in_channels) != NUM_LEVELS + 1:
            raise ValueError(
                f'decode_head.in_channels is {list(in_channels)}, but MSDeformAttnPixelDecoder takes four '
                'features: set it to their channels, and out_indices of the backbone to four stages'
            )
        norm_cfg = norm_cfg or dict(type='GN', num_groups=32)
        self.with_cp = with_cp
        self.in_channels = list(in_channels)
        self.mask_channels = mask_channels
        self.memory_channels = channels
        self.input_convs = nn.ModuleList(
            ConvModule(source, channels, 1, bias=True, norm_cfg=norm_cfg, act_cfg=None)
            for source in reversed(in_channels[1:])
        )
        self.position_encoding = SinePositionEncoding(channels)
        self.level_embed = nn.Parameter(torch.randn(NUM_LEVELS, channels))
        self.layers = nn.ModuleList(
            DeformableEncoderLayer(channels, num_heads, NUM_LEVELS, num_points, ffn_channels, dropout)
            for _ in range(num_layers)
        )
        # lists, or MMEngine would initialize the convolutions a second time, in its own way
        lateral = ConvModule(in_channels[0], channels, 1, norm_cfg=norm_cfg, act_cfg=None)
        output = ConvModule(
            channels, channels, 3, padding=1, conv_cfg=dict(type=SameConv2d), norm_cfg=norm_cfg
        )
        self.lateral_convs, self.output_convs = nn.ModuleList([lateral]), nn.ModuleList([output])
        self.mask_features = nn.Conv2d(channels, mask_channels, 1)

    def init_weights(self) -> None:
        """As the pyramid; Xavier for input convolutions and the layers' matrices, offsets in a star."""
        super().init_weights()
        convolutions: list[Any] = [block.conv for block in self.input_convs]
        for convolution in convolutions:
            nn.init.xavier_uniform_(convolution.weight)
            nn.init.zeros_(convolution.bias)
        nn.init.normal_(self.level_embed)
        layers: list[Any] = list(self.layers)
        for layer in layers:
            layer.init_weights()

    def forward(self, features: Sequence[Tensor], with_mask_features: bool = True) -> MultiScaleFeatures:
        """Fuse the backbone's ``(B, C_i, h_i, w_i)`` features, finest first.

        Raises:
            ValueError: They have not the channels of ``in_channels``.
        """
        check_channels(features, self.in_channels)
        finest, *coarser = features
        memory = self._encode([conv(x) for conv, x in zip(self.input_convs, reversed(coarser))])
        skip = self.lateral_convs[0](finest)
        finest = self.output_convs[0](skip + resize(memory[-1], skip.shape[-2:]))
        return MultiScaleFeatures(self.mask_features(finest) if with_mask_features else None, memory, finest)

    def mask_features_at(self, finest: Tensor, sizes: Sequence[tuple[int, int]]) -> list[Tensor]:
        """Mask features ``(B, mask_channels, h, w)`` resized to each size, in float32.

        Bilinear resizing and a 1x1 convolution can change places, as can resizing and the product with mask
        embeddings: masks of these features are the resized masks.
        """
        with torch.autocast(finest.device.type, enabled=False):
            return [self.mask_features(resize(finest.float(), size)) for size in sizes]

    def _encode(self, levels: list[Tensor]) -> list[Tensor]:
        """Attention among the pixels of all levels, coarsest first."""
        sizes = [(level.shape[-2], level.shape[-1]) for level in levels]
        pixels = torch.cat([level.flatten(2).mT for level in levels], 1)
        positions = torch.cat(
            [
                self.position_encoding(level).flatten(2).mT + embedding
                for level, embedding in zip(levels, self.level_embed)
            ],
            1,
        )
        references = cell_centers(sizes, self.level_embed)
        for layer in self.layers:
            inputs = pixels, positions, references, sizes
            pixels = checkpointed(layer, *inputs, modules=[layer], with_cp=self.with_cp)
        parts = pixels.split([height * width for height, width in sizes], 1)
        return [part.mT.unflatten(2, size) for part, size in zip(parts, sizes)]
