"""The device of a test: a CPU, a GPU, or what pretends to be one."""

from __future__ import annotations

import importlib.util
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from functools import cache
from pathlib import Path
from typing import Any

import mmengine.device.utils as mmengine_device
import pytest
import torch

HARNESS = os.environ.get('MMMASKFORMER_PRETEND_CUDA')
REAL_GPU = torch.cuda.is_available() and not HARNESS
ON_CUDA = pytest.param('cuda', marks=pytest.mark.cuda)


def use_device(device: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Let MMEngine train there, in full float32; skip the test if there is no such device."""
    if device == 'cuda' and not (REAL_GPU or HARNESS):
        pytest.skip('PyTorch finds no GPU: tests/cuda/README.md has the ways to run it')
    monkeypatch.setattr(mmengine_device, 'DEVICE', device)
    pretended = _harness(HARNESS).PretendCuda() if device == 'cuda' and HARNESS else nullcontext()
    with _without_tf32(), pretended:
        yield device


@contextmanager
def _without_tf32() -> Iterator[None]:
    matmul, cudnn = torch.backends.cuda.matmul, torch.backends.cudnn
    before = matmul.allow_tf32, cudnn.allow_tf32
    matmul.allow_tf32 = cudnn.allow_tf32 = False
    try:
        yield
    finally:
        matmul.allow_tf32, cudnn.allow_tf32 = before


def need_real_gpu(device: str) -> None:
    """Skip the test on a pretended device."""
    if device == 'cuda' and HARNESS:
        pytest.skip('a pretended device has no memory, kernels, processes or compiler of its own')


@cache
def _harness(path: str) -> Any:
    if not Path(path).is_file():
        raise FileNotFoundError(f'MMMASKFORMER_PRETEND_CUDA={path}: no such file')
    spec = importlib.util.spec_from_file_location('pretended_cuda', path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module
