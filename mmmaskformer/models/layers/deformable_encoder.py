"""Encoder layer whose pixels attend to a few points of every level."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from ...functional.deformable_attention import Sizes, deformable_attention
from ...functional.deformable_bags import bag_deformable_attention
from ...functional.devices import constants
from ...functional.fast_paths import fast_path
from .deformable_operator import has_operator, operator_deformable_attention
from .transformer_layer import feed_forward, xavier_matrices


class MultiScaleDeformableAttention(nn.Module):
    """Attention to ``num_points`` points of each level, in float32 under any autocast.

    Args:
        channels: Width of the pixels' features, a multiple of ``num_heads``.
        num_heads: Attention heads.
        num_levels: Levels.
        num_points: Points of each head in each level.

    Raises:
        ValueError: ``channels`` is not a multiple of ``num_heads``.
    """

    def __init__(self, channels: int, num_heads: int = 8, num_levels: int = 3, num_points: int = 4):
        super().__init__()
        if channels % num_heads:
            raise ValueError(f'channels={channels} is not a multiple of num_heads={num_heads}: change one')
        self.shape = (num_heads, num_levels, num_points)
        self.sampling_offsets = nn.Linear(channels, 2 * math.prod(self.shape))
        self.attention_weights = nn.Linear(channels, math.prod(self.shape))
        self.value_proj = nn.Linear(channels, channels)
        self.output_proj = nn.Linear(channels, channels)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Heads look in eight directions, points 1, 2, ... pixels far, with equal weights."""
        num_heads, num_levels, num_points = self.shape
        for layer in (self.sampling_offsets, self.attention_weights):
            nn.init.zeros_(layer.weight)
            nn.init.zeros_(layer.bias)
        for layer in (self.value_proj, self.output_proj):
            nn.init.xavier_uniform_(layer.weight)
            nn.init.zeros_(layer.bias)
        angles = torch.arange(num_heads) * (2 * math.pi / num_heads)
        directions = torch.stack([angles.cos(), angles.sin()], -1)
        directions /= directions.abs().amax(-1, keepdim=True)
        distances = torch.arange(1, num_points + 1)[:, None]
        offsets = (directions[:, None, None] * distances).expand(-1, num_levels, -1, -1)
        self.sampling_offsets.bias.data.copy_(offsets.flatten())

    def forward(self, x: Tensor, positions: Tensor, references: Tensor, sizes: Sizes) -> Tensor:
        """Attend.

        Args:
            x: ``(B, N, C)`` pixels of all levels.
            positions: Added to what offsets and weights are computed from; broadcasts to ``x``.
            references: ``(N, 2)`` x and y of the pixels as parts of width and height.
            sizes: (height, width) of each level.

        Returns:
            ``(B, N, C)``.
        """
        num_heads, num_levels, num_points = self.shape
        with torch.autocast(x.device.type, enabled=False):
            x = x.float() if x.dtype in (torch.float16, torch.bfloat16) else x
            queries = x + positions.to(x.dtype)
            values = self.value_proj(x).unflatten(2, (num_heads, -1))
            offsets = self.sampling_offsets(queries).unflatten(2, (*self.shape, 2))
            weights = self.attention_weights(queries).unflatten(2, (num_heads, -1)).softmax(-1)
            lengths = constants([(width, height) for height, width in sizes], x.device, x.dtype)[:, None]
            points = references[:, None, None, None] + offsets / lengths
            attended = attend(values, sizes, points, weights.unflatten(3, (num_levels, num_points)))
            return self.output_proj(attended)


def attend(values: Tensor, sizes: Sizes, points: Tensor, weights: Tensor) -> Tensor:
    """`functional.deformable_attention.deformable_attention` in the form that is fast where it runs."""
    if type(values) in (Tensor, nn.Parameter):
        if values.device.type == 'cpu' and fast_path('deformable_bags'):
            return bag_deformable_attention(values, sizes, points, weights)
        if values.device.type == 'cuda' and fast_path('deformable_operator') and has_operator():
            return operator_deformable_attention(values, sizes, points, weights)
    return deformable_attention(values, sizes, points, weights)


class DeformableEncoderLayer(nn.Module):
    """Deformable self-attention among the pixels of all levels, feed-forward; each followed by its norm.

    Args:
        channels: Width of the pixels' features.
        num_heads: Attention heads.
        num_levels: Levels.
        num_points: Points of each head in each level.
        ffn_channels: Hidden width of the feed-forward network.
        dropout: Rate for feed-forward and residual branches.
    """

    def __init__(
        self,
        channels: int,
        num_heads: int,
        num_levels: int,
        num_points: int,
        ffn_channels: int,
        dropout: float,
    ):
        super().__init__()
        self.self_attn = MultiScaleDeformableAttention(channels, num_heads, num_levels, num_points)
        self.ffn = feed_forward(channels, ffn_channels, dropout)
        self.norm1, self.norm2 = (nn.LayerNorm(channels) for _ in range(2))
        self.dropout = nn.Dropout(dropout)

    def init_weights(self) -> None:
        """Xavier for the feed-forward network's matrices; attention as it was constructed."""
        self.self_attn.reset_parameters()
        xavier_matrices(self.ffn)

    def forward(self, x: Tensor, positions: Tensor, references: Tensor, sizes: Sizes) -> Tensor:
        """``(B, N, C)`` -> ``(B, N, C)``; arguments as `MultiScaleDeformableAttention.forward`."""
        x = self.norm1(x + self.dropout(self.self_attn(x, positions, references, sizes)))
        return self.norm2(x + self.dropout(self.ffn(x)))


def cell_centers(sizes: Sequence[tuple[int, int]], like: Tensor) -> Tensor:
    """``(N, 2)``: x and y of the pixels of all levels as parts of width and height."""
    levels = []
    for height, width in sizes:
        rows = (torch.arange(height, dtype=like.dtype, device=like.device) + 0.5) / height
        columns = (torch.arange(width, dtype=like.dtype, device=like.device) + 0.5) / width
        levels.append(torch.stack(torch.meshgrid(columns, rows, indexing='xy'), -1).flatten(0, 1))
    return torch.cat(levels)
