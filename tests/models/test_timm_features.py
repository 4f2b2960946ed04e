"""Networks of timm: strides, channels and pixel statistics come from the name alone."""

from __future__ import annotations

import pytest
import torch
from mmengine.config import Config, ConfigDict
from one_image import batch_of_one

from mmmaskformer.registry import MODELS

timm = pytest.importorskip('timm')
# Five maps from stride 2, and four from stride 4.
CHANNELS = {
    'resnet10t': [64, 128, 256, 512],
    'test_convnext': [24, 32, 48, 64],
}


@pytest.fixture
def config(root) -> Config:
    config = Config.fromfile(root / 'configs/_base_/models/maskformer_timm.py')
    config.model.backbone.update(model_name='test_convnext', pretrained=False)
    head = config.model.decode_head
    head.update(num_classes=3, num_queries=5, pixel_decoder=ConfigDict(type='mmmaskformer.FPNPixelDecoder'))
    head.pixel_decoder.update(channels=32, mask_channels=32)
    head.transformer_decoder = ConfigDict(type='mmmaskformer.MaskFormerTransformerDecoder')
    head.transformer_decoder.update(num_layers=1, ffn_channels=32, channels=32, num_heads=2)
    return config


@pytest.mark.parametrize(('name', 'channels'), CHANNELS.items())
def test_maps_of_strides_4_to_32(name, channels):
    backbone = MODELS.build(dict(type='mmmaskformer.TIMMFeatures', model_name=name))
    with torch.no_grad():
        maps = backbone(torch.rand(1, 3, 64, 96))
    assert backbone.out_channels == channels
    expected = [(1, c, 64 // s, 96 // s) for c, s in zip(channels, (4, 8, 16, 32))]
    assert [tuple(features.shape) for features in maps] == expected


def test_maps_with_the_channels_last_are_turned():
    settings = dict(
        type='mmmaskformer.TIMMFeatures',
        model_name='swin_tiny_patch4_window7_224',
        img_size=64,
        depths=(1, 1, 1, 1),
    )
    backbone = MODELS.build(dict(**settings, window_size=2))
    with torch.no_grad():
        maps = backbone(torch.rand(1, 3, 64, 64))
    assert [tuple(features.shape[1:]) for features in maps] == [
        (96, 16, 16),
        (192, 8, 8),
        (384, 4, 4),
        (768, 2, 2),
    ]


def test_a_network_without_a_pyramid_is_refused():
    with pytest.raises(ValueError, match=r"'vit_tiny_patch16_224' has feature maps of strides \[16"):
        MODELS.build(dict(type='mmmaskformer.TIMMFeatures', model_name='vit_tiny_patch16_224'))


def test_the_segmentor_takes_channels_and_statistics_from_the_backbone(config):
    model = MODELS.build(config.model)
    assert model.decode_head.pixel_decoder.in_channels == [24, 32, 48, 64]
    settings = timm.get_pretrained_cfg('test_convnext')
    for name in ('mean', 'std'):
        expected = [255 * value for value in getattr(settings, name)]
        assert getattr(model.data_preprocessor, name).flatten().tolist() == pytest.approx(expected)
    normalised = model.data_preprocessor(batch_of_one())['inputs'][0, :, 0, 0]
    expected = (100 - model.data_preprocessor.mean) / model.data_preprocessor.std
    assert torch.allclose(normalised, expected.flatten())


@pytest.mark.parametrize('with_cp', [False, True])
def test_training_step_and_prediction(config, with_cp):
    """A gradient for every parameter, the same with checkpointing, and a label map of the image's size."""
    torch.manual_seed(0)
    model = MODELS.build({**config.model, 'with_cp': with_cp})
    data = model.data_preprocessor(batch_of_one(), training=True)
    model.decode_head.transformer_decoder.eval()
    sum(model.loss(**data).values()).backward()
    gradients = {name: p.grad for name, p in model.backbone.named_parameters()}
    assert all(gradient is not None for gradient in gradients.values())
    model.eval()
    with torch.no_grad():
        (result,) = model.test_step(batch_of_one())
    assert result.pred_sem_seg.data.shape == (1, 64, 96)


def test_checkpointing_changes_no_gradient(config):
    def gradient(with_cp: bool) -> torch.Tensor:
        torch.manual_seed(0)
        model = MODELS.build({**config.model, 'with_cp': with_cp}).train()
        model.decode_head.transformer_decoder.eval()
        sum(model.loss(**model.data_preprocessor(batch_of_one(), training=True)).values()).backward()
        return torch.cat([p.grad.flatten() for p in model.backbone.parameters()])

    assert torch.allclose(gradient(False), gradient(True), atol=1e-6)


def test_more_channels_than_three(config):
    config.model.backbone.in_channels = 5
    model = MODELS.build(config.model)
    assert len(model.data_preprocessor.mean) == 5
    assert model.data_preprocessor(batch_of_one(5))['inputs'].shape == (1, 5, 64, 96)


def test_wrong_channels_are_refused(config):
    config.model.decode_head.in_channels = [24, 32, 48, 65]
    model = MODELS.build(config.model)
    with pytest.raises(
        ValueError, match=r'in_channels is \[24, 32, 48, 65\], but the backbone gives .*48, 64\]'
    ):
        model(torch.rand(1, 3, 64, 64))


def test_a_backbone_that_does_not_know_is_named(config):
    config.model.backbone = ConfigDict(type='mmpretrain.ResNet', depth=18, out_indices=(0, 1, 2, 3))
    with pytest.raises(ValueError, match='in_channels is None, but ResNet does not say'):
        MODELS.build(config.model)
    config.model.decode_head.in_channels = [64, 128, 256, 512]
    with pytest.raises(ValueError, match="mean is 'backbone', but ResNet does not know"):
        MODELS.build(config.model)


def test_statistics_of_the_backbone_for_both_or_none(config):
    config.model.data_preprocessor.std = [1.0, 1.0, 1.0]
    with pytest.raises(ValueError, match="set both to 'backbone'"):
        MODELS.build(config.model)
