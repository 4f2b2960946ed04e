"""Transformer encoder of the coarsest features, as DETR and MaskFormer's ResNet panoptic models have it."""

from __future__ import annotations

from mmengine.model import BaseModule
from torch import Tensor, nn

from ...functional.padding import ValidSizes, padded_cells
from ...registry import MODELS
from .checkpointing import checkpointed
from .transformer_layer import SinePositionEncoding, TransformerEncoderLayer, xavier_matrices


def encode_pixels(
    features: Tensor,
    layers: nn.ModuleList,
    position_encoding: SinePositionEncoding,
    valid: ValidSizes = None,
    with_cp: bool = False,
) -> Tensor:
    """Pass projected features through encoder layers.

    Args:
        features: ``(B, C, h, w)``.
        layers: `TransformerEncoderLayer` modules.
        position_encoding: Positions, which every layer adds to queries and keys.
        valid: Rows and columns of each image that are not padding; None stands for all.
        with_cp: Gradient checkpointing of each layer.

    Returns:
        ``(B, C, h, w)``; values of padded cells are of no use.
    """
    positions = position_encoding(features, valid).flatten(2).transpose(1, 2)
    padding = padded_cells(valid, features)
    pixels = features.flatten(2).transpose(1, 2)
    for layer in layers:
        pixels = checkpointed(layer, pixels, positions, padding, modules=[layer], with_cp=with_cp)
    return pixels.transpose(1, 2).unflatten(2, features.shape[-2:])


@MODELS.register_module()
class DETREncoder(BaseModule):
    """Projects the backbone's last features and lets all pixels attend to each other (DETR, section 3.2).

    Args:
        in_channels: Channels of the backbone's last features.
        channels: Width of the encoder, a multiple of four and of ``num_heads``.
        num_layers: Encoder layers.
        num_heads: Attention heads.
        ffn_channels: Hidden width of the feed-forward networks.
        dropout: Dropout rate.
        with_cp: Gradient checkpointing of each layer: less memory, more time in training.
        init_cfg: MMEngine initialization.
    """

    def __init__(
        self,
        in_channels: int,
        channels: int = 256,
        num_layers: int = 6,
        num_heads: int = 8,
        ffn_channels: int = 2048,
        dropout: float = 0.1,
        with_cp: bool = False,
        init_cfg: dict | None = None,
    ):
        super().__init__(init_cfg=init_cfg)
        self.channels = channels
        self.with_cp = with_cp
        self.input_proj = nn.Conv2d(in_channels, channels, 1)
        self.position_encoding = SinePositionEncoding(channels)
        self.layers = nn.ModuleList(
            TransformerEncoderLayer(channels, num_heads, ffn_channels, dropout) for _ in range(num_layers)
        )

    def init_weights(self) -> None:
        """Xavier for the layers' matrices; the projection stays as PyTorch draws it."""
        super().init_weights()
        xavier_matrices(self.layers)

    def forward(self, features: Tensor, valid: ValidSizes = None) -> tuple[Tensor, Tensor]:
        """``(B, in_channels, h, w)`` -> projected features and memory, ``(B, channels, h, w)`` each."""
        projected = self.input_proj(features)
        memory = encode_pixels(projected, self.layers, self.position_encoding, valid, self.with_cp)
        return projected, memory
