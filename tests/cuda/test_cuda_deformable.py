"""MMCV's compiled deformable attention beside the plain form; needs a GPU and the full mmcv."""

from __future__ import annotations

import pytest
import torch

from mmmaskformer.functional.deformable_attention import deformable_attention
from mmmaskformer.models.layers.deformable_operator import has_operator, operator_deformable_attention

SIZES = [(6, 9), (12, 18), (24, 36)]


@pytest.mark.skipif(not has_operator(), reason='mmcv-lite is installed; this needs the full mmcv')
def test_operator_equals_the_plain_form(gpu):
    """Outputs and gradients, to 1e-5 of the largest magnitude."""
    pixels = sum(height * width for height, width in SIZES)
    tensors = (
        torch.randn(2, pixels, 8, 32),
        torch.rand(2, pixels, 8, 3, 4, 2) * 1.2 - 0.1,
        torch.randn(2, pixels, 8, 12).softmax(-1).unflatten(3, (3, 4)),
    )
    results = []
    for form in (deformable_attention, operator_deformable_attention):
        values, points, weights = (tensor.to(gpu).requires_grad_() for tensor in tensors)
        output = form(values, SIZES, points, weights)
        results.append([output, *torch.autograd.grad(output.square().sum(), (values, points, weights))])
    for plain, operator in zip(*results):
        torch.testing.assert_close(operator, plain, rtol=0, atol=1e-5 * plain.abs().max().item())
