"""Swin's windows for any number of images: MMPretrain's code computes this number as a Python integer."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from torch import Tensor, nn


@contextmanager
def free_windows(model: nn.Module) -> Iterator[None]:
    """Let Swin's attention put its windows together without that integer inside the context.

    Args:
        model: The model; nothing changes in one of another backbone.
    """
    found: list[Any] = [module for module in model.modules() if type(module).__name__ == 'ShiftWindowMSA']
    for module in found:
        module.window_reverse = join_windows
    try:
        yield
    finally:
        for module in found:
            del module.window_reverse


def join_windows(windows: Tensor, height: int, width: int, side: int) -> Tensor:
    """``(N * number, side, side, C)`` -> ``(N, height, width, C)``."""
    channels = windows.shape[-1]
    grid = windows.view(-1, height // side, width // side, side, side, channels)
    return grid.permute(0, 1, 3, 2, 4, 5).reshape(-1, height, width, channels)
