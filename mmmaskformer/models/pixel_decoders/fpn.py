"""FPN pixel decoders: from the features as they are, or on top of a transformer encoder."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from mmcv.cnn import ConvModule
from mmengine.model import BaseModule
from torch import Tensor, nn

from ...functional.in_place_upsampling import add_upsampled
from ...registry import MODELS
from ..layers import (
    SameConv2d,
    SinePositionEncoding,
    TransformerEncoderLayer,
    checkpointed,
    encode_pixels,
    xavier_matrices,
)


class PixelFeatures(NamedTuple):
    """What the two decoders share.

    Attributes:
        mask_features: ``(B, mask_channels, h, w)`` per-pixel embeddings at stride 4.
            None if they were not asked for.
        memory: ``(B, memory_channels, h', w')`` features the transformer decoder attends to.
        finest: ``(B, channels, h, w)``, what the mask features are a convolution of.
    """

    mask_features: Tensor | None
    memory: Tensor
    finest: Tensor


@MODELS.register_module()
class FPNPixelDecoder(BaseModule):
    """Feature pyramid whose finest level becomes the mask features (paper, section 3.3).

    Top-down upsampling is nearest; only the 3x3 output convolutions have an activation; the coarsest level
    has no lateral convolution. The transformer decoder sees the backbone's last features as they are, unless
    ``memory_level`` is another.

    Args:
        in_channels: Channels of the backbone's features, finest first.
        channels: Width of the pyramid.
        mask_channels: Width of the mask features.
        norm_cfg: Norm of every pyramid convolution.
        with_cp: Gradient checkpointing of each level: less memory, more time in training.
        init_cfg: MMEngine initialization; Caffe2's Xavier for every convolution by default, as officially.
        memory_level: What the transformer decoder attends to: 0 for the backbone's coarsest features, 1 for
            the pyramid at twice their resolution, 2 at four times, and so on. In small images, the coarsest
            features have too few pixels to tell similar classes apart.

    Raises:
        ValueError: There is no such level.
    """

    def __init__(
        self,
        in_channels: Sequence[int],
        channels: int = 256,
        mask_channels: int = 256,
        norm_cfg: dict | None = None,
        with_cp: bool = False,
        init_cfg: dict | None = None,
        memory_level: int = 0,
    ):
        super().__init__(init_cfg=init_cfg or dict(type='Caffe2Xavier', layer='Conv2d'))
        norm_cfg = norm_cfg or dict(type='GN', num_groups=32)
        self.with_cp = with_cp
        self.in_channels = list(in_channels)
        self.mask_channels = mask_channels
        if not 0 <= memory_level < len(in_channels):
            raise ValueError(
                f'memory_level={memory_level}: set it from 0, the coarsest, to {len(in_channels) - 1}'
            )
        self.memory_level = memory_level
        self.memory_channels = channels if memory_level else in_channels[-1]
        self.lateral_convs = nn.ModuleList(
            ConvModule(source, channels, 1, norm_cfg=norm_cfg, act_cfg=None) for source in in_channels[:-1]
        )
        self.output_convs = nn.ModuleList(
            ConvModule(source, channels, 3, padding=1, conv_cfg=dict(type=SameConv2d), norm_cfg=norm_cfg)
            for source in (*[channels] * len(self.lateral_convs), in_channels[-1])
        )
        self.mask_features = SameConv2d(channels, mask_channels, 3, padding=1)

    @property
    def coarse_convs(self) -> nn.ModuleList:
        """Convolutions of the two coarsest levels, which an ``override`` in ``init_cfg`` can name."""
        modules = (self.lateral_convs[-1], *self.output_convs[-2:])
        return nn.ModuleList(module.conv for module in modules)

    def forward(self, features: Sequence[Tensor], with_mask_features: bool = True) -> PixelFeatures:
        """Fuse the backbone's ``(B, C_i, h_i, w_i)`` features, finest first.

        Raises:
            ValueError: They have not the channels of ``in_channels``.
        """
        check_channels(features, self.in_channels)
        *finer, coarsest = features
        coarsest = self._encode(coarsest)
        *finer_outputs, coarsest_output = self.output_convs
        pixels = coarsest_output(coarsest)
        levels = list(zip(finer, self.lateral_convs, finer_outputs))
        memory = coarsest
        for level, (feature, *convs) in enumerate(reversed(levels), start=1):
            pixels = checkpointed(_fuse, feature, pixels, *convs, modules=convs, with_cp=self.with_cp)
            if level == self.memory_level:
                memory = pixels
        mask_features = self.mask_features(pixels) if with_mask_features else None
        return PixelFeatures(mask_features, memory, pixels)

    def _encode(self, coarsest: Tensor) -> Tensor:
        """What the transformer decoder attends to, and the pyramid begins with: the features as they are."""
        return coarsest


def check_channels(features: Sequence[Tensor], in_channels: Sequence[int]) -> None:
    """Refuse features of a backbone that a pixel decoder was not made for.

    Raises:
        ValueError: Their channels are not ``in_channels``.
    """
    found = [feature.shape[1] for feature in features]
    if found != list(in_channels):
        raise ValueError(
            f'decode_head.in_channels is {list(in_channels)}, but the backbone gives features of {found} '
            'channels: set in_channels to these, or out_indices of the backbone.'
        )


@MODELS.register_module()
class TransformerEncoderPixelDecoder(FPNPixelDecoder):
    """A feature pyramid on top of a transformer encoder (paper, section 4.1: panoptic models with ResNets).

    The backbone's coarsest features are projected to ``channels`` and pass through post-norm encoder layers
    with sine positions. The transformer decoder attends to what comes out, and the pyramid starts from it.

    Args:
        in_channels: Channels of the backbone's features, finest first.
        channels: Width of the encoder and of the pyramid, a multiple of four and of ``num_heads``.
        mask_channels: Width of the mask features.
        norm_cfg: Norm of every pyramid convolution.
        num_layers: Encoder layers.
        num_heads: Attention heads.
        ffn_channels: Hidden width of the feed-forward networks.
        dropout: Dropout rate.
        with_cp: Gradient checkpointing of each layer and level: less memory, more time in training.
        init_cfg: MMEngine initialization of the convolutions; Caffe2's Xavier by default, as officially.
        memory_level: See `FPNPixelDecoder`; 0 is what comes out of the encoder.
    """

    def __init__(
        self,
        in_channels: Sequence[int],
        channels: int = 256,
        mask_channels: int = 256,
        norm_cfg: dict | None = None,
        num_layers: int = 6,
        num_heads: int = 8,
        ffn_channels: int = 2048,
        dropout: float = 0.1,
        with_cp: bool = False,
        init_cfg: dict | None = None,
        memory_level: int = 0,
    ):
        pyramid_channels = [*in_channels[:-1], channels]
        super().__init__(pyramid_channels, channels, mask_channels, norm_cfg, with_cp, init_cfg, memory_level)
        self.in_channels = list(in_channels)
        self.input_proj = nn.Conv2d(in_channels[-1], channels, 1)
        self.position_encoding = SinePositionEncoding(channels)
        self.layers = nn.ModuleList(
            TransformerEncoderLayer(channels, num_heads, ffn_channels, dropout) for _ in range(num_layers)
        )

    def init_weights(self) -> None:
        """As the pyramid, and Xavier for the layers' matrices."""
        super().init_weights()
        xavier_matrices(self.layers)

    def _encode(self, coarsest: Tensor) -> Tensor:
        """Project, and pass through the encoder's layers."""
        projected = self.input_proj(coarsest)
        return encode_pixels(projected, self.layers, self.position_encoding, with_cp=self.with_cp)


def _fuse(feature: Tensor, coarser: Tensor, lateral: nn.Module, output: nn.Module) -> Tensor:
    """One level of the pyramid from a feature map and the level below it."""
    return output(add_upsampled(lateral(feature), coarser))
