"""Axial attention with relative positions (Wang et al., ECCV 2020), as MaX-DeepLab has it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from mmcv.cnn import build_norm_layer
from torch import Tensor, nn

from ...functional.fast_paths import fast_path

LONGEST_AXIS = 255
# Scores in work at a time: on a CPU few enough to stay in its cache, on a GPU enough to fill it.
CHUNK_SCORES = {'cpu': 2**19, 'cuda': 2**25}


class AxialAttention(nn.Module):
    """Self-attention along one axis of a feature map; rows (or columns) are independent of each other.

    The logits are q.k + q.r_q[m - l] + k.r_k[m - l] for a query at l and a key at m, each of the three terms
    with a batch norm of its own; values are those of the pixels and r_v[m - l], each with a batch norm. The
    heads share the tables r of relative positions.

    Scores are the cost: ``3 * heads * length`` for each pixel. Where no gradient and no batch statistics are
    needed, the norms are folded into queries and tables, and a few rows at a time are computed.

    Args:
        in_channels: Channels of the input.
        key_channels: Channels of queries and of keys, all heads together.
        value_channels: Channels of values, all heads together, and of the output.
        num_heads: Number of heads.
        axis: 2 for columns (attention along the height), 3 for rows.
        norm_cfg: Config of the batch norms.
    """

    def __init__(
        self,
        in_channels: int,
        key_channels: int,
        value_channels: int,
        num_heads: int,
        axis: int,
        norm_cfg: dict,
    ):
        super().__init__()
        for name, channels in (('key_channels', key_channels), ('value_channels', value_channels)):
            if channels % num_heads:
                raise ValueError(
                    f'axial attention has {name}={channels}, which num_heads={num_heads} does not divide: '
                    'change base_channels, key_expansion, value_expansion or num_heads of the backbone'
                )
        self.num_heads = num_heads
        self.axis = axis
        self.splits = [key_channels, key_channels, value_channels]
        self.qkv = nn.Conv2d(in_channels, sum(self.splits), 1, bias=False)
        self.norm_qkv = build_norm_layer(norm_cfg, sum(self.splits))[1]
        self.norm_logits = build_norm_layer(norm_cfg, 3 * num_heads)[1]
        self.norm_values = build_norm_layer(norm_cfg, 2 * value_channels)[1]
        rows = 2 * LONGEST_AXIS - 1
        depths = (key_channels, key_channels, value_channels)
        self.query_positions, self.key_positions, self.value_positions = (
            nn.Parameter(torch.empty(rows, depth // num_heads)) for depth in depths
        )
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Truncated normal: tables with deviation 1, the projection with 1 / sqrt(channels)."""
        nn.init.trunc_normal_(self.qkv.weight, std=self.qkv.in_channels**-0.5)
        for table in (self.query_positions, self.key_positions, self.value_positions):
            nn.init.trunc_normal_(table, std=1.0)

    def forward(self, pixels: Tensor) -> Tensor:
        """``(B, C, H, W)`` -> ``(B, value_channels, H, W)``, without activation."""
        parts = self.norm_qkv(self.qkv(pixels)).split(self.splits, dim=1)
        query, key, value = (self._lines(part) for part in parts)
        tables = self._tables(query.shape[-2])
        norms = self.norm_logits, self.norm_values
        if any(n.training for n in norms) or torch.is_grad_enabled() or not fast_path('axial_chunks'):
            retrieved = self._attend(query, key, value, *tables)
        else:
            retrieved = self._attend_in_chunks(query, key, value, *tables)
        return self._map(retrieved, pixels.shape[0])

    def _lines(self, part: Tensor) -> Tensor:
        """``(B, C, H, W)`` -> ``(B * lines, heads, length, C / heads)``."""
        lines = part.permute(0, 5 - self.axis, self.axis, 1).flatten(0, 1)
        return lines.unflatten(-1, (self.num_heads, -1)).transpose(1, 2)

    def _map(self, lines: Tensor, num_images: int) -> Tensor:
        """``(B * lines, C, length)`` -> ``(B, C, H, W)``."""
        maps = lines.unflatten(0, (num_images, -1))
        return maps.permute(0, 2, 3, 1) if self.axis == 2 else maps.transpose(1, 2)

    def _tables(self, length: int) -> tuple[Tensor, Tensor, Tensor]:
        """Relative positions ``(length of queries, length of keys, C)`` of each table."""
        if length > LONGEST_AXIS:
            raise ValueError(
                f'the feature map is {length} pixels long at stride 16, and axial attention has relative '
                f'positions for {LONGEST_AXIS}: resize images to at most {16 * LONGEST_AXIS} pixels'
            )
        places = torch.arange(length, device=self.qkv.weight.device)
        rows = places - places[:, None] + LONGEST_AXIS - 1
        return self.query_positions[rows], self.key_positions[rows], self.value_positions[rows]

    def _attend(self, query: Tensor, key: Tensor, value: Tensor, *tables: Tensor) -> Tensor:
        """All lines at once, with the batch norms as they are: ``(lines, value_channels, length)``."""
        terms = [
            torch.einsum('bhld,bhmd->bhlm', query, key),
            torch.einsum('bhld,lmd->bhlm', query, tables[0]),
            torch.einsum('bhmd,lmd->bhlm', key, tables[1]),
        ]
        logits = self.norm_logits(torch.cat(terms, dim=1)).unflatten(1, (3, self.num_heads)).sum(1)
        weights = logits.softmax(-1)
        values = [
            torch.einsum('bhlm,bhmd->bhdl', weights, value),
            torch.einsum('bhlm,lmd->bhdl', weights, tables[2]),
        ]
        merged = torch.cat([part.flatten(1, 2) for part in values], dim=1)
        return self.norm_values(merged[..., None])[..., 0].unflatten(1, (2, -1)).sum(1)

    def _attend_in_chunks(self, query: Tensor, key: Tensor, value: Tensor, *tables: Tensor) -> Tensor:
        """`_attend` by the running statistics, some lines at a time.

        The norms' offsets of the logits vanish in the softmax; their scales are of queries and tables.
        """
        scale, _ = affine(self.norm_logits)
        of_product, of_query, of_key = scale.view(3, self.num_heads, 1, 1)
        value_scale, value_offset = (part.view(2, -1, 1) for part in affine(self.norm_values))
        chunks = []
        for part in self._chunks(query):
            q, k, v = query[part], key[part], value[part]
            logits = torch.einsum('bhld,bhmd->bhlm', q * of_product, k)
            logits += torch.einsum('bhld,lmd->bhlm', q * of_query, tables[0])
            logits += torch.einsum('bhmd,lmd->bhlm', k * of_key, tables[1])
            weights = logits.softmax(-1)
            retrieved = torch.einsum('bhlm,bhmd->bhdl', weights, v).flatten(1, 2) * value_scale[0]
            retrieved += torch.einsum('bhlm,lmd->bhdl', weights, tables[2]).flatten(1, 2) * value_scale[1]
            chunks.append(retrieved + value_offset.sum(0))
        return torch.cat(chunks)

    def _chunks(self, query: Tensor) -> Iterator[slice]:
        num_lines, num_heads, length, _ = query.shape
        budget = CHUNK_SCORES.get(query.device.type, CHUNK_SCORES['cuda'])
        step = max(1, budget // (num_heads * length * length))
        for start in range(0, num_lines, step):
            yield slice(start, start + step)


def affine(norm: Any) -> tuple[Tensor, Tensor]:
    """Scale and offset ``(C,)`` that a batch norm applies by its running statistics."""
    scale = norm.weight * (norm.running_var + norm.eps).rsqrt()
    return scale, norm.bias - norm.running_mean * scale
