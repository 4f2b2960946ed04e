"""Deformable attention: by hand, in both forms, and as MMCV has it; bilinear interpolation written out."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch
import torch.nn.functional as F
from mmcv.ops.multi_scale_deform_attn import multi_scale_deformable_attn_pytorch

from mmmaskformer.functional.bilinear import bilinear_taps
from mmmaskformer.functional.deformable_attention import deformable_attention
from mmmaskformer.functional.deformable_bags import bag_deformable_attention
from mmmaskformer.models.layers.deformable_operator import operator_deformable_attention

SIZES = [(2, 3), (4, 6), (1, 5)]
FORMS = [deformable_attention, bag_deformable_attention]


def inputs(dtype=torch.float32, queries: int = 7, heads: int = 2, points: int = 3) -> list[torch.Tensor]:
    """Points may lie outside of the maps."""
    pixels = sum(height * width for height, width in SIZES)
    values = torch.randn(2, pixels, heads, 4, dtype=dtype)
    places = torch.rand(2, queries, heads, len(SIZES), points, 2, dtype=dtype) * 1.4 - 0.2
    weights = torch.randn(2, queries, heads, len(SIZES) * points, dtype=dtype).softmax(-1)
    return [values, places, weights.unflatten(3, (len(SIZES), points))]


@pytest.mark.parametrize('form', FORMS)
def test_by_hand(form):
    """One head, one map of 1x2 pixels with values 10 and 30, and one outside of it."""
    values = torch.tensor([10.0, 30.0]).reshape(1, 2, 1, 1)
    places = torch.tensor([[0.25, 0.5], [0.5, 0.5], [1.0, 0.5], [2.0, 0.5]]).reshape(1, 4, 1, 1, 1, 2)
    found = form(values, [(1, 2)], places, torch.ones(1, 4, 1, 1, 1))
    torch.testing.assert_close(found.flatten(), torch.tensor([10.0, 20.0, 15.0, 0.0]))


@pytest.mark.parametrize('form', FORMS)
def test_equal_to_mmcv(form):
    values, places, weights = inputs()
    expected = multi_scale_deformable_attn_pytorch(values, torch.tensor(SIZES), places, weights)
    torch.testing.assert_close(form(values, SIZES, places, weights), expected, rtol=1e-5, atol=1e-5)


def test_bags_have_the_gradients_of_the_plain_form(monkeypatch):
    """Whatever is in work at a time."""
    monkeypatch.setattr('mmmaskformer.functional.deformable_bags.ROWS_AT_ONCE', 300)
    grads = []
    tensors = inputs(torch.float64)
    for form in FORMS:
        values, places, weights = (tensor.clone().requires_grad_() for tensor in tensors)
        output = form(values, SIZES, places, weights)
        grads.append(torch.autograd.grad(output.square().sum(), (values, places, weights)))
    for plain, bags in zip(*grads):
        torch.testing.assert_close(bags, plain)
        assert plain.abs().max() > 0.1


def test_taps_are_those_of_grid_sample():
    maps, points = torch.randn(3, 5), torch.rand(40, 2) * 1.4 - 0.2
    pixels, shares = bilinear_taps(points, (3, 5))
    expected = F.grid_sample(maps[None, None], 2 * points[None, None] - 1, align_corners=False).flatten()
    torch.testing.assert_close((maps.flatten()[pixels] * shares).sum(-1), expected)


def test_operator_gets_what_mmcv_expects(monkeypatch):
    """MMCV's own plain PyTorch stands in for its kernel, which needs a GPU and the full mmcv."""
    steps = []

    def kernel(values, sizes, starts, points, weights, step):
        assert starts.tolist() == [0, 6, 30]
        assert all(tensor.is_contiguous() for tensor in (values, points, weights))
        steps.append(step)
        return multi_scale_deformable_attn_pytorch(values, sizes, points, weights)

    stand_in = SimpleNamespace(apply=kernel)
    monkeypatch.setattr('mmcv.ops.multi_scale_deform_attn.MultiScaleDeformableAttnFunction', stand_in)
    values, places, weights = inputs()
    transposed = values.transpose(1, 2).contiguous().transpose(1, 2)
    found = operator_deformable_attention(transposed, SIZES, places, weights)
    torch.testing.assert_close(found, deformable_attention(values, SIZES, places, weights))
    assert steps == [len(values)]
