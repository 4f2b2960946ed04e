"""DETR's mask head: attention maps of the queries become masks, on a small feature pyramid (section 4.2)."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from mmengine.model import BaseModule
from torch import Tensor, nn

from ...functional.padding import ValidSizes, padded_cells
from ...registry import MODELS

NUM_GROUPS = 8
QUERIES_AT_ONCE = {'cpu': 4, 'cuda': 100}


class MaskInputs(NamedTuple):
    """What the masks of all queries of a batch share, computed once.

    Attributes:
        keys: ``(B, heads, C / heads, h * w)`` keys of the attention maps.
        padding: ``(B, h * w)`` bool, cells that are padding; None for none.
        first: ``(B, D, h, w)`` part of the first convolution that is the same for all queries.
        skips: Adapted features ``(B, C_i, h_i, w_i)`` of the backbone, coarsest first.
    """

    keys: Tensor
    padding: Tensor | None
    first: Tensor
    skips: tuple[Tensor, ...]


class BoxAttention(nn.Module):
    """Attention maps of queries on the memory, one for each head, without values.

    Args:
        channels: Width of queries and memory.
        num_heads: Attention heads.
        joint_softmax: One softmax over all heads and pixels, as in the released models, not one per head.
    """

    def __init__(self, channels: int, num_heads: int, joint_softmax: bool = True):
        super().__init__()
        self.num_heads = num_heads
        self.joint_softmax = joint_softmax
        self.q_linear = nn.Linear(channels, channels)
        self.k_linear = nn.Linear(channels, channels)

    def keys(self, memory: Tensor) -> Tensor:
        """``(B, C, h, w)`` -> ``(B, heads, C / heads, h * w)``."""
        keys = self.k_linear(memory.flatten(2).transpose(1, 2))
        return keys.unflatten(2, (self.num_heads, -1)).permute(0, 2, 3, 1)

    def forward(self, queries: Tensor, keys: Tensor, padding: Tensor | None) -> Tensor:
        """Attend in one image.

        Args:
            queries: ``(N, C)``.
            keys: ``(heads, C / heads, P)``.
            padding: ``(P,)`` bool, pixels whose weight is zero.

        Returns:
            ``(N, heads, P)`` weights.
        """
        query = self.q_linear(queries).unflatten(1, (self.num_heads, -1)).transpose(0, 1)
        scores = ((query * query.shape[-1] ** -0.5) @ keys).transpose(0, 1)
        if padding is not None:
            scores = scores.masked_fill(padding, -torch.inf)
        if self.joint_softmax:
            return scores.flatten(1).softmax(1).unflatten(1, scores.shape[1:])
        return scores.softmax(2)


@MODELS.register_module()
class DETRMaskHead(BaseModule):
    """Masks at stride 4 from attention maps, the projected features, and the backbone's finer features.

    Every query goes through the same convolutions on its own, so masks are computed of the queries that are
    asked for, a few at a time in prediction. The first convolution sees the projected features beside the
    attention maps: its part for these is computed once per image.

    Args:
        in_channels: Channels of the backbone's features, finest first.
        channels: Width of the transformer.
        num_heads: Heads of the attention maps.
        joint_softmax: See `BoxAttention`.
        init_cfg: MMEngine initialization.

    Raises:
        ValueError: The group norms cannot divide the channels into eight groups.
    """

    def __init__(
        self,
        in_channels: Sequence[int],
        channels: int = 256,
        num_heads: int = 8,
        joint_softmax: bool = True,
        init_cfg: dict | None = None,
    ):
        super().__init__(init_cfg=init_cfg)
        if channels % (16 * NUM_GROUPS) or num_heads % NUM_GROUPS:
            raise ValueError(
                f'the mask head has channels={channels} and num_heads={num_heads}: set channels to a '
                f'multiple of {16 * NUM_GROUPS} and num_heads to one of {NUM_GROUPS}, the groups of its norms'
            )
        self.attention = BoxAttention(channels, num_heads, joint_softmax)
        first = channels + num_heads
        widths = [first, first, channels // 2, channels // 4, channels // 8, channels // 16]
        self.convs = nn.ModuleList(nn.Conv2d(a, b, 3, padding=1) for a, b in pairwise(widths))
        self.norms = nn.ModuleList(nn.GroupNorm(NUM_GROUPS, width) for width in widths[1:])
        coarser = in_channels[-2::-1]
        self.adapters = nn.ModuleList(nn.Conv2d(a, b, 1) for a, b in zip(coarser, widths[2:5]))
        self.out = nn.Conv2d(widths[-1], 1, 3, padding=1)

    def init_weights(self) -> None:
        """Kaiming's uniform rule for convolutions, Xavier's for the attention; zero biases."""
        super().init_weights()
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_uniform_(module.weight, a=1)
            elif isinstance(module, nn.Linear):
                nn.init.xavier_uniform_(module.weight)
            else:
                continue
            nn.init.zeros_(module.bias)

    def prepare(
        self, projected: Tensor, memory: Tensor, features: Sequence[Tensor], valid: ValidSizes = None
    ) -> MaskInputs:
        """Compute what all queries share.

        Args:
            projected: ``(B, C, h, w)`` features before the encoder.
            memory: ``(B, C, h, w)`` features after it.
            features: Backbone features ``(B, C_i, h_i, w_i)``, finest first.
            valid: Rows and columns of each image that are not padding; None stands for all.
        """
        convolution: Any = self.convs[0]
        channels = projected.shape[1]
        first = F.conv2d(projected, convolution.weight[:, :channels], convolution.bias, padding=1)
        skips = tuple(adapter(feature) for adapter, feature in zip(self.adapters, features[-2::-1]))
        return MaskInputs(self.attention.keys(memory), padded_cells(valid, memory), first, skips)

    def forward(self, queries: Tensor, inputs: MaskInputs, image: int) -> Tensor:
        """Mask logits ``(N, h_0, w_0)`` of ``(N, C)`` queries of one image."""
        if torch.is_grad_enabled() or len(queries) == 0:
            return self._masks(queries, inputs, image)
        step = QUERIES_AT_ONCE.get(queries.device.type, QUERIES_AT_ONCE['cuda'])
        return torch.cat([self._masks(part, inputs, image) for part in queries.split(step)])

    def _masks(self, queries: Tensor, inputs: MaskInputs, image: int) -> Tensor:
        padding = None if inputs.padding is None else inputs.padding[image]
        maps = self.attention(queries, inputs.keys[image], padding).unflatten(2, inputs.first.shape[-2:])
        convolution: Any = self.convs[0]
        x = F.conv2d(maps, convolution.weight[:, -maps.shape[1] :], padding=1) + inputs.first[image]
        x = self.norms[0](x).relu_()
        x = self.norms[1](self.convs[1](x)).relu_()
        for skip, conv, norm in zip(inputs.skips, self.convs[2:], self.norms[2:]):
            x = F.interpolate(x, size=skip.shape[-2:], mode='nearest') + skip[image]
            x = norm(conv(x)).relu_()
        return self.out(x)[:, 0]
