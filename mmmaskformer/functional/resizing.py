"""From the network's resolution to the original image: whole maps, or a band of rows at a time."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

# Values in work at a time: on a CPU few enough to stay in its cache, on a GPU enough to fill it.
BAND_VALUES = {'cpu': 2**21, 'cuda': 2**26}


class OutputSize(NamedTuple):
    """How masks get from the network to the original image; (height, width) each.

    Attributes:
        padded: Size of the network's input, to which mask logits are upsampled first.
        image: Size of the picture in its upper left corner, without padding.
        output: Size of the original image.
    """

    padded: tuple[int, int]
    image: tuple[int, int]
    output: tuple[int, int]


def resize(maps: Tensor, size: tuple[int, int]) -> Tensor:
    """``(B, C, h, w)`` -> ``(B, C, *size)``, bilinear."""
    return F.interpolate(maps, size=size, mode='bilinear', align_corners=False)


def resize_masks(mask_logits: Tensor, size: OutputSize) -> Tensor:
    """``(Q, h, w)`` logits -> ``(Q, *size.output)`` float32: bilinear to the input, crop, bilinear again."""
    return resize_scores(resize(mask_logits.float()[None], size.padded)[0], size)


def resize_scores(scores: Tensor, size: OutputSize) -> Tensor:
    """``(C, *size.padded)`` maps -> ``(C, *size.output)``: without padding, bilinear."""
    height, width = size.image
    cropped = scores[:, :height, :width]
    return cropped if size.image == size.output else resize(cropped[None], size.output)[0]


def bands(num_rows: int, values_per_row: int, device: torch.device) -> Iterator[tuple[int, int]]:
    """First and last + 1 row of each band, of as many rows as may be in work at a time."""
    budget = BAND_VALUES.get(device.type, BAND_VALUES['cuda'])
    step = max(1, budget // max(1, values_per_row))
    for start in range(0, num_rows, step):
        yield start, min(start + step, num_rows)


def picture_rows(mask_logits: Tensor, size: OutputSize, start: int, stop: int) -> Tensor:
    """Rows of mask logits at the picture's size: ``(Q, h, w)`` -> ``(Q, stop - start, size.image[1])``."""
    if (start, stop) == (0, size.image[0]):
        return resize(mask_logits.float()[None], size.padded)[0, :, :stop, : size.image[1]]
    rows = resize_rows(mask_logits.float(), mask_logits.shape[-2], size.padded[0], start, stop)
    return _resize_columns(rows, size.padded[1])[..., : size.image[1]]


def output_rows(mask_logits: Tensor, size: OutputSize, start: int, stop: int) -> Tensor:
    """Rows ``[start, stop)`` of `resize_masks`, to rounding, from the few rows that they need.

    Both resizes go over rows before columns: where the original image is smaller than the network's input,
    most of what would be upsampled never is.
    """
    if (start, stop) == (0, size.output[0]):
        return resize_masks(mask_logits, size)
    first, last = source_rows(size, start, stop)
    rows = resize_rows(mask_logits.float(), mask_logits.shape[-2], size.padded[0], first, last)
    if size.image[0] != size.output[0]:
        rows = resize_rows(rows, size.image[0], size.output[0], start, stop, first)
    return _resize_columns(_resize_columns(rows, size.padded[1])[..., : size.image[1]], size.output[1])


def source_rows(size: OutputSize, start: int, stop: int) -> tuple[int, int]:
    """Which rows of the picture the rows ``[start, stop)`` of the output are made of."""
    if size.image[0] == size.output[0]:
        return start, stop
    lower, upper, _ = _neighbours(size.image[0], size.output[0], start, stop, torch.device('cpu'))
    return int(lower[0]), int(upper[-1]) + 1


def resize_band(maps: Tensor, size: OutputSize, start: int, stop: int, first: int) -> Tensor:
    """Rows ``[start, stop)`` of the output from ``(C, n, w)`` rows of the picture, row ``first`` and on."""
    if (start, stop) == (0, size.output[0]):
        return maps if size.image == size.output else resize(maps[None], size.output)[0]
    rows = resize_rows(maps, size.image[0], size.output[0], start, stop, first)
    return _resize_columns(rows, size.output[1])


def resize_rows(maps: Tensor, source: int, target: int, start: int, stop: int, first: int = 0) -> Tensor:
    """Rows ``[start, stop)`` of linear resizing from ``source`` to ``target`` rows.

    Args:
        maps: ``(C, n, w)``, the source's rows from row ``first`` on, as many as are needed.
        source: Rows of the whole source.
        target: Rows of the whole target.
        start: First row.
        stop: Last row + 1.
        first: Row of the source that ``maps`` begin with.
    """
    if source == target:
        return maps[:, start - first : stop - first]
    lower, upper, weight = _neighbours(source, target, start, stop, maps.device)
    return torch.lerp(maps[:, lower - first], maps[:, upper - first], weight.to(maps.dtype)[:, None])


def _neighbours(
    source: int, target: int, start: int, stop: int, device: torch.device
) -> tuple[Tensor, Tensor, Tensor]:
    """Rows of the source beside each row of the target, and the weight of the second, ``(stop - start,)``."""
    centres = torch.arange(start, stop, dtype=torch.float32, device=device) + 0.5
    positions = (centres * (source / target) - 0.5).clamp(min=0)
    lower = positions.long().clamp(max=source - 1)
    return lower, (lower + 1).clamp(max=source - 1), positions - lower


def _resize_columns(rows: Tensor, width: int) -> Tensor:
    return rows if rows.shape[-1] == width else resize(rows[None], (rows.shape[-2], width))[0]
