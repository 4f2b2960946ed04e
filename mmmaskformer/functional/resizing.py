"""From the network's resolution to the original image: whole maps, or a band of rows at a time."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping

import torch
import torch.nn.functional as F
from torch import Tensor

from ..runtime.resizing import OutputSize
from .devices import budget, small_pieces, to_device
from .fast_paths import fast_path
from .grid_resizing import resize_on_grid

# Whole masks that a CPU resizes at a time; a GPU takes as many as its budget of values allows.
MASKS_AT_ONCE = 4
# Values in work at a time: on a CPU few enough to stay in its cache, on a GPU enough to fill it.
BAND_VALUES = {'cpu': 2**21, 'cuda': 2**26}


def resize(maps: Tensor, size: tuple[int, int], stride: int | None = None) -> Tensor:
    """``(B, C, h, w)`` -> ``(B, C, *size)``, bilinear; ``stride`` as ``OutputSize.mask_stride``."""
    if stride:
        return resize_on_grid(maps, size, stride)
    return F.interpolate(maps, size=size, mode='bilinear', align_corners=False)


def resize_masks(mask_logits: Tensor, size: OutputSize) -> Tensor:
    """``(Q, h, w)`` logits -> ``(Q, *size.output)`` float32: bilinear to the input, crop, bilinear again."""
    return resize_scores(resize(mask_logits.float()[None], size.padded, size.mask_stride)[0], size)


def resize_scores(scores: Tensor, size: OutputSize) -> Tensor:
    """``(C, *size.padded)`` maps -> ``(C, *size.output)``: without padding, bilinear."""
    height, width = size.image
    cropped = scores[:, :height, :width]
    return cropped if size.image == size.output else resize(cropped[None], size.output)[0]


def bands(
    num_rows: int, values_per_row: int, device: torch.device, budgets: Mapping[str, int] = BAND_VALUES
) -> Iterator[tuple[int, int]]:
    """First and last + 1 row of each band, as many rows as may be in work at a time; plain: all of them."""
    if not fast_path('bands'):
        yield 0, num_rows
        return
    step = max(1, budget(budgets, device) // max(1, values_per_row))
    for start in range(0, num_rows, step):
        yield start, min(start + step, num_rows)


def masks_at_once(num_masks: int, size: OutputSize, device: torch.device) -> list[slice]:
    """Which whole masks are resized together."""
    step = MASKS_AT_ONCE
    if not small_pieces(device):
        step = max(step, BAND_VALUES['cuda'] // max(math.prod(sides) for sides in size[:3]))
    return [slice(start, start + step) for start in range(0, num_masks, step)]


class RowResizer:
    """Resizes maps a band of rows at a time, from the few rows that each band needs.

    Equal to `resize_masks` to rounding. Resizing is linear, and rows and columns are independent: columns
    are resized while there are few rows, and two resizes of rows are one product with a small matrix. A
    pixel's values lie next to each other, ``(h, w, C)``, which makes both several times faster on a CPU. Not
    differentiable.

    Args:
        num_rows: Rows of the whole maps.
        size: Sizes of input, image and output.
    """

    def __init__(self, num_rows: int, size: OutputSize):
        self.size = size
        padded, image, output = ((height, 1) for height, _ in size[:3])
        one_column = OutputSize(padded, image, output, size.mask_stride)
        self._weights = resize_masks(torch.eye(num_rows)[..., None], one_column)[..., 0].mT
        self._buffer: Tensor | None = None

    def sources(self, start: int, stop: int) -> tuple[int, int]:
        """First and last + 1 row of the maps that the output's rows ``[start, stop)`` are made of."""
        used = self._weights[start:stop].any(0).nonzero()
        return int(used[0]), int(used[-1]) + 1

    @torch.no_grad()
    def resize(self, maps: Tensor, start: int, stop: int) -> Tensor:
        """Rows ``[start, stop)`` of the output.

        Args:
            maps: ``(n, w, C)``, the rows of `sources`.
            start: First row.
            stop: Last row + 1.

        Returns:
            ``(stop - start, size.output[1], C)``, valid until the next call.
        """
        first, last = self.sources(start, stop)
        maps = _resize_columns(maps, self.size.padded[1], self.size.mask_stride)[:, : self.size.image[1]]
        maps = _resize_columns(maps, self.size.output[1])
        weights = to_device(self._weights[start:stop, first:last], maps.device)
        shape = len(weights), *maps.shape[1:]
        if self._buffer is None or self._buffer.numel() < math.prod(shape):
            self._buffer = maps.new_empty(math.prod(shape))  # once: new memory costs more than the product
        out = self._buffer[: math.prod(shape)].view(len(weights), -1)
        return torch.mm(weights, maps.flatten(1), out=out).view(shape)


def _resize_columns(maps: Tensor, width: int, stride: int | None = None) -> Tensor:
    """``(n, w, C)`` -> ``(n, width, C)``."""
    if maps.shape[1] == width:
        return maps
    channels_last = maps[None].permute(0, 3, 1, 2)
    size = (len(maps), width)
    resized = resize_on_grid(channels_last, size, (1, stride)) if stride else resize(channels_last, size)
    return resized.permute(0, 2, 3, 1)[0]
