"""Automatic mixed precision of training and testing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from mmengine.config import Config

BFLOAT16 = 'mmmaskformer.Bfloat16OptimWrapper'


def use_mixed_precision(cfg: Config, precision: str = 'auto') -> None:
    """Turn the config's ``OptimWrapper`` into one of mixed precision.

    Args:
        cfg: A config with ``optim_wrapper``.
        precision: ``'bf16'``, ``'fp16'``, or ``'auto'``: bf16, unless the GPU lacks it.

    Raises:
        ValueError: fp16 without a GPU, or an ``optim_wrapper`` with a precision of its own.
    """
    wrapper = cfg.optim_wrapper
    if wrapper.type in ('AmpOptimWrapper', BFLOAT16) and precision == 'auto':
        return
    if wrapper.type != 'OptimWrapper':
        raise ValueError(
            f'--amp gives an OptimWrapper mixed precision, but optim_wrapper.type is {wrapper.type}: '
            'set its precision in the config instead, and leave --amp out.'
        )
    if autocast_dtype(precision) is torch.bfloat16:
        wrapper.update(type=BFLOAT16)
    else:
        wrapper.update(type='AmpOptimWrapper', dtype='float16', loss_scale='dynamic')


def autocast_dtype(precision: str) -> torch.dtype:
    """The type that ``'bf16'``, ``'fp16'`` or ``'auto'`` means on this machine.

    Raises:
        ValueError: fp16 is wanted without a GPU.
    """
    if precision == 'auto':
        precision = 'bf16' if _computes_in_bfloat16() else 'fp16'
    if precision == 'fp16' and not torch.cuda.is_available():
        raise ValueError('--amp fp16 needs a GPU, and none was found: use --amp bf16, or leave --amp out.')
    return torch.bfloat16 if precision == 'bf16' else torch.float16


def _computes_in_bfloat16() -> bool:
    """CPUs do, GPUs from NVIDIA's Ampere on (older ones imitate it, slowly), and AMD's."""
    if not torch.cuda.is_available() or torch.version.hip:
        return True
    return torch.cuda.get_device_capability() >= (8, 0)


@contextmanager
def default_autocast(precision: str) -> Iterator[None]:
    """Let MMEngine's loops, whose ``fp16=True`` means the device's default type, use this precision."""
    dtype, before = autocast_dtype(precision), torch.get_autocast_gpu_dtype()
    torch.set_autocast_gpu_dtype(dtype)
    try:
        yield
    finally:
        torch.set_autocast_gpu_dtype(before)
