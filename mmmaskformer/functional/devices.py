"""How a device likes its work: a CPU in pieces that stay in its cache, a GPU in few launches that fill it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

# Types of devices that take small pieces; all others are GPUs to this package.
SMALL_PIECES = {'cpu'}


def small_pieces(device: torch.device) -> bool:
    """Whether many small operations on few values at a time are faster than few large ones."""
    return device.type in SMALL_PIECES


def computes_with_avx2() -> bool:
    """Whether the vector instructions of this CPU, as PyTorch uses them, are AVX2 and no newer ones."""
    return torch.backends.cpu.get_cpu_capability() == 'AVX2'


def autocasts_on_cpu() -> bool:
    """Whether operations on the CPU are run in 16 bits at present."""
    try:
        return torch.is_autocast_enabled('cpu')
    except TypeError:  # before torch 2.4
        return torch.is_autocast_cpu_enabled()


def budget(values: Mapping[str, int], device: torch.device) -> int:
    """The number for a device: ``values['cpu']``, or ``values['cuda']`` for any GPU."""
    return values['cpu' if small_pieces(device) else 'cuda']


def count_values(values: Tensor, num: int) -> Tensor:
    """How often 0 to num - 1 occur in a map of integers, ``(num,)`` int64; a GPU is not waited for."""
    if small_pieces(values.device):
        return torch.bincount(values.flatten(), minlength=num)
    flat = values.flatten().long()
    return flat.new_zeros(num).scatter_add_(0, flat, torch.ones_like(flat))


def to_device(values: Tensor, device: torch.device) -> Tensor:
    """A small tensor of the host on a device, without waiting for the work that is queued there."""
    return values.to(device, non_blocking=True)


def constants(numbers: Sequence[Any], device: torch.device, dtype: torch.dtype | None = None) -> Tensor:
    """Numbers of the host as a tensor on a device; ``new_tensor`` would wait for a GPU."""
    return to_device(torch.tensor(numbers, dtype=dtype), device)
