"""Mask2Former's transformer decoder: each query attends to the pixels of its own mask."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from mmengine.model import BaseModule, caffe2_xavier_init
from torch import Tensor, nn

from ..registry import MODELS
from .layers import MaskedDecoderLayer, SinePositionEncoding, checkpointed, xavier_matrices

NUM_SCALES = 3


@MODELS.register_module()
class Mask2FormerTransformerDecoder(BaseModule):
    """Masked attention to one scale after the other (Cheng et al., CVPR 2022, section 3.2).

    Layer i attends to scale i modulo 3, coarsest first. Queries have learned features besides their learned
    positions, so that their masks exist before the first layer, and are supervised.

    Args:
        in_channels: Channels of the memory, projected by 1x1 convolutions if other than ``channels``.
        num_queries: Number of queries, at least the number of segments in any training image.
        channels: Width of the decoder.
        num_layers: Decoder layers.
        num_heads: Attention heads.
        ffn_channels: Hidden width of the feed-forward networks.
        dropout: Dropout rate.
        with_cp: Gradient checkpointing of each layer: less memory, more time in training.
        init_cfg: MMEngine initialization.
    """

    def __init__(
        self,
        in_channels: int,
        num_queries: int = 100,
        channels: int = 256,
        num_layers: int = 9,
        num_heads: int = 8,
        ffn_channels: int = 2048,
        dropout: float = 0.0,
        with_cp: bool = False,
        init_cfg: dict | None = None,
    ):
        super().__init__(init_cfg=init_cfg)
        self.channels = channels
        self.with_cp = with_cp
        same = in_channels == channels
        self.input_projs = nn.ModuleList(
            nn.Identity() if same else nn.Conv2d(in_channels, channels, 1) for _ in range(NUM_SCALES)
        )
        self.position_encoding = SinePositionEncoding(channels)
        self.level_embed = nn.Embedding(NUM_SCALES, channels)
        self.query_feat = nn.Embedding(num_queries, channels)
        self.query_embed = nn.Embedding(num_queries, channels)
        self.layers = nn.ModuleList(
            MaskedDecoderLayer(channels, num_heads, ffn_channels, dropout) for _ in range(num_layers)
        )
        self.norm = nn.LayerNorm(channels)

    def init_weights(self) -> None:
        """Xavier for the layers' matrices; all embeddings stay standard normal."""
        super().init_weights()
        xavier_matrices(self.layers)
        for projection in self.input_projs:
            if isinstance(projection, nn.Conv2d):
                caffe2_xavier_init(projection)

    def forward(
        self, memory: Sequence[Tensor], mask_features: Sequence[Tensor], mask_embed: nn.Module
    ) -> Tensor:
        """Decode every query.

        Args:
            memory: ``(B, in_channels, h_i, w_i)`` image features of each scale.
            mask_features: ``(B, mask_channels, h_i, w_i)`` mask features of each scale, without gradients:
                they decide which pixels a query attends to.
            mask_embed: From queries ``(B, Q, C)`` to mask embeddings ``(B, Q, mask_channels)``.

        Returns:
            ``(L + 1, B, Q, C)``: the bare queries and the outputs of all layers, the last layer last, through
            the shared final norm.
        """
        scales = [
            self._keys_and_values(*scale) for scale in zip(memory, self.input_projs, self.level_embed.weight)
        ]
        batch = memory[0].shape[0]  # len() would make it a constant of a recorded graph
        queries, query_pos = (e.weight.expand(batch, -1, -1) for e in (self.query_feat, self.query_embed))
        outputs = [self.norm(queries)]
        for i, layer in enumerate(self.layers):
            scale = i % NUM_SCALES
            visible = visible_pixels(outputs[-1], mask_embed, mask_features[scale])
            inputs = queries, query_pos, *scales[scale], visible
            queries = checkpointed(layer, *inputs, modules=[layer], with_cp=self.with_cp)
            outputs.append(self.norm(queries))
        return torch.stack(outputs)

    def _keys_and_values(
        self, memory: Tensor, projection: nn.Module, embedding: Tensor
    ) -> tuple[Tensor, Tensor]:
        """``(B, P, C)`` each: pixels with and without their positions."""
        projected = projection(memory)
        values = projected.flatten(2).mT + embedding
        return values + self.position_encoding(projected).flatten(2).mT, values


@torch.no_grad()
def visible_pixels(queries: Tensor, mask_embed: nn.Module, mask_features: Tensor) -> Tensor:
    """Which pixels each query attends to: those of its mask (p >= 0.5), or all if it has none.

    Args:
        queries: ``(B, Q, C)``.
        mask_embed: From queries to mask embeddings.
        mask_features: ``(B, mask_channels, h, w)``.

    Returns:
        ``(B, 1, Q, h * w)`` bool.
    """
    with torch.autocast(queries.device.type, enabled=False):
        visible = mask_embed(queries.float()) @ mask_features.flatten(2) >= 0
    return (visible | ~visible.any(-1, keepdim=True))[:, None]
