"""Parts of the transformers: DETR's post-norm layers, sine positions, and the MLP of the mask embedding.

Attention runs through ``scaled_dot_product_attention``.
"""

from __future__ import annotations

import math
from functools import lru_cache
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn

from ...functional.fast_paths import recording
from ...functional.padding import ValidSizes


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
        self.ffn = feed_forward(channels, ffn_channels, dropout)
        self.norm1, self.norm2 = (nn.LayerNorm(channels) for _ in range(2))
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor, positions: Tensor, padding: Tensor | None = None) -> Tensor:
        """``(B, P, C)`` pixels, positions that broadcast to them -> ``(B, P, C)``.

        No pixel attends to those that are ``padding``, ``(B, P)`` bool.
        """
        placed = x + positions
        attended, _ = self.self_attn(placed, placed, x, key_padding_mask=padding, need_weights=False)
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
        self.ffn = feed_forward(channels, ffn_channels, dropout)
        self.norm1 = nn.LayerNorm(channels) if self_attn else nn.Identity()
        self.norm2, self.norm3 = (nn.LayerNorm(channels) for _ in range(2))
        self.dropout = nn.Dropout(dropout)

    def forward(
        self, x: Tensor, query_pos: Tensor, keys: Tensor, values: Tensor, padding: Tensor | None = None
    ) -> Tensor:
        """Refine the queries.

        Args:
            x: ``(B, Q, C)`` queries.
            query_pos: ``(B, Q, C)`` learned positions of the queries.
            keys: ``(B, P, C)`` pixels with their positions added.
            values: ``(B, P, C)`` pixels.
            padding: ``(B, P)`` bool, pixels that no query attends to; None for none.

        Returns:
            ``(B, Q, C)``.
        """
        if self.self_attn is not None:
            placed = x + query_pos
            attended, _ = self.self_attn(placed, placed, x, need_weights=False)
            x = self.norm1(x + self.dropout(attended))
        placed = x + query_pos
        attended, _ = self.cross_attn(placed, keys, values, key_padding_mask=padding, need_weights=False)
        x = self.norm2(x + self.dropout(attended))
        return self.norm3(x + self.dropout(self.ffn(x)))


def feed_forward(channels: int, ffn_channels: int, dropout: float) -> nn.Sequential:
    """The two linear layers of a transformer layer, with what lies between them."""
    return nn.Sequential(
        nn.Linear(channels, ffn_channels),
        nn.ReLU(),
        nn.Dropout(dropout),
        nn.Linear(ffn_channels, channels),
    )


class MLP(nn.Sequential):
    """``num_layers`` linear layers with ReLU between them."""

    def __init__(self, in_channels: int, hidden_channels: int, out_channels: int, num_layers: int):
        widths = [in_channels] + [hidden_channels] * (num_layers - 1) + [out_channels]
        layers: list[nn.Module] = []
        for source, target in pairwise(widths):
            layers += [nn.Linear(source, target), nn.ReLU()]
        super().__init__(*layers[:-1])

    def forward(self, x: Tensor) -> Tensor:
        """``(..., in_channels)`` -> ``(..., out_channels)``."""
        return super().forward(x)


class SinePositionEncoding(nn.Module):
    """Fixed encoding of the row (first half of the channels) and column (second half) of each pixel.

    Positions run over (0, 2 pi], so that the encoding does not depend on the image size.

    Args:
        channels: Channels of the encoding, a multiple of four.
        temperature: Ratio of the longest to the shortest wavelength.
    """

    def __init__(self, channels: int, temperature: float = 10000.0):
        super().__init__()
        if channels % 4:
            raise ValueError(f'position encoding needs a multiple of 4 channels, got channels={channels}')
        self.channels = channels
        self.temperature = temperature

    def forward(self, features: Tensor, valid: ValidSizes = None) -> Tensor:
        """``(B, C', h, w)`` features -> ``(1, channels, h, w)`` encoding of their type and device.

        Computed once per shape. Where tensors are traced instead of computed, it becomes part of the graph.
        With the rows and columns of each image that are not padding, ``(B, channels, h, w)``: positions run
        over these, and are 0 in the padding.
        """
        height, width = features.shape[-2:]
        if valid is None:
            return self._encoding(height, width, features)
        encoding = features.new_zeros(len(valid), self.channels, height, width)
        for image, (rows, columns) in zip(encoding, valid):
            image[:, :rows, :columns] = self._encoding(rows, columns, features)[0]
        return encoding

    def _encoding(self, height: int, width: int, like: Tensor) -> Tensor:
        encode = _encode if recording() or type(like) is not Tensor else _encode_once
        return encode(height, width, self.channels, self.temperature, like.dtype, like.device)


@lru_cache(maxsize=32)
def _encode_once(*settings: Any) -> Tensor:
    with torch.inference_mode(False):  # or training, which comes later, could not use what is kept
        return _encode(*settings)


def _encode(
    height: int, width: int, channels: int, temperature: float, dtype: torch.dtype, device: torch.device
) -> Tensor:
    rows = _waves(height, channels // 2, temperature, device)[:, :, None].expand(-1, -1, width)
    columns = _waves(width, channels // 2, temperature, device)[:, None, :].expand(-1, height, -1)
    return torch.cat([rows, columns])[None].to(dtype)


def _waves(length: int, channels: int, temperature: float, device: torch.device) -> Tensor:
    """``(channels, length)``: sine and cosine alternating, wavelengths growing with the channel."""
    positions = torch.arange(1, length + 1, dtype=torch.float32, device=device)
    positions = positions / (length + 1e-6) * (2 * math.pi)
    exponents = torch.arange(channels, dtype=torch.float32, device=device).div(2, rounding_mode='floor')
    phases = positions / (temperature ** (2 * exponents / channels))[:, None]
    return torch.stack([phases[0::2].sin(), phases[1::2].cos()], dim=1).flatten(0, 1)


def xavier_matrices(modules: nn.Module) -> None:
    """Draw every matrix of the modules by Xavier's rule, as DETR does; biases and norms stay as they are."""
    for parameter in modules.parameters():
        if parameter.dim() > 1:
            nn.init.xavier_uniform_(parameter)
