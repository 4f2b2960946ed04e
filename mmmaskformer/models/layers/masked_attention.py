"""Decoder layer whose queries attend to the pixels of their own masks."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

from .transformer_layer import feed_forward


class MaskedCrossAttention(nn.MultiheadAttention):
    """Multi-head attention with one mask for all heads, which is never repeated for each of them.

    Args:
        channels: Width of queries, keys and values.
        num_heads: Attention heads.
        dropout: Rate for attention weights.
    """

    def __init__(self, channels: int, num_heads: int, dropout: float = 0.0):
        super().__init__(channels, num_heads, dropout, batch_first=True)

    def forward(self, queries: Tensor, keys: Tensor, values: Tensor, visible: Tensor) -> Tensor:  # type: ignore[override]
        """Attend.

        Args:
            queries: ``(B, Q, C)``.
            keys: ``(B, P, C)``.
            values: ``(B, P, C)``.
            visible: ``(B, 1, Q, P)`` bool, which pixels a query attends to, one at least.

        Returns:
            ``(B, Q, C)``.
        """
        projections = zip((queries, keys, values), self.in_proj_weight.chunk(3), self.in_proj_bias.chunk(3))
        query, key, value = (
            F.linear(*one).unflatten(2, (self.num_heads, -1)).transpose(1, 2) for one in projections
        )
        rate = self.dropout if self.training else 0.0
        attended = F.scaled_dot_product_attention(query, key, value, attn_mask=visible, dropout_p=rate)
        return self.out_proj(attended.transpose(1, 2).flatten(2))


class MaskedDecoderLayer(nn.Module):
    """Masked cross-attention, self-attention among queries, feed-forward; each followed by its norm.

    Mask2Former (Cheng et al., CVPR 2022, section 3.2): cross-attention comes first, since the first queries
    know nothing of the image.

    Args:
        channels: Width of queries and memory.
        num_heads: Attention heads.
        ffn_channels: Hidden width of the feed-forward network.
        dropout: Rate for attention weights, feed-forward and residual branches.
    """

    def __init__(self, channels: int, num_heads: int, ffn_channels: int, dropout: float):
        super().__init__()
        self.cross_attn = MaskedCrossAttention(channels, num_heads, dropout)
        self.self_attn = nn.MultiheadAttention(channels, num_heads, dropout, batch_first=True)
        self.ffn = feed_forward(channels, ffn_channels, dropout)
        self.norm1, self.norm2, self.norm3 = (nn.LayerNorm(channels) for _ in range(3))
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor, query_pos: Tensor, keys: Tensor, values: Tensor, visible: Tensor) -> Tensor:
        """Refine the queries.

        Args:
            x: ``(B, Q, C)`` queries.
            query_pos: ``(B, Q, C)`` learned positions of the queries.
            keys: ``(B, P, C)`` pixels with their positions added.
            values: ``(B, P, C)`` pixels.
            visible: ``(B, 1, Q, P)`` bool, which pixels a query attends to.

        Returns:
            ``(B, Q, C)``.
        """
        x = self.norm1(x + self.dropout(self.cross_attn(x + query_pos, keys, values, visible)))
        placed = x + query_pos
        attended, _ = self.self_attn(placed, placed, x, need_weights=False)
        x = self.norm2(x + self.dropout(attended))
        return self.norm3(x + self.dropout(self.ffn(x)))
