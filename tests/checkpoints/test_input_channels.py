"""Weights for red, green and blue in models with other channels."""

from __future__ import annotations

import pytest
import torch
from mmengine.registry import MODELS, init_default_scope
from mmengine.runner import load_checkpoint, save_checkpoint
from torch import nn

from mmmaskformer.checkpoints.fit_to_model import adapt_stem_weight, channels_of, stem_of

RESNET = dict(type='mmpretrain.ResNet', depth=18, stem_channels=8, base_channels=8, out_indices=(0, 1, 2, 3))
DEEP = dict(type='mmseg.ResNetV1c', depth=18, stem_channels=8, base_channels=8, out_indices=(0, 1, 2, 3))
SWIN = dict(
    type='mmpretrain.SwinTransformer',
    arch=dict(embed_dims=8, depths=[1, 1, 1, 1], num_heads=[1, 1, 1, 1]),
    out_indices=(0, 1, 2, 3),
)


def build(backbone, channels, **settings):
    init_default_scope('mmseg')
    return MODELS.build(
        dict(
            type='mmmaskformer.MaskFormer',
            data_preprocessor=dict(
                type='mmmaskformer.MaskFormerDataPreProcessor', mean=[0.0] * channels, std=[1.0] * channels
            ),
            backbone=dict(backbone, in_channels=channels, **settings),
            decode_head=dict(
                type='mmmaskformer.MaskFormerHead',
                in_channels=[8, 16, 32, 64],
                num_classes=3,
                num_queries=5,
                pixel_decoder=dict(type='mmmaskformer.FPNPixelDecoder', channels=32, mask_channels=32),
                transformer_decoder=dict(
                    type='mmmaskformer.MaskFormerTransformerDecoder',
                    channels=32,
                    num_layers=1,
                    ffn_channels=32,
                ),
            ),
        )
    )


def test_weights_by_hand():
    """Red 1, green 2, blue 6: their mean is 3."""
    weight = torch.tensor([1.0, 2.0, 6.0]).view(1, 3, 1, 1)
    for channels, expected in {
        1: [9.0],
        2: [4.5, 4.5],
        4: [0.75, 1.5, 4.5, 2.25],
        6: [0.5, 1.0, 3.0, 1.5, 1.5, 1.5],
    }.items():
        adapted = adapt_stem_weight(weight, channels)
        assert adapted.flatten().tolist() == expected
        assert adapted.sum() == weight.sum(), 'an image of equal channels gives the same'


@pytest.mark.parametrize('backbone', [RESNET, DEEP, SWIN], ids=lambda backbone: backbone['type'])
@pytest.mark.parametrize('channels', [1, 4])
@pytest.mark.parametrize('way', ['load_from', 'init_cfg', 'load_state_dict'])
def test_three_channels_are_adapted(tmp_path, backbone, channels, way):
    trained = build(backbone, 3)
    name, stem = stem_of(trained.backbone)
    other = sum(1 for _ in trained.state_dict()) // 2
    if way == 'init_cfg':
        path = tmp_path / 'backbone.pth'
        torch.save(dict(state_dict=trained.backbone.state_dict()), path)
        model = build(backbone, channels, init_cfg=dict(type='Pretrained', checkpoint=str(path)))
        model.init_weights()
        same = 'backbone.' + [*trained.backbone.state_dict()][-1]
    else:
        model, same = build(backbone, channels), [*trained.state_dict()][other]
        if way == 'load_from':
            save_checkpoint(dict(state_dict=trained.state_dict()), str(tmp_path / 'model.pth'))
            load_checkpoint(model, str(tmp_path / 'model.pth'), map_location='cpu')
        else:
            model.load_state_dict(trained.state_dict())
    assert torch.equal(stem_of(model.backbone)[1].weight, adapt_stem_weight(stem.weight, channels))
    assert torch.equal(model.state_dict()[same], trained.state_dict()[same])
    assert stem_of(model.backbone)[0] == name


def test_equal_channels_are_not_touched():
    trained, model = build(RESNET, 4), build(RESNET, 4)
    model.load_state_dict(trained.state_dict())
    assert torch.equal(stem_of(model.backbone)[1].weight, stem_of(trained.backbone)[1].weight)
    with pytest.raises(RuntimeError, match='conv1'):
        build(RESNET, 6).load_state_dict(trained.state_dict())


def test_channels_of_a_model():
    assert channels_of(build(RESNET, 4)) == 4
    model = build(RESNET, 1)
    assert channels_of(model) == 1
    assert channels_of(nn.Identity()) is None
