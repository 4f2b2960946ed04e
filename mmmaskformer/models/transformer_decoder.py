"""Transformer decoder: queries attend to the image and become segment embeddings."""

from __future__ import annotations

import torch
from mmengine.model import BaseModule, caffe2_xavier_init
from torch import Tensor, nn

from ..functional.padding import ValidSizes, padded_cells
from ..registry import MODELS
from .layers import SinePositionEncoding, TransformerDecoderLayer, checkpointed, xavier_matrices


@MODELS.register_module()
class MaskFormerTransformerDecoder(BaseModule):
    """DETR's decoder with zero inputs, by default, and learned query positions (paper, section 3.3).

    MaskFormer uses no padding mask in attention, as in the official implementation; DETR does.

    Args:
        in_channels: Channels of the memory, projected by a 1x1 convolution if other than ``channels``.
        num_queries: Number of queries, at least the number of segments in any training image.
        channels: Width of the decoder.
        num_layers: Decoder layers.
        num_heads: Attention heads.
        ffn_channels: Hidden width of the feed-forward networks.
        dropout: Dropout rate.
        self_attn: Whether queries attend to each other (paper, table 4: an ablation).
        with_cp: Gradient checkpointing of each layer: less memory, more time in training.
        learned_queries: Queries start from learned features in place of zeros, as in Mask2Former. Positions
            only steer attention, so queries that start from zeros differ by where they look alone.
        init_cfg: MMEngine initialization.
    """

    def __init__(
        self,
        in_channels: int,
        num_queries: int = 100,
        channels: int = 256,
        num_layers: int = 6,
        num_heads: int = 8,
        ffn_channels: int = 2048,
        dropout: float = 0.1,
        self_attn: bool = True,
        with_cp: bool = False,
        learned_queries: bool = False,
        init_cfg: dict | None = None,
    ):
        super().__init__(init_cfg=init_cfg)
        self.channels = channels
        self.with_cp = with_cp
        same = in_channels == channels
        self.input_proj = nn.Identity() if same else nn.Conv2d(in_channels, channels, 1)
        self.position_encoding = SinePositionEncoding(channels)
        self.query_embed = nn.Embedding(num_queries, channels)
        self.query_feat = nn.Embedding(num_queries, channels) if learned_queries else None
        self.layers = nn.ModuleList(
            TransformerDecoderLayer(channels, num_heads, ffn_channels, dropout, self_attn)
            for _ in range(num_layers)
        )
        self.norm = nn.LayerNorm(channels)

    def init_weights(self) -> None:
        """Xavier for the layers' matrices; embeddings stay standard normal."""
        super().init_weights()
        xavier_matrices(self.layers)
        if isinstance(self.input_proj, nn.Conv2d):
            caffe2_xavier_init(self.input_proj)

    def forward(self, memory: Tensor, valid: ValidSizes = None) -> Tensor:
        """Decode every query.

        Args:
            memory: ``(B, in_channels, h, w)`` image features.
            valid: Rows and columns of each image that are not padding, to which alone queries attend; None
                stands for all.

        Returns:
            ``(L, B, Q, C)`` outputs of all layers, the last layer last, through the shared final norm.
        """
        memory = self.input_proj(memory)
        values = memory.flatten(2).transpose(1, 2)
        keys = values + self.position_encoding(memory, valid).flatten(2).transpose(1, 2)
        padding = padded_cells(valid, memory)
        query_pos = self.query_embed.weight.expand(memory.shape[0], -1, -1)
        queries = self._first_queries(query_pos)
        outputs = []
        for layer in self.layers:
            inputs = queries, query_pos, keys, values, padding
            queries = checkpointed(layer, *inputs, modules=[layer], with_cp=self.with_cp)
            outputs.append(self.norm(queries))
        return torch.stack(outputs)

    def _first_queries(self, query_pos: Tensor) -> Tensor:
        if self.query_feat is None:
            return torch.zeros_like(query_pos)
        return self.query_feat.weight.expand_as(query_pos)
