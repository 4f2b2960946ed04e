"""The dual-path layer of MaX-DeepLab: pixels and memory read from each other."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from mmcv.cnn import build_norm_layer
from mmcv.cnn.bricks import DropPath
from torch import Tensor, nn

from ...functional.fast_paths import fast_path
from .axial_attention import affine
from .normed_conv import NormedConv


class NormedAttention(nn.Module):
    """Attention with a batch norm of the logits, one statistic for each head, and of the retrieved values.

    Where neither batch statistics nor gradients are needed, the norm of the logits is a factor of the
    queries: its offset vanishes in the softmax. The rest is PyTorch's attention, which holds no scores.

    Args:
        num_heads: Number of heads.
        value_channels: Channels of the values, all heads together.
        norm_cfg: Config of the batch norms.
    """

    def __init__(self, num_heads: int, value_channels: int, norm_cfg: dict):
        super().__init__()
        self.num_heads = num_heads
        self.norm_logits = build_norm_layer(norm_cfg, num_heads)[1]
        self.norm_values = build_norm_layer(norm_cfg, value_channels)[1]

    def forward(self, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        """Queries ``(B, C, L)``, keys ``(B, C, M)``, values ``(B, V, M)`` -> activated ``(B, V, 1, L)``."""
        query, key, value = (part.unflatten(1, (self.num_heads, -1)).mT for part in (query, key, value))
        if self.norm_logits.training or torch.is_grad_enabled() or not fast_path('attention_kernel'):
            weights = self.norm_logits(query @ key.mT).softmax(-1)
            retrieved = weights @ value
        else:
            scale, _ = affine(self.norm_logits)
            retrieved = F.scaled_dot_product_attention(query * scale[:, None, None], key, value, scale=1.0)
        return self.norm_values(retrieved.mT.flatten(1, 2)[:, :, None]).relu()


class DualPathLayer(nn.Module):
    """Memory reads from pixels and memory, pixels read from memory (paper, section 3.1).

    With the self-attention of pixels in the residual blocks, these are the four kinds of attention.

    Args:
        pixel_channels: Channels of the pixels.
        memory_channels: Channels of the memory.
        channels: Channels of queries and keys; values and bottlenecks have twice as many.
        ffn_channels: Channels between the two layers of the memory's feed-forward network.
        num_heads: Number of heads.
        drop_path: Probability of leaving out a branch, for each image.
        norm_cfg: Config of the batch norms.
    """

    def __init__(
        self,
        pixel_channels: int,
        memory_channels: int,
        channels: int,
        ffn_channels: int,
        num_heads: int,
        drop_path: float,
        norm_cfg: dict,
    ):
        super().__init__()
        if channels % num_heads:
            raise ValueError(
                f'dual-path attention has {channels} channels, which num_heads={num_heads} does not divide: '
                'change transformer_channels or num_heads of the backbone'
            )
        self.splits = [channels, channels, 2 * channels]

        self.pixel_conv1 = NormedConv(pixel_channels, 2 * channels, 1, norm_cfg)
        self.pixel_qkv = NormedConv(2 * channels, sum(self.splits), 1, norm_cfg, act=False)
        self.pixel_attention = NormedAttention(num_heads, 2 * channels, norm_cfg)
        self.pixel_conv3 = NormedConv(2 * channels, pixel_channels, 1, norm_cfg, act=False)
        self.memory_conv1 = NormedConv(memory_channels, 2 * channels, 1, norm_cfg)
        self.memory_qkv = NormedConv(2 * channels, sum(self.splits), 1, norm_cfg, act=False)
        self.memory_attention = NormedAttention(num_heads, 2 * channels, norm_cfg)
        self.memory_conv3 = NormedConv(2 * channels, memory_channels, 1, norm_cfg, act=False)
        self.memory_ffn1 = NormedConv(memory_channels, ffn_channels, 1, norm_cfg)
        self.memory_ffn2 = NormedConv(ffn_channels, memory_channels, 1, norm_cfg, act=False)
        self.drop_path = DropPath(drop_path)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Truncated normal of deviation 1 / sqrt(channels) for the projections; branches begin at zero."""
        for projection in (self.pixel_qkv, self.memory_qkv):
            nn.init.trunc_normal_(projection.conv.weight, std=projection.conv.in_channels**-0.5)
        for last in (self.pixel_conv3, self.memory_conv3, self.memory_ffn2):
            nn.init.zeros_(last.norm.weight)

    def forward(self, pixels: Tensor, memory: Tensor) -> tuple[Tensor, Tensor]:
        """One step of both paths.

        Args:
            pixels: ``(B, C, H, W)``, not activated.
            memory: ``(B, M, 1, N)``.

        Returns:
            Both in their shapes: pixels not activated, memory activated.
        """
        pixel_qkv = self.pixel_qkv(self.pixel_conv1(pixels.relu())).flatten(2)
        memory_qkv = self.memory_qkv(self.memory_conv1(memory)).flatten(2)
        pixel_query, pixel_key, pixel_value = pixel_qkv.split(self.splits, dim=1)
        memory_query, memory_key, memory_value = memory_qkv.split(self.splits, dim=1)

        key, value = torch.cat([pixel_key, memory_key], -1), torch.cat([pixel_value, memory_value], -1)
        read = self.memory_conv3(self.memory_attention(memory_query, key, value))
        memory = (memory + self.drop_path(read)).relu()
        memory = (memory + self.drop_path(self.memory_ffn2(self.memory_ffn1(memory)))).relu()

        read = self.pixel_attention(pixel_query, memory_key, memory_value)
        read = self.pixel_conv3(read.view(*read.shape[:2], *pixels.shape[-2:]))
        return pixels + self.drop_path(read), memory
