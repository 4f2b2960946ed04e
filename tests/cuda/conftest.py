"""Devices of the tests. README.md beside this file says how to run them."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

os.environ.setdefault('CUBLAS_WORKSPACE_CONFIG', ':4096:8')  # for deterministic mode; read once in a process
TESTS = Path(__file__).parents[1]
PARTS = ('models', 'inference', 'engine', 'analysis', 'evaluation', 'distributed')
sys.path += [str(TESTS / part) for part in PARTS]

from devices import ON_CUDA, need_real_gpu, use_device  # noqa: E402


@pytest.fixture(params=['cpu', ON_CUDA])
def device(request, monkeypatch) -> Iterator[str]:
    """For checks that cost little: they run on the CPU too."""
    yield from use_device(request.param, monkeypatch)


@pytest.fixture(params=[ON_CUDA])
def cuda(request, monkeypatch) -> Iterator[str]:
    """For checks that other tests make on the CPU, and what the CPU does not have."""
    yield from use_device(request.param, monkeypatch)


@pytest.fixture(params=[ON_CUDA])
def gpu(request, monkeypatch) -> Iterator[str]:
    """For what only a GPU shows."""
    need_real_gpu(request.param)
    yield from use_device(request.param, monkeypatch)


@pytest.fixture
def deterministic() -> Iterator[None]:
    """For tests that turn deterministic mode on: it is off again afterwards."""
    yield
    torch.use_deterministic_algorithms(False)
    torch.backends.cudnn.deterministic = False
