"""Gradients of convolutions from NCHW copies: those of the plain convolution."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from mmmaskformer.functional import nchw_weight_gradients
from mmmaskformer.functional.fast_paths import plain_functions
from mmmaskformer.functional.nchw_weight_gradients import same_convolution
from mmmaskformer.models.layers import SameConv2d


def inputs(size: tuple[int, int], channels: int = 3, outputs: int = 4, kernel: int = 3) -> list[Tensor]:
    generator = torch.Generator().manual_seed(0)
    shapes = (2, channels, *size), (outputs, channels, kernel, kernel), (outputs,)
    pixels, weight, bias = (torch.randn(shape, generator=generator) for shape in shapes)
    last = torch.channels_last
    tensors = [pixels.contiguous(memory_format=last), weight.contiguous(memory_format=last), bias]
    return [tensor.requires_grad_() for tensor in tensors]


@pytest.fixture
def calls(monkeypatch):
    """Sizes of maps whose gradients came from NCHW copies, on a CPU with AVX2."""
    monkeypatch.setattr(torch.backends.cpu, 'get_cpu_capability', lambda: 'AVX2')
    seen, gradients = [], nchw_weight_gradients._gradients

    def counted(grad, pixels, weight, wanted):
        if wanted[1]:
            assert pixels.is_contiguous()
            seen.append(tuple(pixels.shape[2:]))
        return gradients(grad, pixels, weight, wanted)

    monkeypatch.setattr(nchw_weight_gradients, '_gradients', counted)
    return seen


@pytest.mark.parametrize('kernel', [3, 5])
@pytest.mark.parametrize('frozen', [None, 0, 1, 2])
def test_gradients_are_those_of_the_plain_convolution(kernel, frozen, calls):
    results = []
    for size in ((64, 32), (40, 60)):
        for plain in (True, False):
            tensors = inputs(size, kernel=kernel)
            if frozen is not None:
                tensors[frozen].requires_grad_(False)
            if plain:
                with plain_functions():
                    result = same_convolution(*tensors)
            else:
                result = same_convolution(*tensors)
            (result * torch.linspace(-1, 1, result.numel()).view_as(result)).sum().backward()
            results.append([result, *(tensor.grad for tensor in tensors)])
        plain, fast = results[-2:]
        assert torch.equal(plain[0], fast[0])
        for one, other in zip(plain[1:], fast[1:]):
            if one is None:
                assert other is None
            else:
                torch.testing.assert_close(other, one, rtol=1e-4, atol=1e-3)
                assert other.stride() == one.stride()
    assert calls == ([] if frozen == 1 else [(64, 32), (40, 60)])


@pytest.mark.parametrize(
    'change',
    ['small maps', 'NCHW', 'one pixel', 'no gradients', '16 bits', '64 bits'],
)
def test_other_convolutions_are_plain(change, calls):
    pixels, weight, bias = inputs(
        (63, 32) if change == 'small maps' else (64, 64), kernel=1 if change == 'one pixel' else 3
    )
    if change == 'NCHW':
        pixels = pixels.detach().contiguous()
    if change == '64 bits':
        pixels, weight, bias = (
            tensor.detach().double().requires_grad_() for tensor in (pixels, weight, bias)
        )
    if change == 'no gradients':
        with torch.no_grad():
            assert not same_convolution(pixels, weight, bias).requires_grad
    else:
        with torch.autocast('cpu', enabled=change == '16 bits'):
            result = same_convolution(pixels, weight, bias)
        assert (result.dtype == torch.bfloat16) == (change == '16 bits')
        result.sum().backward()
        assert weight.grad is not None
    assert calls == []


@pytest.mark.parametrize('capability', ['AVX512', 'DEFAULT'])
def test_other_processors_use_the_plain_convolution(capability, calls, monkeypatch):
    monkeypatch.setattr(torch.backends.cpu, 'get_cpu_capability', lambda: capability)
    same_convolution(*inputs((64, 32))).sum().backward()
    assert calls == []


def test_a_compiler_sees_one_graph():
    compiled = torch.compile(same_convolution, backend='eager', fullgraph=True)
    tensors = inputs((64, 32))
    assert torch.equal(compiled(*tensors), same_convolution(*tensors))


@pytest.mark.parametrize('change', [dict(stride=2), dict(dilation=2), dict(groups=3), dict(padding=0)])
def test_a_layer_that_would_change_the_size_is_refused(change):
    with pytest.raises(ValueError, match='half the kernel'):
        SameConv2d(3, 6, 3, **{'padding': 1, **change})
