"""Layers that are recorded in another form compute the same."""

from __future__ import annotations

import pytest
import torch

from mmmaskformer.export.free_windows import free_windows
from mmmaskformer.export.same_padding import constant_padding


def test_same_padding_as_a_number():
    layers = pytest.importorskip('timm.layers')
    model = torch.nn.Sequential(
        layers.Conv2dSame(3, 4, 3, stride=2), layers.Conv2dSame(4, 4, 5, stride=2), layers.Conv2dSame(4, 4, 3)
    )
    images = torch.randn(1, 3, 32, 64)
    expected = model(images)
    with constant_padding(model, 32):
        assert torch.equal(model(images), expected)
        assert 'forward' in vars(model[0])
    assert 'forward' not in vars(model[0])
    with constant_padding(model, 1):  # other sides need other padding
        assert 'forward' not in vars(model[0])


def test_windows_of_any_number_of_images():
    attention = pytest.importorskip('mmpretrain.models.utils.attention')
    module = attention.ShiftWindowMSA(embed_dims=8, num_heads=2, window_size=4, shift_size=2)
    features = torch.randn(3, 8 * 12, 8)
    expected = module(features, (8, 12))
    with free_windows(module):
        assert torch.equal(module(features, (8, 12)), expected)
        program = torch.export.export(
            Windows(module), (features,), dynamic_shapes=({0: torch.export.Dim.DYNAMIC},)
        )
    assert 'window_reverse' not in vars(module)
    assert program.module()(features[:2]).shape == (2, 96, 8)


class Windows(torch.nn.Module):
    """The attention with the size of the map given."""

    def __init__(self, attention):
        super().__init__()
        self.attention = attention

    def forward(self, features):
        return self.attention(features, (8, 12))
