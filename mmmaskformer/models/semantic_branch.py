"""The semantic branch that helps MaX-DeepLab to train: DeepLabv3+'s decoder and a classifier of pixels."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..functional.grid_resizing import resize_on_grid
from .layers.normed_conv import NormedConv, SeparableConv


class ASPP(nn.Module):
    """Atrous spatial pyramid pooling: 1x1, three dilated 3x3 and pooled features side by side.

    Args:
        in_channels: Channels of the input.
        channels: Channels of each part and of the output.
        rates: Dilation of the 3x3 convolutions.
        window: Height and width of the pooled windows; None pools the whole map.
        dropout: Of the output.
        norm_cfg: Config of the norms.
    """

    def __init__(
        self,
        in_channels: int,
        channels: int,
        rates: Sequence[int],
        window: int | None,
        dropout: float,
        norm_cfg: dict,
    ):
        super().__init__()
        self.window = window
        self.convs = nn.ModuleList([NormedConv(in_channels, channels, 1, norm_cfg)])
        self.convs.extend(NormedConv(in_channels, channels, 3, norm_cfg, dilation=rate) for rate in rates)
        self.pooled = NormedConv(in_channels, channels, 1, norm_cfg)
        self.project = NormedConv((2 + len(rates)) * channels, channels, 1, norm_cfg)
        self.dropout = nn.Dropout(dropout)

    def forward(self, maps: Tensor) -> Tensor:
        """``(B, C, h, w)`` -> ``(B, channels, h, w)``."""
        size = (maps.shape[-2], maps.shape[-1])
        window = [min(side, self.window or side) for side in size]
        pooled = F.avg_pool2d(maps, window, stride=1)
        norm = self.pooled.norm
        if isinstance(norm, nn.BatchNorm2d) and norm.training and pooled[:, 0].numel() == 1:
            raise ValueError(
                'the pooled features of the semantic branch cannot be normalized with a batch of one image: '
                'set batch_size to at least 2, or train on several GPUs with SyncBN'
            )
        pooled = self.pooled(pooled)
        pooled = F.interpolate(pooled, size=size, mode='bilinear', align_corners=False)
        parts = [*(conv(maps) for conv in self.convs), pooled]
        return self.dropout(self.project(torch.cat(parts, dim=1)))


class SemanticBranch(nn.Module):
    """Class logits of pixels at stride 4, from features at a stride of 16 or 4 and those of two stages.

    Args:
        in_channels: Channels of stage 2, of stage 3, and of the semantic features.
        num_classes: Number of classes, void not counted.
        channels: Channels of ASPP and of the fused features.
        low_channels: Channels to which stages 3 and 2 are projected.
        head_channels: Channels before the classifier.
        rates: Dilation in ASPP.
        window: Pooled window of ASPP, in pixels of the semantic features; None pools the whole map.
        dropout: After ASPP.
        norm_cfg: Config of the norms.
    """

    def __init__(
        self,
        in_channels: Sequence[int],
        num_classes: int,
        channels: int,
        low_channels: Sequence[int],
        head_channels: int,
        rates: Sequence[int],
        window: int | None,
        dropout: float,
        norm_cfg: dict,
    ):
        super().__init__()
        low, middle, deep = in_channels
        self.aspp = ASPP(deep, channels, rates, window, dropout, norm_cfg)
        self.low_convs, self.fusions = nn.ModuleList(), nn.ModuleList()
        for inputs, outputs in zip((middle, low), low_channels):
            self.low_convs.append(NormedConv(inputs, outputs, 1, norm_cfg))
            self.fusions.append(SeparableConv(channels + outputs, channels, 5, norm_cfg))
        self.head = SeparableConv(channels, head_channels, 5, norm_cfg)
        self.classifier = nn.Conv2d(head_channels, num_classes + 1, 1)
        nn.init.trunc_normal_(self.classifier.weight, std=0.01)
        nn.init.constant_(self.classifier.bias, 0.0)  # type: ignore[arg-type]

    def forward(self, low: Tensor, middle: Tensor, semantic: Tensor) -> Tensor:
        """Activated features -> ``(B, num_classes + 1, H / 4, W / 4)``; the last class is void."""
        maps = self.aspp(semantic)
        for skip, low_conv, fusion in zip((middle, low), self.low_convs, self.fusions):
            maps = fusion(torch.cat([_resize_like(maps, skip), low_conv(skip)], dim=1))
        return self.classifier(self.head(maps))


def _resize_like(maps: Tensor, other: Tensor) -> Tensor:
    """Features of stride 16 or 4 at the grid of stride 8, and of stride 8 at the grid of stride 4."""
    size = (other.shape[-2], other.shape[-1])
    if maps.shape[-1] > size[1]:
        return maps[..., ::2, ::2]
    return resize_on_grid(maps, size, 2 if maps.shape[-2:] != size else 1)
