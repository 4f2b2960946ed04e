"""FPN pixel decoder whose coarsest level is a transformer encoder."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

from ...registry import MODELS
from ..layers import SinePositionEncoding, TransformerEncoderLayer, checkpointed
from .fpn import FPNPixelDecoder


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
        init_cfg: MMEngine initialisation of the convolutions; Caffe2's Xavier by default, as officially.
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
    ):
        super().__init__([*in_channels[:-1], channels], channels, mask_channels, norm_cfg, with_cp, init_cfg)
        self.in_channels = list(in_channels)
        self.input_proj = nn.Conv2d(in_channels[-1], channels, 1)
        self.position_encoding = SinePositionEncoding(channels)
        self.layers = nn.ModuleList(
            TransformerEncoderLayer(channels, num_heads, ffn_channels, dropout) for _ in range(num_layers)
        )

    def init_weights(self) -> None:
        """As the pyramid, and Xavier for the layers' matrices."""
        super().init_weights()
        for parameter in self.layers.parameters():
            if parameter.dim() > 1:
                nn.init.xavier_uniform_(parameter)

    def _encode(self, coarsest: Tensor) -> Tensor:
        """Project, and pass through the encoder's layers."""
        projected = self.input_proj(coarsest)
        positions = self.position_encoding(projected).flatten(2).transpose(1, 2)
        pixels = projected.flatten(2).transpose(1, 2)
        for layer in self.layers:
            pixels = checkpointed(layer, pixels, positions, modules=[layer], with_cp=self.with_cp)
        return pixels.transpose(1, 2).unflatten(2, projected.shape[-2:])
