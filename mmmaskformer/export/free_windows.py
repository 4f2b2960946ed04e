"""Swin's windows for images of any number and size.

MMPretrain's code computes the number of images as a Python integer, and cuts off padding by slices. Their
sizes are formulas to PyTorch's exporter, which grow from block to block until they take hours.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .other_forward import other_forward


@contextmanager
def free_windows(model: nn.Module) -> Iterator[None]:
    """Let Swin's attention be recorded for any number and size of images inside the context.

    Args:
        model: The model; nothing changes in one of another backbone.
    """
    found: list[Any] = [module for module in model.modules() if type(module).__name__ == 'ShiftWindowMSA']
    with other_forward(found, attend_in_windows):
        yield


def attend_in_windows(module: Any, query: Tensor, hw_shape: tuple[int, int]) -> Tensor:
    """As MMPretrain's ``ShiftWindowMSA.forward``: pixels ``(N, H * W, C)`` -> ``(N, H * W, C)``.

    Maps that are smaller than a window are padded to one, where MMPretrain does it on ``pad_small_map``.
    """
    height, width = hw_shape
    side, shift, channels = module.window_size, module.shift_size, query.shape[2]
    if not module.pad_small_map and min(hw_shape) == side:
        shift = 0  # as there, in models for classification
    rows, columns = ((length + side - 1) // side for length in hw_shape)
    pixels = query.view(query.shape[0], height, width, channels)
    pixels = F.pad(pixels, (0, 0, 0, columns * side - width, 0, rows * side - height))
    mask = None
    if shift:
        pixels = torch.roll(pixels, (-shift, -shift), (1, 2))
        mask = _mask(rows, columns, side, shift, query.device)
    attended = module.w_msa(_split(pixels, rows, columns, side).flatten(2).mT, mask=mask)
    pixels = attended.view(-1, rows, columns, side, side, channels).permute(0, 1, 3, 2, 4, 5)
    pixels = pixels.reshape(-1, rows * side, columns * side, channels)
    if shift:
        pixels = torch.roll(pixels, (shift, shift), (1, 2))
    for dim, length in ((1, height), (2, width)):  # slices would ask whether there is padding
        pixels = pixels.index_select(dim, torch.arange(length, device=pixels.device))
    return module.drop(pixels.view(-1, height * width, channels))


def _split(pixels: Tensor, rows: int, columns: int, side: int) -> Tensor:
    """``(N, rows * side, columns * side, C)`` -> windows ``(N * rows * columns, C, side, side)``."""
    windows = pixels.view(-1, rows, side, columns, side, pixels.shape[3])
    return windows.permute(0, 1, 3, 5, 2, 4).flatten(0, 2)


def _mask(rows: int, columns: int, side: int, shift: int, device: torch.device) -> Tensor:
    """``(rows * columns, side ** 2, side ** 2)``: -100 where two pixels were apart before the shift."""
    parts = [
        (torch.arange(number * side, device=device) >= number * side - side).int()
        + (torch.arange(number * side, device=device) >= number * side - shift).int()
        for number in (rows, columns)
    ]
    regions = 3 * parts[0][:, None] + parts[1]
    windows = _split(regions[None, :, :, None], rows, columns, side).flatten(1)
    return (windows[:, None] != windows[:, :, None]).float() * -100
