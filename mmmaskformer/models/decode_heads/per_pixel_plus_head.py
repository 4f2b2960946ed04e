"""The per-pixel baseline with a transformer decoder."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import torch
from torch import Tensor

from ...registry import MODELS
from ..layers import MLP
from ..losses import ClassWeight
from .per_pixel_head import PerPixelHead


@MODELS.register_module()
class PerPixelBaselinePlusHead(PerPixelHead):
    """PerPixelBaseline+: one query for each class, its mask logits are the logits of the class.

    The network is MaskFormer's but for the classification of queries; masks are not sigmoids here but
    compete in a softmax, and every decoder layer learns by cross entropy (paper, section 4.1).

    Args:
        in_channels: See `PerPixelHead`.
        num_classes: See `PerPixelHead`; the number of queries, too.
        pixel_decoder: See `PerPixelHead`.
        transformer_decoder: Config of the transformer decoder.
        ignore_index: See `PerPixelHead`.
        allow_class_mismatch: See `PerPixelHead`.
        init_cfg: See `PerPixelHead`.
        class_weight: See `PerPixelHead`.
    """

    class_rows: ClassVar[dict[str, int]] = {'transformer_decoder.query_embed.weight': 0}

    def __init__(
        self,
        in_channels: Sequence[int],
        num_classes: int,
        pixel_decoder: dict | None = None,
        transformer_decoder: dict | None = None,
        ignore_index: int = 255,
        allow_class_mismatch: bool = False,
        init_cfg: dict | None = None,
        class_weight: ClassWeight = None,
    ):
        super().__init__(
            in_channels,
            num_classes,
            pixel_decoder,
            ignore_index,
            allow_class_mismatch,
            init_cfg,
            class_weight,
        )
        transformer_decoder = transformer_decoder or dict(type='mmmaskformer.MaskFormerTransformerDecoder')
        memory_channels = self.pixel_decoder.memory_channels
        self.transformer_decoder = MODELS.build(
            {**transformer_decoder, 'in_channels': memory_channels, 'num_queries': num_classes}
        )
        channels = self.transformer_decoder.channels
        self.mask_embed = MLP(channels, channels, self.pixel_decoder.mask_channels, num_layers=3)

    def forward(self, features: Sequence[Tensor]) -> list[Tensor]:
        """See `PerPixelHead.forward`."""
        pixels = self.pixel_decoder(features)
        queries = self.transformer_decoder(pixels.memory)
        return list(self._class_logits(queries, pixels.mask_features))

    def predict_logits(self, features: Sequence[Tensor]) -> Tensor:
        """Class logits of the last layer, without the cost of the others'."""
        pixels = self.pixel_decoder(features)
        queries = self.transformer_decoder(pixels.memory)
        return self._class_logits(queries[-1:], pixels.mask_features)[0]

    def _class_logits(self, queries: Tensor, mask_features: Tensor) -> Tensor:
        return torch.einsum('lbqc,bchw->lbqhw', self.mask_embed(queries), mask_features)
