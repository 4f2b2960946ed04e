"""Sine position encoding of feature maps, as in DETR."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any

import torch
from torch import Tensor, nn

from .tracing import is_compiling


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

    def forward(self, features: Tensor) -> Tensor:
        """``(B, C', h, w)`` features -> ``(1, channels, h, w)`` encoding of their type and device.

        Computed once per shape. Where tensors are traced instead of computed, it becomes part of the graph.
        """
        traced = is_compiling() or type(features) is not Tensor
        encode = _encode if traced else _encode_once
        height, width = features.shape[-2:]
        return encode(height, width, self.channels, self.temperature, features.dtype, features.device)


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
