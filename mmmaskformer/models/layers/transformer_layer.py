"""Post-norm transformer layers of DETR; attention runs through ``scaled_dot_product_attention``."""

from __future__ import annotations

from torch import Tensor, nn


def _feed_forward(channels: int, ffn_channels: int, dropout: float) -> nn.Sequential:
    return nn.Sequential(
        nn.Linear(channels, ffn_channels),
        nn.ReLU(inplace=True),
        nn.Dropout(dropout),
        nn.Linear(ffn_channels, channels),
    )


class TransformerEncoderLayer(nn.Module):
    """Self-attention among pixels, feed-forward; each followed by its norm.

    Positions are added to queries and keys in every layer, never to values.

    Args:
        channels: Width of the pixels' features.
        num_heads: Attention heads.
        ffn_channels: Hidden width of the feed-forward network.
        dropout: Rate for attention weights, feed-forward and residual branches.
    """

    def __init__(self, channels: int, num_heads: int, ffn_channels: int, dropout: float):
        super().__init__()
        self.self_attn = nn.MultiheadAttention(channels, num_heads, dropout, batch_first=True)
        self.ffn = _feed_forward(channels, ffn_channels, dropout)
        self.norm1, self.norm2 = (nn.LayerNorm(channels) for _ in range(2))
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor, positions: Tensor) -> Tensor:
        """``(B, P, C)`` pixels, positions that broadcast to them -> ``(B, P, C)``."""
        placed = x + positions
        attended, _ = self.self_attn(placed, placed, x, need_weights=False)
        x = self.norm1(x + self.dropout(attended))
        return self.norm2(x + self.dropout(self.ffn(x)))


class TransformerDecoderLayer(nn.Module):
    """Self-attention among queries, cross-attention to the image, feed-forward; each followed by its norm.

    Positions are added to queries and keys in every layer, never to values.

    Args:
        channels: Width of queries and memory.
        num_heads: Attention heads.
        ffn_channels: Hidden width of the feed-forward network.
        dropout: Rate for attention weights, feed-forward and residual branches.
        self_attn: Whether queries attend to each other; without it, its norm is left out too.
    """

    def __init__(
        self, channels: int, num_heads: int, ffn_channels: int, dropout: float, self_attn: bool = True
    ):
        super().__init__()
        attention = nn.MultiheadAttention(channels, num_heads, dropout, batch_first=True)
        self.self_attn = attention if self_attn else None
        self.cross_attn = nn.MultiheadAttention(channels, num_heads, dropout, batch_first=True)
        self.ffn = _feed_forward(channels, ffn_channels, dropout)
        self.norm1 = nn.LayerNorm(channels) if self_attn else nn.Identity()
        self.norm2, self.norm3 = (nn.LayerNorm(channels) for _ in range(2))
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor, query_pos: Tensor, keys: Tensor, values: Tensor) -> Tensor:
        """Refine the queries.

        Args:
            x: ``(B, Q, C)`` queries.
            query_pos: ``(B, Q, C)`` learned positions of the queries.
            keys: ``(B, P, C)`` pixels with their positions added.
            values: ``(B, P, C)`` pixels.

        Returns:
            ``(B, Q, C)``.
        """
        if self.self_attn is not None:
            placed = x + query_pos
            attended, _ = self.self_attn(placed, placed, x, need_weights=False)
            x = self.norm1(x + self.dropout(attended))
        attended, _ = self.cross_attn(x + query_pos, keys, values, need_weights=False)
        x = self.norm2(x + self.dropout(attended))
        return self.norm3(x + self.dropout(self.ffn(x)))
