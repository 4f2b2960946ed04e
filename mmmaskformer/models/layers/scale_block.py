"""Upscaling of a grid of tokens, as EoMT's masks need it."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn


class ScaleBlock(nn.Module):
    """Doubles height and width: transposed convolution, GELU, depthwise convolution, norm over channels.

    Args:
        channels: Channels of input and output.
    """

    def __init__(self, channels: int):
        super().__init__()
        self.upsample = nn.ConvTranspose2d(channels, channels, 2, stride=2)
        self.depthwise = nn.Conv2d(channels, channels, 3, padding=1, groups=channels, bias=False)
        self.norm = nn.LayerNorm(channels, eps=1e-6)

    def forward(self, x: Tensor) -> Tensor:
        """``(B, C, h, w)`` -> ``(B, C, 2 h, 2 w)``."""
        x = self.depthwise(F.gelu(self.upsample(x)))
        return self.norm(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)
