"""Layers that are recorded in another form compute the same."""

from __future__ import annotations

import pytest
import torch

from mmmaskformer.export import Settings, export_model
from mmmaskformer.export.free_windows import free_windows
from mmmaskformer.export.same_padding import constant_padding
from mmmaskformer.inference.config_files import find_config


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


@pytest.mark.parametrize('shift', [0, 2])
@pytest.mark.parametrize('size', [(8, 12), (4, 4), (5, 11), (3, 4), (2, 3)])
def test_windows_are_those_of_mmpretrain(shift, size):
    module = windows(shift)
    features = torch.randn(3, size[0] * size[1], 8)
    expected = module(features, size)
    with free_windows(module):
        assert torch.equal(module(features, size), expected)
    assert 'forward' not in vars(module)


@pytest.mark.parametrize('size', [(4, 4), (4, 9), (8, 12)])
def test_windows_that_are_not_padded(size):
    """MMPretrain does not shift them where the map is one window wide."""
    module = windows(shift=2)
    module.pad_small_map = False
    features = torch.randn(2, size[0] * size[1], 8)
    expected = module(features, size)
    with free_windows(module):
        assert torch.equal(module(features, size), expected)


@pytest.mark.slow
def test_windows_of_images_of_any_number_and_size():
    model = WindowsOfMaps(windows(shift=2))
    free = [torch.export.Dim(name, min=1, max=64) for name in ('images', 'rows', 'columns')]
    with free_windows(model), torch.no_grad():
        program = torch.export.export(
            model,
            (torch.randn(2, 10, 14, 8),),
            dynamic_shapes=({0: free[0], 1: 2 * free[1], 2: 2 * free[2]},),
            strict=False,
            prefer_deferred_runtime_asserts_over_guards=True,
        )
    for shape in ((1, 6, 10, 8), (3, 8, 16, 8), (2, 14, 30, 8)):
        maps = torch.randn(shape)
        torch.testing.assert_close(program.module()(maps), model(maps), rtol=1e-5, atol=1e-6)


def windows(shift: int) -> torch.nn.Module:
    attention = pytest.importorskip('mmpretrain.models.utils.attention')
    module = attention.ShiftWindowMSA(8, 2, window_size=4, shift_size=shift, pad_small_map=True).eval()
    torch.nn.init.normal_(module.w_msa.relative_position_bias_table)
    return module


class WindowsOfMaps(torch.nn.Module):
    """Attention in windows, three times over: formulas of sizes must not grow."""

    def __init__(self, attention: torch.nn.Module):
        super().__init__()
        self.attention = attention

    def forward(self, maps: torch.Tensor) -> torch.Tensor:
        height, width = maps.shape[1:3]
        pixels = maps.flatten(1, 2)
        for _ in range(3):
            pixels = pixels + self.attention(pixels, (height, width))
        return pixels


@pytest.mark.slow
@pytest.mark.parametrize(
    'name',
    [
        'camvid/eomt_vit-t_1xb4-600i_camvid-192x256',
        pytest.param('toy/mask2former_r18_toy', marks=pytest.mark.soak),
    ],
)
def test_other_heads_are_recorded_for_any_number_of_images(name, tmp_path):
    settings = Settings('torch', ['semantic'], size=(64, 96))
    config = find_config(name)
    config.model.backbone.init_cfg = None
    figures = export_model(config, None, tmp_path, settings)  # records 2 images, compares 1 and 2
    assert figures['label_map'] > 0.999
    assert max(figures['class_logits'], figures['mask_logits']) < 1e-4
