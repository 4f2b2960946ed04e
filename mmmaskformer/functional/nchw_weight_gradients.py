"""Gradients of a convolution's weights from NCHW copies, where channels last is slow.

With AVX2, oneDNN needs two to four times as long for the weights of a 3x3 convolution of large channels-last
maps as for the same maps in NCHW, copies included. All else is faster in channels last. With AVX-512 the
weights are, too: the copies would cost 1.6 times the gradient.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from .devices import autocasts_on_cpu, computes_with_avx2
from .fast_paths import fast_path

LARGE_MAP = 64 * 32  # pixels; below, copying takes what is gained


def same_convolution(pixels: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    """A convolution that keeps the size.

    Args:
        pixels: ``(B, D, h, w)``.
        weight: ``(C, D, k, k)``, k odd.
        bias: ``(C,)`` or None.

    Returns:
        ``(B, C, h, w)``, equal to ``conv2d``'s bit for bit; its gradients are equal to rounding.
    """
    if _is_slow(pixels, weight):
        return _Convolution.apply(pixels, weight, bias)
    return F.conv2d(pixels, weight, bias, padding=weight.shape[-1] // 2)


def _is_slow(pixels: Tensor, weight: Tensor) -> bool:
    return (
        fast_path('nchw_weight_gradients')  # first: a compiler cannot read what follows
        and torch.is_grad_enabled()
        and weight.requires_grad
        and pixels.device.type == 'cpu'
        and type(pixels) in (Tensor, nn.Parameter)
        and pixels.dtype == weight.dtype == torch.float32
        and computes_with_avx2()
        and not autocasts_on_cpu()
        and weight.shape[-1] > 1
        and pixels.shape[-2] * pixels.shape[-1] >= LARGE_MAP
        and not pixels.is_contiguous()
        and pixels.is_contiguous(memory_format=torch.channels_last)
    )


class _Convolution(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, pixels: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        ctx.save_for_backward(pixels, weight)
        return F.conv2d(pixels, weight, bias, padding=weight.shape[-1] // 2)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        pixels, weight = ctx.saved_tensors
        of_pixels, of_weight, of_bias = ctx.needs_input_grad
        grad_pixels = _gradients(grad, pixels, weight, [of_pixels, False, False])[0] if of_pixels else None
        grad_weight = None
        if of_weight:
            in_nchw = grad.contiguous(), pixels.contiguous(), weight.contiguous()
            grad_weight = _gradients(*in_nchw, [False, True, False])[1]
            assert grad_weight is not None
            grad_weight = grad_weight.contiguous(memory_format=torch.channels_last)
        return grad_pixels, grad_weight, grad.sum((0, 2, 3)) if of_bias else None


def _gradients(grad: Tensor, pixels: Tensor, weight: Tensor, wanted: list[bool]) -> tuple[Tensor | None, ...]:
    """Gradients of pixels, weight and bias, of those that are wanted."""
    padding = weight.shape[-1] // 2
    return torch.ops.aten.convolution_backward(
        grad, pixels, weight, None, [1, 1], [padding] * 2, [1, 1], False, [0, 0], 1, wanted
    )
